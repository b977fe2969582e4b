//! `sandgate check`: does everything that `run` does up to serving, and prints the pipeline as a table.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use sandgate_assembly::{Assembler, Loading, host_setup};
use sandgate_config::{
    DescribedIssue, Environment, Give, Issue, Loaded, PluginSource, Report, Scalar, Severity,
};
use sandgate_egress::Policy;
use sandgate_gateway::{Edition, Server, Transport};
use sandgate_message::{Direction, Hook, Method, Role};
use sandgate_pipeline::{BoundInterceptor, Chain, Mode, Sees, Step};
use sandgate_telemetry::logging;
use sandgate_text::time;
use serde::Serialize;

use crate::exit::{refuse, runtime, show};
use crate::reached::Configured;
use crate::seen::{self, Viewer};
use crate::table::{self, EventRow, IdleGlob, Pipeline, Reach, Row, ServerRows, Stop};

/// `sandgate check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The configuration to check.
    #[command(flatten)]
    pub configured: Configured,
    /// Exit with 1 where something is doubtful, too
    #[arg(long)]
    pub strict: bool,
    /// What is wrong and what is doubtful, as JSON
    #[arg(long)]
    pub json: bool,
    /// Print what this client sees on each server, and which view says so; the servers are asked
    #[arg(long = "as", value_name = "CLIENT")]
    pub viewer: Option<String>,
    /// With --as: look as a client of these groups, which need not be configured
    #[arg(
        long,
        value_name = "GROUP,...",
        value_delimiter = ',',
        requires = "viewer"
    )]
    pub groups: Option<Vec<String>>,
}

/// The result of a check: the table for stdout, and warnings for stderr.
#[derive(Debug)]
pub struct Checked {
    /// The pipeline, server by event.
    pub table: String,
    /// Warnings about what is probably a mistake, and notes.
    pub warnings: Report,
}

/// The result of a check, for programs.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// The result: `good`, `doubtful` or `wrong`.
    pub result: &'static str,
    /// All errors, warnings and notes, in the file's order.
    pub issues: Vec<DescribedIssue>,
}

impl Verdict {
    /// The result for the issues of a report.
    pub fn of(report: &Report) -> Self {
        let issues = report.described();
        let any = |severity| issues.iter().any(|issue| issue.severity == severity);
        let result = match (any(Severity::Error), any(Severity::Warning)) {
            (true, _) => "wrong",
            (false, true) => "doubtful",
            (false, false) => "good",
        };
        Self { result, issues }
    }
}

