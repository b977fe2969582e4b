//! Grants: a plugin gets what its manifest asks for AND the operator grants. Neither alone is enough.

use std::sync::Arc;

use cap_std::fs::Dir;

use crate::manifest::{Access, Asks};

/// What the operator grants. Directories are open already, since this crate opens no path by itself.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// State that lasts between calls.
    pub state: bool,
    /// Hosts that the plugin may send HTTP requests to: `name`, `name:port` or `*.name`. The prefix `private:` allows a
    /// host to resolve to a private address.
    pub http: Vec<String>,
    /// Directories.
    pub dirs: Vec<DirGrant>,
    /// Environment variables: name and value.
    pub env: Vec<(String, String)>,
}

/// The grant of one directory.
#[derive(Clone, Debug)]
pub struct DirGrant {
    /// The path of the directory as the plugin sees it, for example `/rules`.
    pub guest: String,
    /// The opened directory.
    pub dir: Arc<Dir>,
    /// The most that the plugin may do in the directory.
    pub access: Access,
}

/// A grant that the plugin does not ask for, or does not ask for in this form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("grants.{grant}: {why}")]
pub struct GrantError {
    /// The kind of grant: `state`, `http`, `dirs` or `env`.
    pub grant: &'static str,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// A capability that a plugin asks for and does not get. The plugin runs; only the use of the capability fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The kind, with a name where there can be several: `state`, `http HOSTS`, `dirs PATH` or `env NAME`.
    pub what: String,
    /// Why the plugin asks for the capability.
    pub why: String,
}

/// What the plugin asks for AND the operator grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolvedGrants {
    pub(crate) state: bool,
    pub(crate) http: Vec<String>,
    pub(crate) dirs: Vec<DirGrant>,
    pub(crate) env: Vec<(String, String)>,
}

/// Resolves the operator's grants against what the plugin asks for. Returns what the plugin gets, and what it asks for
/// in vain.
///
/// # Errors
/// The operator grants what the plugin does not ask for. That is a mistake, or the plugin has changed what it asks for;
/// the error says what could be granted.
pub(crate) fn resolve(
    asks: &Asks,
    given: &Grants,
) -> Result<(ResolvedGrants, Vec<Withheld>), GrantError> {
    let refuse = |grant, why: String| Err(GrantError { grant, why });
    let mut withheld = Vec::new();
    if given.state && asks.state.is_none() {
        return refuse(
            "state",
            "the plugin does not ask for state; remove the grant".into(),
        );
    }
    if let (Some(why), false) = (&asks.state, given.state) {
        withheld.push(Withheld {
            what: "state".into(),
            why: why.clone(),
        });
    }

    let asked = asks
        .http
        .as_ref()
        .map(|ask| ask.hosts.as_slice())
        .unwrap_or_default();
    for host in &given.http {
        let name = host.strip_prefix("private:").unwrap_or(host);
        if !asked.iter().any(|a| {
            a == "*"
                || a == name
                || name
                    .strip_prefix(a.as_str())
                    .is_some_and(|p| p.starts_with(':'))
        }) {
            return refuse(
                "http",
                format!("the plugin does not ask for {name}; {}", choices(asked)),
            );
        }
    }
    if let Some(ask) = asks.http.as_ref().filter(|_| given.http.is_empty()) {
        withheld.push(Withheld {
            what: format!("http {}", ask.hosts.join(", ")),
            why: ask.why.clone(),
        });
    }

    let mut dirs = Vec::new();
    for grant in &given.dirs {
        let Some(ask) = asks.dirs.get(&grant.guest) else {
            let names: Vec<_> = asks.dirs.keys().cloned().collect();
            return refuse(
                "dirs",
                format!(
                    "the plugin does not ask for {}; {}",
                    grant.guest,
                    choices(&names)
                ),
            );
        };
        if grant.access > ask.access {
            return refuse(
                "dirs",
                format!(
                    "the plugin asks for {} read-only; grant it with access = \"ro\"",
                    grant.guest
                ),
            );
        }
        dirs.push(grant.clone());
    }
    for (path, ask) in &asks.dirs {
        if !given.dirs.iter().any(|grant| &grant.guest == path) {
            withheld.push(Withheld {
                what: format!("dirs {path}"),
                why: ask.why.clone(),
            });
        }
    }

    for (name, _) in &given.env {
        if !asks.env.contains_key(name) {
            let names: Vec<_> = asks.env.keys().cloned().collect();
            return refuse(
                "env",
                format!("the plugin does not ask for {name}; {}", choices(&names)),
            );
        }
    }
    for (name, why) in &asks.env {
        if !given.env.iter().any(|(given, _)| given == name) {
            withheld.push(Withheld {
                what: format!("env {name}"),
                why: why.clone(),
            });
        }
    }

    let resolved = ResolvedGrants {
        state: given.state,
        http: given.http.clone(),
        dirs,
        env: given.env.clone(),
    };
    Ok((resolved, withheld))
}

impl ResolvedGrants {
    /// The grants of a candidate, which must leave no trace outside: no HTTP, and directories read-only. What the
    /// candidate loses is added to `withheld`.
    pub(crate) fn for_candidate(mut self, asks: &Asks, withheld: &mut Vec<Withheld>) -> Self {
        if let Some(ask) = asks.http.as_ref().filter(|_| !self.http.is_empty()) {
            withheld.push(Withheld {
                what: format!("http {}", ask.hosts.join(", ")),
                why: ask.why.clone(),
            });
        }
        self.http.clear();
        for grant in &mut self.dirs {
            grant.access = Access::Ro;
        }
        self
    }
}

fn choices(names: &[String]) -> String {
    if names.is_empty() {
        "it asks for none".into()
    } else {
        format!("it asks for {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asks(json: serde_json::Value) -> Asks {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_is_asked_and_not_given_is_withheld() {
        let asks = asks(serde_json::json!({ "state": "counts", "env": { "REGION": "picks" } }));
        let (resolved, withheld) = resolve(&asks, &Grants::default()).unwrap();
        assert!(!resolved.state);
        assert_eq!(
            withheld.iter().map(|w| w.what.as_str()).collect::<Vec<_>>(),
            ["state", "env REGION"]
        );
    }

    #[test]
    fn what_is_given_and_not_asked_is_refused_with_what_could_be() {
        let asks = asks(
            serde_json::json!({ "env": { "REGION": "picks" }, "http": { "hosts": ["api.example.com"] } }),
        );
        let given = Grants {
            env: vec![("REGOIN".into(), "eu".into())],
            ..Grants::default()
        };
        assert_eq!(
            resolve(&asks, &given).unwrap_err().why,
            "the plugin does not ask for REGOIN; it asks for REGION"
        );
        let given = Grants {
            http: vec!["evil.example".into()],
            ..Grants::default()
        };
        assert!(
            resolve(&asks, &given)
                .unwrap_err()
                .why
                .ends_with("it asks for api.example.com")
        );
        let given = Grants {
            state: true,
            ..Grants::default()
        };
        assert_eq!(resolve(&asks, &given).unwrap_err().grant, "state");
    }

    #[test]
    fn an_asked_host_may_be_given_with_a_port() {
        let asks = asks(serde_json::json!({ "http": { "hosts": ["api.example.com"] } }));
        let given = Grants {
            http: vec!["api.example.com:8443".into()],
            ..Grants::default()
        };
        assert_eq!(
            resolve(&asks, &given).unwrap().0.http,
            ["api.example.com:8443"]
        );
    }
}
