//! What a machine must have for a backend, and what to do where it lacks it.

use std::time::Duration;

use crate::backend::Backend;
use crate::container::Engine;
use crate::wanted::Network;

/// The time for one answer of an engine's.
const ANSWER: Duration = Duration::from_secs(20);

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Missing {
    /// What this machine lacks.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

/// What this machine lacks for a backend; `None`: it can hold programs. `search` is the search path in which `bwrap` is
/// looked up. Nothing is downgraded: what is missing is missing.
pub fn missing(backend: Backend, search: &str) -> Option<Missing> {
    #[cfg(target_os = "linux")]
    let found = match backend {
        Backend::Bubblewrap => linux::bubblewrap(search),
        Backend::Landlock => linux::landlock(crate::landlock::version()),
        Backend::Podman | Backend::Docker => None,
    };
    #[cfg(not(target_os = "linux"))]
    let found = {
        let _ = search;
        Some(Missing {
            what: format!(
                "this system has no {}: programs are contained on Linux alone",
                backend.name()
            ),
            remedy: "run the gateway on Linux, in a virtual machine for example, or take `contain` out: the server then \
                     runs as you, unconfined",
        })
    };
    found
}

/// What this machine lacks for a program's network with a backend, where it has the backend itself.
pub fn missing_network(backend: Backend, network: Network) -> Option<Missing> {
    #[cfg(target_os = "linux")]
    if (backend, network) == (Backend::Landlock, Network::Proxy) {
        return linux::own_network();
    }
    // bubblewrap always makes one, and its trial has shown it.
    let _ = (backend, network);
    None
}

/// What an engine lacks to hold containers with all limits; `None`: it can. It is asked, which takes some 100 ms.
pub fn missing_of_engine(engine: &Engine, network: Network) -> Option<Missing> {
    let name = engine.backend.name();
    let lacks = |what: String, remedy: &'static str| Some(Missing { what, remedy });
    let proxied = network == Network::Proxy;
    if engine.backend == Backend::Docker {
        if proxied {
            return lacks(
                "Docker joins no network of the gateway's, so that nothing could hold the server to its list".into(),
                "write with = \"podman\", or take `egress` out: the server then has no network",
            );
        }
        let version = engine.ask(&["version", "--format", "{{.Server.Version}}"], ANSWER);
        return version.err().and_then(|why| {
            lacks(
                format!("{name} makes no containers here: {why}"),
                "start its daemon (systemctl start docker), and let the gateway's user ask it, or write with = \"podman\"",
            )
        });
    }
    let format = "{{.Host.Security.Rootless}} {{.Host.CgroupControllers}}";
    let told = match engine.ask(&["info", "--format", format], ANSWER) {
        Ok(told) => told,
        Err(why) => {
            return lacks(
                format!("{name} makes no containers here: {why}"),
                "see what `podman info` says to the gateway's user, and put that right",
            );
        }
    };
    let rootless = told.starts_with("true");
    let has = |controller: &str| told.contains(controller);
    if let Some(controller) = ["memory", "pids", "cpu"].into_iter().find(|one| !has(one)) {
        return lacks(
            format!(
                "the kernel lets {name} limit no container's {controller}: that control group is not the user's"
            ),
            "use control groups of version 2 and delegate them to the user (systemd: Delegate=yes), or run the gateway as \
             root: each server is then a user of its own",
        );
    }
    match rootless && proxied {
        true => lacks(
            "without root, Podman joins no network of the gateway's".into(),
            "run the gateway as root: each server is then a user of its own; or take `egress` out",
        ),
        false => None,
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::process::{Command, Stdio};

    use super::Missing;
    use crate::bubblewrap::{self, VERSION};

    /// The oldest Landlock that holds a program: since version 6 it also stops signals and abstract sockets.
    const LANDLOCK: u32 = 6;

    /// What a Landlock of this version lacks; 0 is none.
    pub(super) fn landlock(version: u32) -> Option<Missing> {
        let what = match version {
            0 => "this kernel has no Landlock, or it is not among the modules of the parameter `lsm=`".into(),
            old if old < LANDLOCK => format!(
                "this kernel's Landlock has version {old}, which stops neither signals to other programs nor abstract \
                 sockets; version {LANDLOCK} does"
            ),
            _ => return None,
        };
        Some(Missing {
            what,
            remedy: "use Linux 6.12 or later with Landlock on (`landlock` in the kernel's parameter `lsm=`), or \
                     with = \"bubblewrap\"",
        })
    }

    /// With Landlock the helper makes the network itself.
    pub(super) fn own_network() -> Option<Missing> {
        let error = crate::sys::try_own_network().err()?;
        Some(Missing {
            what: format!(
                "no network of the server's own can be made here ({error}), and without one Landlock does not keep it \
                 from other hosts"
            ),
            remedy: "let this user make user namespaces (sysctl user.max_user_namespaces above 0, \
                     kernel.unprivileged_userns_clone=1 where there is that key; on Ubuntu 24.04 or later \
                     kernel.apparmor_restrict_unprivileged_userns=0), or take `egress` out: the server then has no network",
        })
    }

    pub(super) fn bubblewrap(search: &str) -> Option<Missing> {
        let install = "install the package bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install \
                       bubblewrap), or use with = \"landlock\"";
        let Some(program) = bubblewrap::find(search) else {
            return Some(Missing {
                what: "the program bwrap of bubblewrap is not installed".into(),
                remedy: install,
            });
        };
        let version = Command::new(&program).arg("--version").output();
        let text = version.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        let text = text.unwrap_or_default();
        let known = text.split_whitespace().nth(1).and_then(|text| {
            let mut parts = text.split('.').map(str::parse::<u32>);
            Some((parts.next()?.ok()?, parts.next()?.ok()?))
        });
        if known.is_none_or(|known| known < VERSION) {
            return Some(Missing {
                what: format!(
                    "{} is {:?}, older than {}.{}",
                    program.display(),
                    text.trim(),
                    VERSION.0,
                    VERSION.1
                ),
                remedy: install,
            });
        }
        let folder = File::open("/usr").map_or_else(|_| Stdio::null(), Stdio::from);
        let tried = Command::new(&program)
            .args(bubblewrap::trial())
            .stdin(folder)
            .output();
        let why = match tried {
            Ok(tried) if tried.status.success() => return None,
            Ok(tried) => String::from_utf8_lossy(&tried.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        if why.contains("-fd") {
            return Some(Missing {
                what: format!(
                    "{} cannot mount what is open already: {why}",
                    program.display()
                ),
                remedy: "install bubblewrap 0.10 or later, or a package of an older one that knows --ro-bind-fd (Debian 12: \
                         apt upgrade bubblewrap), or use with = \"landlock\"",
            });
        }
        Some(Missing {
            what: format!("bubblewrap makes no sandbox here: {why}"),
            remedy: "let this user make user namespaces: sysctl user.max_user_namespaces above 0, \
                     kernel.unprivileged_userns_clone=1 where there is that key; on Ubuntu 24.04 or later an AppArmor \
                     profile for bwrap with `userns,`, or kernel.apparmor_restrict_unprivileged_userns=0; in a container, \
                     a seccomp profile that allows them. Or use with = \"landlock\"",
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_older_landlock_does_not_hold_a_program() {
        let what = |version| linux::landlock(version).unwrap().what;
        assert!(what(0).contains("no Landlock"));
        for version in 1..6 {
            assert!(what(version).contains(&format!("version {version}")));
        }
        assert_eq!(linux::landlock(6), None);
    }
}
