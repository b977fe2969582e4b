//! A new configuration or plugin goes live while calls pass: built beside the old one, published as a whole, or not at
//! all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sandgate_gateway::{Edition, Gateway, Server};

use crate::assembly::{Assembler, Loading};
use crate::config::{Environment, Loaded, Report};
use crate::watch::Watch;

/// How often it is looked whether calls still use what was replaced.
const LOOK: Duration = Duration::from_millis(100);
/// After this long what was replaced is ended, whoever still uses it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reloads one gateway's configuration.
pub struct Reloader {
    path: PathBuf,
    environment: Environment,
    assembler: Assembler,
    gateway: Arc<Gateway>,
    /// `[gateway]` and `[call-log]` as they were at the start: they are not reloaded.
    fixed: (serde_json::Value, serde_json::Value),
    /// The files that what is in force was made of.
    files: Vec<PathBuf>,
    broken: bool,
}

impl Reloader {
    /// `loaded` is what is in force.
    pub fn new(
        path: &Path,
        loaded: &Loaded,
        environment: Environment,
        assembler: Assembler,
        gateway: Arc<Gateway>,
    ) -> Self {
        let files = files(path, loaded);
        Self {
            path: path.to_owned(),
            environment,
            assembler,
            gateway,
            fixed: fixed(loaded),
            files,
            broken: false,
        }
    }

    /// Reads everything anew. Good: it is in force when this returns. Bad: nothing has changed, the log and `/readyz` say
    /// why; what the refused configuration names is watched beside what is in force, since the fault may be put right
    /// there.
    pub async fn reload(&mut self, mut watch: Option<&mut Watch>) {
        let assembled = async {
            let loaded = Loaded::read(&self.path)?;
            if let Some(watch) = &mut watch {
                // Before they are read, so that no change in between is missed.
                watch.target(
                    files(&self.path, &loaded)
                        .into_iter()
                        .chain(self.files.iter().cloned()),
                );
            }
            let assembled = self
                .assembler
                .assemble(&loaded, &self.environment, Loading::Reload)
                .await?;
            Ok::<_, Report>((loaded, assembled))
        };
        let (loaded, assembled) = match assembled.await {
            Ok(good) => good,
            Err(report) => {
                let said = report.summary();
                if self.gateway.status().reload_error().as_deref() != Some(&*said) {
                    tracing::warn!("the change is not in force, the last good version is: {said}");
                }
                self.gateway.status().set_reload_error(Some(said));
                self.broken = true;
                return;
            }
        };
        assembled.log(&loaded);
        if fixed(&loaded) != self.fixed {
            tracing::warn!("a change in [gateway] or [call-log] takes effect at the next start");
        }
        self.files = files(&self.path, &loaded);
        if let Some(watch) = watch {
            watch.target(self.files.iter().cloned());
        }
        let before: Vec<Arc<Server>> = self.assembler.servers().cloned().collect();
        let edition = self.assembler.adopt(assembled);
        let version = edition.version();
        let replaced = self.gateway.publish(edition);
        self.gateway.status().set_reload_error(None);
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
    }
}

/// All that a configuration is made of.
pub(crate) fn files(path: &Path, loaded: &Loaded) -> Vec<PathBuf> {
    std::iter::once(path.to_owned())
        .chain(loaded.other_files())
        .collect()
}

fn fixed(loaded: &Loaded) -> (serde_json::Value, serde_json::Value) {
    let value = |part: Result<serde_json::Value, _>| part.unwrap_or_default();
    (
        value(serde_json::to_value(&loaded.config.gateway)),
        value(serde_json::to_value(&loaded.config.call_log)),
    )
}

/// Ends the servers that are no longer configured once the calls that still use them have ended.
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
}
