//! From a configuration to an edition: every plugin prepared, every server known, or nothing at all. The one place that
//! knows both the pipeline and the host.

mod certificates;
mod plugins;
mod servers;

use std::sync::Arc;

use sandgate_gateway::{ClientKey, Clients, Edition, Identity, Server};
use sandgate_host::Host;
use sandgate_message::{Direction, Hook, Limits};
use sandgate_pipeline::{Chain, Globs, Mode, Place, RefusalStyle, Scope, Sees, Step};

use crate::config::{self, Environment, Issue, Loaded, Report, Side};

pub use plugins::Loading;

/// Builds editions one after another; what did not change is not made again.
pub struct Assembler {
    host: Arc<Host>,
    plugins: plugins::Shelf,
    servers: servers::Shelf,
    version: u64,
}

/// An edition, ready to be published, and what else came to light.
pub struct Assembled {
    /// Chain and servers.
    pub edition: Edition,
    /// What likely is not meant so, and what is good to know.
    pub warnings: Vec<Issue>,
    /// What the gateway shows its clients.
    pub identity: Option<Identity>,
    plugins: plugins::Shelf,
    servers: servers::Shelf,
}

impl Assembler {
    /// Prepares plugins on this host.
    pub fn new(host: Arc<Host>) -> Self {
        Self {
            host,
            plugins: plugins::Shelf::default(),
            servers: servers::Shelf::default(),
            version: 0,
        }
    }

    /// Builds an edition. Nothing changes until [`Self::adopt`].
    ///
    /// # Errors
    /// Everything that is wrong, with its place in the file.
    pub async fn assemble(
        &self,
        loaded: &Loaded,
        environment: &Environment,
        loading: Loading,
    ) -> Result<Assembled, Report> {
        let resolved = loaded.resolve(environment)?;
        let limits = document_limits(loaded);
        let (plugins, mut issues) = self
            .plugins
            .prepare(&self.host, loaded, &resolved, limits, loading)
            .await;
        let mut steps = Vec::new();
        for (index, prepared) in plugins.in_order().enumerate() {
            match step(&loaded.config.interceptors[index], prepared) {
                Ok(step) => steps.push(step),
                Err((key, why)) => {
                    let place = format!("/interceptors/{index}{key}");
                    issues.push(loaded.error(&place, Side::Value, why));
                }
            }
        }
        let mut all = resolved.warnings.clone();
        all.extend(loaded.warnings.iter().cloned());
        let (servers, shelf) = match self.servers.stock(loaded, &resolved, limits) {
            Ok((servers, shelf)) => (servers, shelf),
            Err(wrong) => {
                issues.extend(wrong);
                Default::default()
            }
        };
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
        all.extend(idle(loaded, &steps));
        if issues
            .iter()
            .any(|issue| issue.severity == config::Severity::Error)
        {
            all.extend(issues);
            return Err(loaded.report(all));
        }
        all.extend(issues);
        let refusal = loaded.config.gateway.refusal.map(refusal_style);
        let chain = Chain::new(self.version + 1, steps, refusal, limits);
        let edition = Edition::new(chain, servers)
            .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))?
            .for_clients(clients(loaded));
        Ok(Assembled {
            edition,
            warnings: all,
            identity,
            plugins,
            servers: shelf,
        })
    }

    /// From here on this is what the next edition is compared with. Hands out the edition.
    pub fn adopt(&mut self, assembled: Assembled) -> Edition {
        self.version = assembled.edition.version();
        self.plugins = assembled.plugins;
        self.servers = assembled.servers;
        assembled.edition
    }

    /// The servers in force.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.servers.all()
    }
}

impl Assembled {
    /// Tells the gateway's own log what came to light.
    pub fn log(&self, loaded: &Loaded) {
        for issue in &self.warnings {
            let text = loaded.report(vec![issue.clone()]).render(false);
            match issue.severity {
                config::Severity::Note => tracing::info!("{}", text.trim_end()),
                config::Severity::Warning | config::Severity::Error => {
                    tracing::warn!("{}", text.trim_end())
                }
            }
        }
    }
}

/// Who may call.
fn clients(loaded: &Loaded) -> Clients {
    let keys = loaded
        .config
        .clients
        .iter()
        .map(|(name, client)| ClientKey {
            name: name.as_str().into(),
            token_sha256: client.token_sha256.0,
            groups: client.groups.iter().cloned().collect(),
        });
    Clients::new(keys.collect())
}

