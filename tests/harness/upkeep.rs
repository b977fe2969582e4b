//! What an operator does to a running gateway: saves files in whichever way, and looks at what came of it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Gateway, request};

/// Debug builds compile policies slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a file is saved: editors, deployment tools and `kubectl` each have their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Save {
    /// The file is emptied and written. Through a symbolic link: its target.
    InPlace,
    /// Another file is written and takes the name.
    RenameOver,
    /// The name becomes a symbolic link to another file.
    SwapLink,
}

impl Save {
    /// All of them.
    pub const WAYS: [Self; 3] = [Self::RenameOver, Self::InPlace, Self::SwapLink];

    /// Saves a file.
    ///
    /// # Panics
    /// Where that is not possible.
    pub fn write(self, path: &Path, content: &[u8]) {
        let beside = |name: &str| {
            let file = path.file_name().unwrap().to_string_lossy();
            path.with_file_name(format!("{file}.{name}"))
        };
        match self {
            Self::InPlace => std::fs::write(path, content).unwrap(),
            Self::RenameOver => {
                let new = beside("new");
                std::fs::write(&new, content).unwrap();
                std::fs::rename(new, path).unwrap();
            }
            Self::SwapLink => {
                // Two targets in turn, so that the one pointed at is never touched.
                let pointed_at = std::fs::read_link(path).ok();
                let target = match pointed_at == Some(beside("a")) {
                    true => beside("b"),
                    false => beside("a"),
                };
                std::fs::write(&target, content).unwrap();
                let link = beside("link");
                std::os::unix::fs::symlink(target, &link).unwrap();
                std::fs::rename(link, path).unwrap();
            }
        }
    }
}

impl Gateway {
    /// What `/readyz` says.
    pub fn readiness(&self) -> Value {
        let reply = request("GET", &format!("{}/readyz", self.url), &[], b"");
        serde_json::from_slice(&reply.body()).unwrap()
    }

    /// The version of the configuration in force.
    pub fn version(&self) -> u64 {
        self.readiness()["version"].as_u64().unwrap()
    }

    /// Waits until the configuration of that version is in force and nothing is wrong with the file.
    ///
    /// # Panics
    /// Where that takes longer than a minute; with the log.
    pub fn await_version(&self, version: u64) {
        self.await_readiness(|now| {
            let good = now["lastReloadError"].is_null();
            assert!(
                now["version"].as_u64() <= Some(version),
                "past {version}: {now}"
            );
            good && now["version"] == version
        });
    }

    /// Waits until a change was refused, and says why.
    ///
    /// # Panics
    /// As above.
    pub fn await_reload_error(&self) -> String {
        let now = self.await_readiness(|now| now["lastReloadError"].is_string());
        now["lastReloadError"].as_str().unwrap().to_owned()
    }

    fn await_readiness(&self, reached: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.readiness();
            if reached(&now) {
                return now;
            }
            assert!(Instant::now() < until, "{now} to the end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
