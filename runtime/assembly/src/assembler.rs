//! Assembles an edition from a configuration: every plugin prepared, every server known, or nothing at all. This is the
//! one place that knows both the pipeline and the host.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use sandgate_config::{
    Client, Config, Environment, Issue, Loaded, Receiver, Report, ResolvedSink, Secret, Side,
    Target, TargetKind,
};
use sandgate_egress::{ConnectionLog, Unrecorded};
use sandgate_gateway::{
    ClientKey, Clients, Edition, Identity, Kind, Server, View, ViewPattern, Views,
};
use sandgate_host::Host;
use sandgate_message::{Hook, Limits, Method};
use sandgate_pipeline::{Chain, Globs, Origin, Scope, Step, StepConfig, StepError};
use sandgate_secrets::Redactor;
use tokio::runtime::{Handle, RuntimeFlavor};
use zeroize::Zeroizing;

use crate::candidate_runner::CandidateRunner;
use crate::plugins::Loading;
use crate::secrets::{Fetched, Kept};
use crate::servers::Around;
use crate::{
    authorization, candidates, certificates, cover, doubts, order, packages, plugins, servers,
};

/// Builds editions one after another. What did not change is reused.
pub struct Assembler {
    host: Arc<Host>,
    plugins: plugins::PreparedPlugins,
    servers: servers::KnownServers,
    candidates: candidates::HeldCandidates,
    runner: CandidateRunner,
    issuers: authorization::Issuers,
    connections: Arc<dyn ConnectionLog>,
    redactor: Arc<Redactor>,
    /// Whether the values of servers are fetched.
    fetches: bool,
    version: u64,
    ahead: bool,
}

/// An edition ready to be published, with its warnings.
pub struct Assembled {
    /// The edition: chain and servers.
    pub edition: Edition,
    /// Warnings about what is probably a mistake, and notes.
    pub warnings: Vec<Issue>,
    /// The certificate that the gateway shows its clients.
    pub identity: Option<Identity>,
    /// Values that the gateway brings to servers and plugins, none of which may be among the kept words. Empty unless
    /// words are kept.
    pub managed: Vec<Zeroizing<String>>,
    /// The headers of requests to the collector.
    pub otlp_headers: Vec<(String, Secret)>,
    /// The sinks of the call log, in the file's order.
    pub call_log_sinks: Vec<ResolvedSink>,
    /// What tells each value of the servers' secrets from another one, by `SERVER/NAME`.
    pub secrets: BTreeMap<String, u64>,
    /// The receivers of alerts, in the file's order.
    pub alerts: Vec<Receiver>,
    plugins: plugins::PreparedPlugins,
    servers: servers::KnownServers,
    candidates: candidates::HeldCandidates,
    issuers: authorization::Issuers,
}

impl Assembler {
    /// Creates an assembler that prepares plugins on this host.
    pub fn new(host: Arc<Host>) -> Self {
        Self {
            host,
            plugins: plugins::PreparedPlugins::default(),
            servers: servers::KnownServers::default(),
            candidates: candidates::HeldCandidates::default(),
            runner: CandidateRunner::default(),
            issuers: authorization::Issuers::default(),
            connections: Arc::new(Unrecorded),
            redactor: Arc::default(),
            fetches: false,
            version: 0,
            ahead: false,
        }
    }

    /// Tells this log of the connections that contained servers make.
    #[must_use]
    pub fn telling(self, connections: Arc<dyn ConnectionLog>) -> Self {
        Self {
            connections,
            ..self
        }
    }

    /// For those who start servers, or want to know whether they could: their values are fetched, and looked for from then
    /// on by [`Self::redactor`].
    #[must_use]
    pub fn fetching(mut self) -> Self {
        self.fetches = true;
        self
    }

    /// What looks for the values of servers.
    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// For those who start no server: a package that is locked and not installed is a warning.
    #[must_use]
    pub fn ahead_of_installation(mut self) -> Self {
        self.ahead = true;
        self
    }