/// Checks the configuration, and prints the result.
pub fn carry_out(asked: &Check) -> ExitCode {
    if let Some(name) = &asked.viewer {
        let viewer = Viewer {
            name: name.clone(),
            groups: asked.groups.clone(),
        };
        return match Loaded::read(&asked.configured.config) {
            Ok(loaded) => seen::carry_out(&loaded, &viewer, asked.json),
            Err(report) => refuse(&report),
        };
    }
    let checked = Loaded::read(&asked.configured.config)
        .map_err(Box::new)
        .and_then(|loaded| match runtime(None) {
            Ok(runtime) => {
                let environment = Environment::of_process();
                let checked = runtime.block_on(check(&loaded, &environment));
                Ok(checked.map_err(Box::new)?)
            }
            Err(error) => Err(Box::new(Report::new(
                None,
                vec![Issue::error(None, error.to_string())],
            ))),
        });
    let (table, report) = match checked {
        Ok(checked) => (Some(checked.table), checked.warnings),
        Err(report) => (None, *report),
    };
    let verdict = Verdict::of(&report);
    show(asked.json, &verdict, || table.unwrap_or_default());
    if !asked.json {
        logging::say_report(&report);
    }
    match verdict.result {
        "wrong" => ExitCode::from(2),
        "doubtful" if asked.strict => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Checks everything. Plugins are prepared as for serving.
///
/// # Errors
///
/// Reports everything that is wrong.
pub async fn check(loaded: &Loaded, environment: &Environment) -> Result<Checked, Report> {
    let exposed = loaded.check_exposure(loaded.config.gateway.listen.0, false)?;
    let host = host_setup::host(loaded, environment)?;
    let assembler = Assembler::new(host).ahead_of_installation().fetching();
    let mut assembled = assembler
        .assemble(loaded, environment, Loading::Start)
        .await?;
    let sinks = std::mem::take(&mut assembled.call_log_sinks);
    sandgate_daemon::check_call_log(loaded, environment, sinks)?;
    assembled.warnings.extend(exposed);
    let table = table::text(&pipeline(loaded, &assembled.edition));
    Ok(Checked {
        table,
        warnings: loaded.report(assembled.warnings),
    })
}

fn pipeline(loaded: &Loaded, edition: &Edition) -> Pipeline {
    let chain = edition.chain();
    let names: Vec<&str> = loaded.config.servers.keys().map(String::as_str).collect();
    let methods: Vec<&str> = Method::known().map(|method| method.name).collect();
    let known = sandgate_pipeline::KnownNames {
        servers: Some(&names),
        events: Some(&methods),
        ..Default::default()
    };
    let interceptors = loaded
        .config
        .interceptors
        .iter()
        .zip(chain.steps())
        .map(|(written, step)| row(written, step));
    let idle = chain.steps().iter().flat_map(|step| {
        let of = |idle: sandgate_pipeline::UnusedPattern| IdleGlob {
            interceptor: step.name().to_string(),
            key: idle.key.into(),
            glob: idle.glob,
        };
        step.idle(&known).into_iter().map(of)
    });
    let servers = loaded
        .config
        .servers
        .iter()
        .map(|(name, server)| ServerRows {
            name: name.clone(),
            at: match (&server.url, &server.source(), &server.command) {
                (Some(url), ..) => url.0.to_string(),
                (None, Some(package), _) => package.to_string(),
                (None, None, command) => command.clone().unwrap_or_default(),
            },
            package: server.source().is_some(),
            events: methods
                .iter()
                .filter_map(|event| event_row(chain, event, name))
                .collect(),
            reach: with_secrets(
                server,
                edition
                    .servers()
                    .iter()
                    .find(|known| known.name().as_ref() == name.as_str())
                    .map_or_else(Reach::default, |known| reach(known)),
            ),
        });
    Pipeline {
        interceptors: interceptors.collect(),
        servers: servers.collect(),
        idle: idle.collect(),
    }
}

fn reach(server: &Server) -> Reach {
    let config = server.config();
    match (&config.transport, &config.contain) {
        (Transport::Http { .. }, _) => Reach::Remote,
        // A package without a program is one that is not installed.
        (Transport::Stdio { command, .. }, None) if command.is_empty() => Reach::NotInstalled,
        (Transport::Stdio { .. }, None) => Reach::Unconfined,
        (Transport::Stdio { .. }, Some(plan)) => {
            let mut rows = plan.table();
            if let Some(proxy) = &config.egress {
                let network = rows.iter().position(|(about, _)| *about == "network");
                let at = network.map_or(rows.len(), |network| network + 1);
                rows.splice(at..at, reached(proxy.policy()));
            }
            Reach::Contained(rows)
        }
    }
}

/// What a contained server reaches, and where its secrets come from; no value is among it.
fn with_secrets(server: &sandgate_config::Server, reach: Reach) -> Reach {
    let Reach::Contained(mut rows) = reach else {
        return reach;
    };
    for (name, secret) in &server.secrets {
        let given = match secret.give {
            Give::Inject => {
                let hosts = secret.hosts.iter().flatten().map(Scalar::write);
                format!(
                    "put into requests to {}",
                    hosts.collect::<Vec<_>>().join(", ")
                )
            }
            Give::File => "by a file in memory".into(),
            Give::Env => "IN ITS ENVIRONMENT".into(),
        };
        rows.push((
            "secret",
            format!("{name}, from {}: {given}", secret.source()),
        ));
    }
    Reach::Contained(rows)
}

/// The hosts that a contained server reaches through the proxy.
fn reached(policy: &Policy) -> Vec<(&'static str, String)> {
    let mut rows: Vec<_> = policy
        .hosts
        .iter()
        .map(|host| ("reaches", host.to_string()))
        .collect();
    if let Some(until) = policy
        .audit_until
        .filter(|_| policy.audits(SystemTime::now()))
    {
        rows.push((
            "reaches",
            format!("EVERY PUBLIC HOST until {}", time(until)),
        ));
    }
    if rows.is_empty() {
        rows.push(("reaches", "no host".into()));
    }
    rows
}

fn row(written: &sandgate_config::Interceptor, step: &Step) -> Row {
    let hooks = [Hook::PreCall, Hook::PostCall]
        .into_iter()
        .filter_map(|hook| {
            let role = match step.role(hook)? {
                Role::Validation => "validation",
                Role::Mutation => "mutation",
            };
            Some(format!("{} {role}", hook.as_str()))
        });
    Row {
        name: step.name().to_string(),
        plugin: source(&written.plugin, step),
        hooks: hooks.collect(),
        audit: step.place().mode == Mode::Audit,
        fail_open: step.place().fail_open,
        timeout: step.place().timeout,
        withheld: Vec::new(),
        candidate: written
            .promoted()
            .zip(step.candidate())
            .map(|(promoted, tried)| {
                let share = tried.share() * 100.0;
                let source = source(&promoted.plugin, tried.step());
                format!("{source}, on {share}% of calls")
            }),
    }
}

/// The plugin as the configuration has it; of a registry, with its manifest's digest and its signer.
fn source(plugin: &PluginSource, step: &BoundInterceptor) -> String {
    let version = &step.interceptor().plugin().version;
    match &step.place().origin {
        None => format!("{} {version}", plugin.write()),
        Some(origin) => match &origin.signer {
            None => format!("{} {version}", origin.reference),
            Some(signer) => format!("{} {version}, signed by {signer}", origin.reference),
        },
    }
}

fn event_row(chain: &Chain, event: &str, server: &str) -> Option<EventRow> {
    let stops = |hook: Hook| -> Vec<Stop> {
        let looks = |step: &Step| {
            [Direction::ClientToServer, Direction::ServerToClient]
                .iter()
                .any(|way| step.admits(hook, event, *way, server))
        };
        let stop = |(index, step): (usize, &Step)| {
            let scope = &step.place().scope;
            let mutates = step.role(hook) == Some(Role::Mutation);
            looks(step).then(|| Stop {
                interceptor: index,
                mutates,
                raw: hook == Hook::PostCall && !mutates && step.place().sees == Sees::Raw,
                partly: !(scope.targets.is_empty()
                    && scope.principals.is_empty()
                    && scope.groups.is_empty()),
            })
        };
        chain.steps().iter().enumerate().filter_map(stop).collect()
    };
    let (request, reply) = (stops(Hook::PreCall), stops(Hook::PostCall));
    (!request.is_empty() || !reply.is_empty()).then(|| EventRow {
        event: event.into(),
        request,
        reply,
    })
}
