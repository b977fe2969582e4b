//! Assembles an edition from a configuration: every plugin prepared, every server known, or nothing at all. This is the
//! one place that knows both the pipeline and the host.

use std::sync::Arc;

use sandgate_config::{Environment, Issue, Loaded, Report, Side};
use sandgate_egress::{ConnectionLog, Unrecorded};
use sandgate_gateway::{Edition, Server};
use sandgate_host::Host;
use sandgate_pipeline::{Chain, Globs};
use sandgate_secrets::Redactor;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::around::Around;
use crate::assembled::Assembled;
use crate::candidate_runner::CandidateRunner;
use crate::clients::{clients, unseeing};
use crate::document_limits::document_limits;
use crate::idle::idle;
use crate::plugins::Loading;
use crate::secrets::{Fetched, Kept};
use crate::step::{misplaced, step, widened};
use crate::views::views;
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