    /// Builds an edition. Nothing changes until [`Self::adopt`].
    ///
    /// # Errors
    ///
    /// Reports everything that is wrong, with its place in the file.
    pub async fn assemble(
        &self,
        loaded: &Loaded,
        environment: &Environment,
        loading: Loading,
    ) -> Result<Assembled, Report> {
        let resolved = loaded.resolve(environment)?;
        let limits = document_limits(loaded);
        let mut unlocked = Vec::new();
        let (held, origins) = packages::with_locked_plugins(loaded, environment, &mut unlocked);
        let loaded = &*held;
        let (plugins, mut issues) = self
            .plugins
            .prepare(&self.host, loaded, &resolved, limits, loading)
            .await;
        issues.extend(unlocked);
        let mut steps = Vec::new();
        let mut candidates = candidates::HeldCandidates::default();
        for (index, prepared) in plugins.in_order().enumerate() {
            let interceptor = &loaded.config.interceptors[index];
            let error = |(key, why): (&str, String)| {
                let place = format!("/interceptors/{index}{key}");
                let issue = loaded.error(&place, Side::Value, why);
                match key {
                    "/hooks" | "/events" => issue.help(
                        "`sandgate plugin inspect` shows the hooks and events that the plugin asks for",
                    ),
                    _ => issue,
                }
            };
            let live = match step(interceptor, prepared, origins.of(index, false)) {
                Ok(step) => step,
                Err(wrong) => {
                    issues.push(error(wrong));
                    continue;
                }
            };
            let tried = interceptor.promoted().zip(prepared.candidate.as_deref());
            let (Some((promoted, prepared)), Some(written)) = (tried, &interceptor.candidate)
            else {
                steps.push(live);
                continue;
            };
            let origin = origins.of(index, written.plugin.is_some());
            let beside = step(&promoted, prepared, origin).and_then(|tried| {
                issues.extend(widened(&live, &tried).map(|why| Issue {
                    severity: sandgate_config::Severity::Note,
                    ..error(("/candidate", why))
                }));
                let place = (interceptor, written);
                let beside = candidates.beside(&self.candidates, live, tried, place);
                beside.map_err(misplaced)
            });
            match beside {
                Ok(step) => steps.push(step),
                Err((key, why)) => {
                    issues.push(error((key, why)).help(
                        "change the interceptor's own key, or try another plugin: promoted, it would stand there",
                    ));
                }
            }
        }
        let mut all = resolved.warnings.clone();
        all.extend(loaded.warnings.iter().cloned());
        issues.extend(order::misplaced(loaded, &steps));
        let fetched = match self.fetches {
            true => {
                // Programs and stores are waited for.
                let (loaded, environment) = (loaded.clone(), environment.clone());
                let fetching =
                    tokio::task::spawn_blocking(move || Fetched::of(&loaded, &environment));
                fetching.await.unwrap_or_else(|_| {
                    Err(vec![Issue::error(None, "the secrets could not be fetched")])
                })
            }
            false => Ok(Fetched::none(loaded)),
        };
        let stocked = fetched.and_then(|fetched| {
            // Nothing may pass in which its values are not found.
            if let Some(issue) = fetched.tell(&self.redactor) {
                return Err(vec![issue]);
            }
            let marks = fetched.marks();
            let around = Around {
                limits,
                connections: self.connections.clone(),
                redactor: self.redactor.clone(),
                fetched,
                ahead: self.ahead,
            };
            // Container engines and `bwrap` are asked, which may take them a while.
            let stock = || self.servers.stock(loaded, &resolved, environment, &around);
            let (servers, known_servers, doubts) = match Handle::current().runtime_flavor() {
                RuntimeFlavor::MultiThread => tokio::task::block_in_place(stock),
                _ => stock(),
            }?;
            Ok((servers, known_servers, doubts, marks))
        });
        let (servers, known_servers, secrets) = match stocked {
            Ok((servers, known_servers, doubts, marks)) => {
                issues.extend(doubts);
                (servers, known_servers, marks)
            }
            Err(wrong) => {
                issues.extend(wrong);
                Default::default()
            }
        };
        let (issuers, unusable) = self.issuers.next(loaded, &resolved);
        issues.extend(unusable);
        issues.extend(doubts::of(loaded, &resolved, environment));
        all.extend(unseeing(loaded));
        let identity = match certificates::identity(loaded) {
            Ok((identity, soon)) => {
                all.extend(soon);
                identity
            }
            Err(wrong) => {
                issues.push(wrong);
                None
            }
        };
        if loaded.config.gateway.why_values {
            let why = "the words that policies match are kept in memory for ten minutes, and `sandgate why` shows them";
            let note = loaded.error("/gateway/why-values", Side::Value, why);
            all.push(Issue {
                severity: sandgate_config::Severity::Note,
                ..note.help("leave it out once what was refused is explained")
            });
        }
        all.extend(idle(loaded, &steps));
        all.extend(cover::gaps(loaded, &steps));
        if issues
            .iter()
            .any(|issue| issue.severity == sandgate_config::Severity::Error)
        {
            all.extend(issues);
            return Err(loaded.report(all));
        }
        all.extend(issues);
        let refusal = loaded.config.gateway.refusal;
        let known = &loaded.config.gateway.known_methods;
        let known = Globs::new(known.iter().map(|method| &method.0))
            .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))?;
        let shows = loaded.config.gateway.why_values;
        let managed = match shows {
            true => resolved.managed(),
            false => Vec::new(),
        };
        let chain = Chain::new(self.version + 1, steps, refusal, limits)
            .extended(known)
            .showing(shows);
        let chain = match self.redactor.is_idle() {
            true => chain,
            false => chain.redacting(Arc::new(Kept(self.redactor.clone()))),
        };
        let names: Vec<_> = servers.iter().map(|server| server.name().clone()).collect();
        let authorization = authorization::of(loaded, &issuers, &names)?;
        let edition = Edition::new(chain, servers)
            .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))?
            .for_clients(clients(loaded))
            .authorized_by(authorization)
            .through(views(loaded, &names)?);
        Ok(Assembled {
            edition,
            warnings: all,
            identity,
            managed,
            otlp_headers: resolved.otlp_headers,
            call_log_sinks: resolved.call_log_sinks,
            secrets,
            alerts: resolved.alerts,
            plugins,
            servers: known_servers,
            candidates,
            issuers,
        })
    }

    /// Takes over the parts that the next edition is compared with, and returns the edition.
    pub fn adopt(&mut self, assembled: Assembled) -> Edition {
        self.version = assembled.edition.version();
        self.plugins = assembled.plugins;
        self.servers = assembled.servers;
        self.servers.take_effect();
        self.issuers = assembled.issuers;
        for candidate in assembled.candidates.new_since(&self.candidates) {
            self.runner.run(candidate);
        }
        self.candidates = assembled.candidates;
        assembled.edition
    }

    /// The servers in force.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.servers.all()
    }
}

