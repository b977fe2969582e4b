//! Reloads put a new configuration or plugin in force while calls pass: built beside the old one, and published as a
//! whole or not at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sandgate_assembly::{Assembler, Loading, host_setup};
use sandgate_config::{Environment, Loaded, Report};
use sandgate_gateway::{Edition, Gateway, Server};
use sandgate_telemetry::call_log::CallLogWriter;

use crate::call_log::open_call_log_target;
use crate::lookout::Lookout;
use crate::memory;
use crate::reload_report::{ReloadReport, Written};
use crate::restart::{self, StartKeys};
use crate::watch::Watch;

/// How often to check whether calls still use what was replaced.
const LOOK: Duration = Duration::from_millis(100);
/// How long calls may use what was replaced before its servers are closed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reloads one gateway's configuration.
pub(crate) struct Reloader {
    path: PathBuf,
    environment: Environment,
    assembler: Assembler,
    gateway: Arc<Gateway>,
    lookout: Lookout,
    /// The keys that a reload does not put in force.
    start_keys: StartKeys,
    /// The files that the edition in force was made of.
    files: Vec<PathBuf>,
    /// The configuration in force, as it was written.
    written: Written,
    history: Arc<Mutex<History>>,
    /// When the servers' values were fetched last, and how long the first of them counts.
    fetched: (Instant, Option<Duration>),
    broken: bool,
    /// What tells each value of the servers' secrets from another one.
    secrets: BTreeMap<String, u64>,
    /// The call log, and whether stdout is a client's. `None` before there is a call log.
    call_log: Option<(Arc<CallLogWriter>, bool)>,
    /// The address on which clients connect. `None`: stdin.
    listening: Option<SocketAddr>,
}

/// When the edition in force was published, and the last reload that was refused.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// When the edition in force was published.
    pub(crate) since: SystemTime,
    /// The last reload that was refused.
    pub(crate) failed: Option<Failed>,
    /// Keys of the file that take effect at the next start only, for example `gateway.listen`.
    pub(crate) needs_restart: Vec<String>,
}

/// A reload that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    /// When the reload was refused.
    pub(crate) at: SystemTime,
    /// Everything that was wrong.
    pub(crate) why: String,
    /// Whether a later reload succeeded.
    pub(crate) mended: bool,
}

impl Reloader {
    /// Creates a reloader. `loaded` is the configuration in force.
    pub(crate) fn new(
        path: &Path,
        loaded: &Loaded,
        environment: Environment,
        assembler: Assembler,
        gateway: Arc<Gateway>,
        lookout: Lookout,
    ) -> Self {
        let files = files(path, loaded);
        let written = Written::of(loaded, gateway.current().chain().steps());
        let history = History {
            since: SystemTime::now(),
            failed: None,
            needs_restart: Vec::new(),
        };
        Self {
            path: path.to_owned(),
            environment,
            assembler,
            gateway,
            lookout,
            start_keys: StartKeys::of(&loaded.config),
            files,
            written,
            history: Arc::new(Mutex::new(history)),
            fetched: (Instant::now(), shortest_ttl(loaded)),
            broken: false,
            secrets: BTreeMap::new(),
            call_log: None,
            listening: None,
        }
    }

    /// The configuration's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets what tells each value of the servers' secrets from another one.
    pub(crate) fn has_secrets(&mut self, secrets: BTreeMap<String, u64>) {
        self.secrets = secrets;
    }

    /// Sets the call log. With `stdio`, stdout is a client's.
    pub(crate) fn logs_calls_to(&mut self, call_log: Arc<CallLogWriter>, stdio: bool) {
        self.call_log = Some((call_log, stdio));
    }

    /// The version of the edition in force.
    pub(crate) fn version(&self) -> u64 {
        self.gateway.current().version()
    }

    /// When a value of a server is to be fetched anew; `None`: at the next reload.
    pub(crate) fn fetches_at(&self) -> Option<Instant> {
        let (last, ttl) = self.fetched;
        ttl.map(|ttl| last + ttl)
    }

    /// The history of reloads, kept current.
    pub(crate) fn history(&self) -> Arc<Mutex<History>> {
        self.history.clone()
    }

    /// Sets the address on which clients connect. A configuration that would let unauthenticated clients in there is
    /// refused.
    pub(crate) fn listens_at(&mut self, address: SocketAddr) {
        self.listening = Some(address);
    }