/// Bounds of one message.
pub fn document_limits(loaded: &Loaded) -> Limits {
    let limits = &loaded.config.gateway.limits;
    Limits {
        bytes: usize::try_from(limits.max_body.0).unwrap_or(usize::MAX),
        depth: usize::from(limits.max_depth),
    }
}

/// The interceptor in its place; an error names the key that is wrong.
fn step(
    interceptor: &config::Interceptor,
    prepared: &plugins::Prepared,
) -> Result<Step, (&'static str, String)> {
    let globs = |key: &'static str, patterns: &[config::Pattern]| {
        Globs::new(patterns.iter().map(config::Pattern::as_str))
            .map_err(|error| (key, error.to_string()))
    };
    let scope = Scope {
        hooks: interceptor
            .hooks
            .iter()
            .map(|hook| match hook {
                config::Hook::PreCall => Hook::PreCall,
                config::Hook::PostCall => Hook::PostCall,
            })
            .collect(),
        events: globs("/events", &interceptor.events)?,
        directions: interceptor
            .directions
            .iter()
            .map(|direction| match direction {
                config::Direction::ClientToServer => Direction::ClientToServer,
                config::Direction::ServerToClient => Direction::ServerToClient,
            })
            .collect(),
        servers: globs("/servers", &interceptor.servers)?,
        targets: globs("/targets", &interceptor.targets)?,
        principals: globs("/principals", &interceptor.principals)?,
        groups: globs("/groups", &interceptor.groups)?,
    };
    let place = Place {
        scope,
        mode: match interceptor.mode {
            config::Mode::Active => Mode::Active,
            config::Mode::Audit => Mode::Audit,
        },
        fail_open: interceptor.fail_open,
        timeout: interceptor
            .timeout
            .map(|period| period.0)
            .unwrap_or(prepared.timeout),
        sees: match interceptor.sees {
            config::Sees::Final => Sees::Final,
            config::Sees::Raw => Sees::Raw,
        },
        refusal: interceptor.refusal.map(refusal_style),
    };
    Step::new(&interceptor.name, prepared.interceptor.clone(), place).map_err(|error| {
        use sandgate_pipeline::StepError;
        let key = match &error {
            StepError::Hook { .. } => "/hooks",
            StepError::Event { .. } => "/events",
            StepError::Raw { .. } => "/sees",
            StepError::Timeout { .. } => "/timeout",
            StepError::Plugin { .. } => "/plugin",
        };
        (key, error.to_string())
    })
}

fn refusal_style(style: config::RefusalStyle) -> RefusalStyle {
    match style {
        config::RefusalStyle::Result => RefusalStyle::Result,
        config::RefusalStyle::Error => RefusalStyle::Error,
    }
}

/// Globs over servers that match none: an interceptor that silently looks at nothing protects nothing.
fn idle(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
    let names: Vec<&str> = loaded.config.servers.keys().map(String::as_str).collect();
    let clients: Vec<&str> = loaded.config.clients.keys().map(String::as_str).collect();
    let groups = loaded.config.clients.values();
    let groups: Vec<&str> = groups
        .flat_map(|client| client.groups.iter().map(String::as_str))
        .collect();
    let known = sandgate_pipeline::Known {
        servers: Some(&names),
        events: Some(crate::events::ALL),
        principals: Some(&clients),
        groups: Some(&groups),
        ..sandgate_pipeline::Known::default()
    };
    let mut issues = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        for idle in step.idle(&known) {
            let place = format!("/interceptors/{index}/{}", idle.key);
            let issue = loaded.error(
                &place,
                Side::Value,
                format!("{:?} matches nothing", idle.glob),
            );
            let help = match idle.key {
                "servers" => format!("the servers are: {}", names.join(", ")),
                "principals" => format!("the clients are: {}", clients.join(", ")),
                "groups" => "no client in [clients] has such a group".into(),
                _ => "the plugin asks for no such event; `sandgate plugin inspect` shows what it asks for".into(),
            };
            issues.push(Issue {
                severity: config::Severity::Warning,
                ..issue.help(help)
            });
        }
    }
    issues
}