impl Assembled {
    /// Logs the warnings and notes to the gateway's own log.
    pub fn log(&self, loaded: &Loaded) {
        for issue in &self.warnings {
            let text = loaded.report(vec![issue.clone()]).render(false);
            match issue.severity {
                sandgate_config::Severity::Note => tracing::info!("{}", text.trim_end()),
                sandgate_config::Severity::Warning | sandgate_config::Severity::Error => {
                    tracing::warn!("{}", text.trim_end())
                }
            }
        }
    }
}

/// The clients that may call, with their keys.
fn clients(loaded: &Loaded) -> Clients {
    let keys = loaded
        .config
        .clients
        .iter()
        .map(|(name, client)| ClientKey {
            name: name.as_str().into(),
            token_sha256: client.token_sha256.map(|hash| hash.0),
            previous: client
                .previous
                .as_ref()
                .map(|key| (key.token_sha256.0, key.until.0)),
            certificate: client.certificate.as_deref().map(Into::into),
            groups: client.groups.iter().cloned().collect(),
            rate: rate(&loaded.config, name, client),
        });
    Clients::new(keys.collect())
}

/// The lowest of a client's own rate and those of its views.
fn rate(config: &Config, name: &str, client: &Client) -> Option<NonZeroU32> {
    let viewed = config.views_of(Some(name), &client.groups);
    let rates = viewed.filter_map(|(_, view)| view.rate);
    rates.chain(client.rate).map(|rate| rate.0).min()
}

/// The views of the clients, over servers of these names.
///
/// # Errors
///
/// A pattern holds what is no glob.
pub fn views(loaded: &Loaded, servers: &[Arc<str>]) -> Result<Views, Report> {
    let written = loaded.config.views.iter().map(|(name, view)| View {
        name: name.as_str().into(),
        clients: view.clients.clone(),
        groups: view.groups.clone(),
        allow: patterns(&view.allow),
        deny: patterns(&view.deny),
        rate: view.rate.map(|rate| rate.0),
    });
    let clients = loaded.config.clients.iter();
    let clients = clients.map(|(name, client)| (name.as_str(), client.groups.as_slice()));
    Views::new(written.collect(), clients, servers)
        .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))
}

/// Patterns over what servers offer.
pub(crate) fn patterns(targets: &[Target]) -> Vec<ViewPattern> {
    let patterns = targets.iter().map(|one| ViewPattern {
        text: one.as_str().into(),
        kind: match one.kind {
            TargetKind::Tool => Kind::Tool,
            TargetKind::Prompt => Kind::Prompt,
            TargetKind::Resource => Kind::Resource,
        },
        server: one.server.as_str().to_owned(),
        name: one.name.as_str().to_owned(),
    });
    patterns.collect()
}

/// Notes of clients that are in no view, where there are views.
fn unseeing(loaded: &Loaded) -> Vec<Issue> {
    let config = &loaded.config;
    let clients = config.clients.iter().filter(|(name, client)| {
        !config.views.is_empty() && config.views_of(Some(name), &client.groups).next().is_none()
    });
    clients
        .map(|(name, _)| {
            let why = "it is in no view and sees nothing";
            let issue = loaded.error(&format!("/clients/{name}"), Side::Key, why);
            Issue {
                severity: sandgate_config::Severity::Warning,
                ..issue.help("name it, or one of its groups, in a view of [views]")
            }
        })
        .collect()
}