    /// Reads the configuration anew. A good one is in force when this returns. A bad one changes nothing, and the log
    /// and `/readyz` say why; its files are watched besides those in force, since the fault may be put right there.
    pub(crate) async fn reload(&mut self, mut watch: Option<&mut Watch>) -> ReloadReport {
        if let Some(watch) = &mut watch {
            // What is read now need not be read again when the change is noticed.
            watch.know();
        }
        // Also where it fails: the values in force stay, and are asked for again as late.
        self.fetched.0 = Instant::now();
        let assembled = async {
            let mut loaded = Loaded::read(&self.path)?;
            if let Some(address) = self.listening {
                let written = loaded.config.gateway.listen.0.ip() == address.ip();
                loaded.check_exposure(address, !written)?;
            }
            if let Some(watch) = &mut watch {
                // The files are watched before they are read, so that no change in between is missed.
                watch.target(
                    files(&self.path, &loaded)
                        .into_iter()
                        .chain(self.files.iter().cloned()),
                );
            }
            let needs_restart = self.start_keys.differing(&loaded.config);
            self.start_keys.keep(&mut loaded.config);
            let assembled = self
                .assembler
                .assemble(&loaded, &self.environment, Loading::Reload)
                .await?;
            let moved = restart::call_log_target(&loaded.config) != self.written.call_log_target();
            let sinks = &assembled.call_log_sinks;
            let target = match &self.call_log {
                // A sink's token or certificates may be others in the same place.
                Some((call_log, stdio)) if moved || !call_log.sends_to(sinks) => {
                    let auditor = call_log.auditor();
                    let opened = open_call_log_target(&loaded, *stdio, sinks.clone(), auditor);
                    Some(opened?)
                }
                _ => None,
            };
            Ok::<_, Report>((loaded, assembled, target, needs_restart))
        };
        let (loaded, mut assembled, target, needs_restart) = match assembled.await {
            Ok(good) => good,
            Err(report) => {
                let said = report.summary();
                if self.gateway.status().reload_error().as_deref() != Some(&*said) {
                    tracing::warn!("the change is not in force, the last good version is: {said}");
                }
                self.gateway.status().set_reload_error(Some(said));
                self.broken = true;
                self.lookout.reloaded(false);
                let why = report.render(false);
                self.history.lock().failed = Some(Failed {
                    at: SystemTime::now(),
                    why: why.clone(),
                    mended: false,
                });
                // Plugins may have been compiled for it.
                tokio::spawn(memory::give_back());
                return ReloadReport::refused(self.gateway.current().version(), why);
            }
        };
        assembled.log(&loaded);
        let warnings = match assembled.warnings.is_empty() {
            true => None,
            false => Some(loaded.report(assembled.warnings.clone()).render(false)),
        };
        if !needs_restart.is_empty() && self.history.lock().needs_restart != needs_restart {
            tracing::warn!(
                "not in force before the next start: {}",
                needs_restart.join(", ")
            );
        }
        self.fetched.1 = shortest_ttl(&loaded);
        self.files = files(&self.path, &loaded);
        if let Some(watch) = watch {
            watch.target(self.files.iter().cloned());
        }
        let before: Vec<Arc<Server>> = self.assembler.servers().cloned().collect();
        if let (Some(target), Some((call_log, _))) = (target, &self.call_log) {
            call_log.redirect(target);
        }
        let receivers = std::mem::take(&mut assembled.alerts);
        let ended = self.lookout.alerts.adopt(&loaded.config.alerts, receivers);
        if let Some((call_log, _)) = &self.call_log {
            call_log.alerts(ended);
            let managed = std::mem::take(&mut assembled.managed);
            call_log
                .matched_values()
                .switch(loaded.config.gateway.why_values, managed);
        }
        self.gateway
            .set_on_unwritten(host_setup::on_unwritten(&loaded));
        self.gateway.identify(assembled.identity.take());
        self.lookout.adopt(&loaded.config);
        let fetched = std::mem::take(&mut assembled.secrets);
        let secrets = fetched.iter().map(|(name, mark)| {
            let another = self.secrets.get(name) != Some(mark);
            (name.clone(), another)
        });
        let secrets = secrets.collect();
        self.secrets = fetched;
        let edition = self.assembler.adopt(assembled);
        let version = edition.version();
        let written = Written::of(&loaded, edition.chain().steps());
        let now: Vec<Arc<Server>> = edition.servers().to_vec();
        let changes = self.written.changes(&written, (&before, &now));
        self.written = written;
        let replaced = self.gateway.publish(edition);
        self.lookout.reloaded(true);
        self.gateway.status().set_reload_error(None);
        {
            let mut history = self.history.lock();
            history.since = SystemTime::now();
            history.needs_restart.clone_from(&needs_restart);
            if let Some(failed) = &mut history.failed {
                failed.mended = true;
            }
        }
        let gone: Vec<_> = before
            .into_iter()
            .filter(|server| !self.assembler.servers().any(|now| Arc::ptr_eq(now, server)))
            .collect();
        tokio::spawn(retire(replaced, gone));
        tracing::info!(
            version,
            "{}",
            if self.broken {
                "reloaded; the configuration is good again"
            } else {
                "reloaded"
            }
        );
        self.broken = false;
        ReloadReport {
            version,
            changes,
            error: None,
            warnings,
            at_next_start: !needs_restart.is_empty(),
            needs_restart,
            secrets,
        }
    }
}

/// The shortest time after which a value of a server is fetched anew.
fn shortest_ttl(loaded: &Loaded) -> Option<Duration> {
    let servers = loaded.config.servers.values();
    let secrets = servers.flat_map(|server| server.secrets.values());
    secrets.filter_map(|secret| Some(secret.ttl?.0)).min()
}

/// All files that a configuration is made of.
pub(crate) fn files(path: &Path, loaded: &Loaded) -> Vec<PathBuf> {
    std::iter::once(path.to_owned())
        .chain(loaded.other_files())
        .collect()
}

/// Closes servers that are no longer configured, once the calls that still use them have ended or [`PATIENCE`] is over, and
/// gives back the memory that is free then.
async fn retire(replaced: Arc<Edition>, servers: Vec<Arc<Server>>) {
    let edition = Arc::downgrade(&replaced);
    drop(replaced);
    let unused = async {
        while edition.strong_count() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, unused).await;
    for server in servers {
        server.close().await;
    }
    memory::give_back().await;
}
