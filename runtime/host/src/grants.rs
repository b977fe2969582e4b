//! Capabilities: what the plugin asks for AND the operator gives. Neither alone is enough.

use std::sync::Arc;

use cap_std::fs::Dir;

use crate::manifest::{Access, Asks};

/// What the operator gives. Directories are opened already: this crate opens no path of its own.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Memory between calls.
    pub state: bool,
    /// Hosts, `name`, `name:port` or `*.name`; with `private:` before it where it may resolve to a private address.
    pub http: Vec<String>,
    /// Directories by the plugin's own path.
    pub dirs: Vec<DirGrant>,
    /// Environment variables, with their values.
    pub env: Vec<(String, String)>,
}

/// One directory.
#[derive(Clone, Debug)]
pub struct DirGrant {
    /// The path the plugin knows it under, for example `/rules`.
    pub guest: String,
    /// The opened directory.
    pub dir: Arc<Dir>,
    /// At most this.
    pub access: Access,
}

/// A grant that the plugin did not ask for, or one it asks for otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("grants.{grant}: {why}")]
pub struct GrantError {
    /// Which: `state`, `http`, `dirs` or `env`.
    pub grant: &'static str,
    /// What is wrong and what would be right.
    pub why: String,
}

/// What a plugin asks for and did not get: it runs, and meets a refusal where it uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Which: `state`, `http`, `dirs` or `env`, with the name where there are several.
    pub what: String,
    /// Why the plugin asks for it.
    pub why: String,
}

/// Asked AND given.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResolvedGrants {
    pub(crate) state: bool,
    pub(crate) http: Vec<String>,
    pub(crate) dirs: Vec<DirGrant>,
    pub(crate) env: Vec<(String, String)>,
}

/// Settles what is given against what is asked.
///
/// # Errors
/// A grant that was not asked for is refused with what could be granted: it is a slip of the pen, or a plugin that
/// changed what it wants.
pub(crate) fn settle(
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
    /// What a candidate may do: judge, and leave no mark outside. What it asks for beyond that is withheld.
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
        let (resolved, withheld) = settle(&asks, &Grants::default()).unwrap();
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
            settle(&asks, &given).unwrap_err().why,
            "the plugin does not ask for REGOIN; it asks for REGION"
        );
        let given = Grants {
            http: vec!["evil.example".into()],
            ..Grants::default()
        };
        assert!(
            settle(&asks, &given)
                .unwrap_err()
                .why
                .ends_with("it asks for api.example.com")
        );
        let given = Grants {
            state: true,
            ..Grants::default()
        };
        assert_eq!(settle(&asks, &given).unwrap_err().grant, "state");
    }

    #[test]
    fn an_asked_host_may_be_given_with_a_port() {
        let asks = asks(serde_json::json!({ "http": { "hosts": ["api.example.com"] } }));
        let given = Grants {
            http: vec!["api.example.com:8443".into()],
            ..Grants::default()
        };
        assert_eq!(
            settle(&asks, &given).unwrap().0.http,
            ["api.example.com:8443"]
        );
    }
}