/// The limits of one message.
pub fn document_limits(loaded: &Loaded) -> Limits {
    let limits = &loaded.config.gateway.limits;
    Limits {
        bytes: usize::try_from(limits.max_body.0).unwrap_or(usize::MAX),
        depth: usize::from(limits.max_depth),
    }
}

/// Describes the hooks at which a candidate would look and the live interceptor does not. The candidate is not tried
/// there.
fn widened(live: &Step, tried: &Step) -> Option<String> {
    let hooks = [Hook::PreCall, Hook::PostCall].into_iter();
    let more: Vec<_> = hooks
        .filter(|hook| live.role(*hook).is_none() && tried.role(*hook).is_some())
        .map(|hook| hook.as_str())
        .collect();
    (!more.is_empty()).then(|| {
        format!(
            "it has a {} too, at which the live plugin does not look: there it is not tried, and promoted it would look",
            more.join(" and a ")
        )
    })
}

/// Puts the interceptor in its place. The error names the wrong key.
fn step(
    interceptor: &sandgate_config::Interceptor,
    prepared: &plugins::Prepared,
    origin: Option<Origin>,
) -> Result<Step, (&'static str, String)> {
    let globs = |key: &'static str, patterns: &[sandgate_config::Pattern]| {
        Globs::new(patterns.iter().map(sandgate_config::Pattern::as_str))
            .map_err(|error| (key, error.to_string()))
    };
    let scope = Scope {
        hooks: interceptor.hooks.clone(),
        events: globs("/events", &interceptor.events)?,
        directions: interceptor.directions.clone(),
        servers: globs("/servers", &interceptor.servers)?,
        targets: globs("/targets", &interceptor.targets)?,
        principals: globs("/principals", &interceptor.principals)?,
        groups: globs("/groups", &interceptor.groups)?,
    };
    let place = StepConfig {
        scope,
        mode: interceptor.mode,
        fail_open: interceptor.fail_open,
        timeout: interceptor
            .timeout
            .map(|period| period.0)
            .unwrap_or(prepared.timeout),
        sees: interceptor.sees,
        refusal: interceptor.refusal,
        origin,
    };
    Step::new(&interceptor.name, prepared.interceptor.clone(), place).map_err(misplaced)
}

/// The wrong key, and what is wrong.
fn misplaced(error: StepError) -> (&'static str, String) {
    let key = match &error {
        StepError::Hook { .. } => "/hooks",
        StepError::Event { .. } => "/events",
        StepError::Raw { .. } => "/sees",
        StepError::Timeout { .. } => "/timeout",
        StepError::Plugin { .. } => "/plugin",
        StepError::Candidate { .. } => "/candidate",
    };
    (key, error.to_string())
}

/// Warns of globs that match no known name: an interceptor that silently looks at nothing protects nothing.
fn idle(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
    let names: Vec<&str> = loaded.config.servers.keys().map(String::as_str).collect();
    let clients: Vec<&str> = loaded.config.clients.keys().map(String::as_str).collect();
    let groups = loaded.config.clients.values();
    let groups: Vec<&str> = groups
        .flat_map(|client| client.groups.iter().map(String::as_str))
        .collect();
    let closed = loaded.config.authorization.is_none();
    let methods: Vec<&str> = Method::known().map(|method| method.name).collect();
    let known = sandgate_pipeline::KnownNames {
        servers: Some(&names),
        events: Some(&methods),
        // Who comes with a token is known when the token comes.
        principals: closed.then_some(&*clients),
        groups: closed.then_some(&*groups),
        ..sandgate_pipeline::KnownNames::default()
    };
    let mut issues = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        // Server globs are checked when the file is read.
        for idle in step
            .idle(&known)
            .into_iter()
            .filter(|idle| idle.key != "servers")
        {
            let place = format!("/interceptors/{index}/{}", idle.key);
            let issue = loaded.error(
                &place,
                Side::Value,
                format!("{:?} matches nothing", idle.glob),
            );
            let help = match idle.key {
                "principals" => doubts::known_ones("client", &clients),
                "groups" => "no client in [clients] has such a group".into(),
                _ => "the plugin asks for no such event; `sandgate plugin inspect` shows what it asks for".into(),
            };
            issues.push(Issue {
                severity: sandgate_config::Severity::Warning,
                ..issue.help(help)
            });
        }
    }
    issues
}
