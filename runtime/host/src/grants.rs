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
/// each error says what could be granted.
pub(crate) fn resolve(
    asks: &Asks,
    given: &Grants,
) -> Result<(ResolvedGrants, Vec<Withheld>), Vec<GrantError>> {
    let errors = not_asked(asks, given);
    if !errors.is_empty() {
        return Err(errors);
    }
    let resolved = ResolvedGrants {
        state: given.state,
        http: given.http.clone(),
        dirs: given.dirs.clone(),
        env: given.env.clone(),
    };
    Ok((resolved, withheld(asks, given)))
}

/// The grants that the plugin does not ask for, or not in this form.
fn not_asked(asks: &Asks, given: &Grants) -> Vec<GrantError> {
    let mut errors = Vec::new();
    let mut refuse = |grant, why: String| errors.push(GrantError { grant, why });
    if given.state && asks.state.is_none() {
        let why = "the plugin does not ask for state; remove the grant";
        refuse("state", why.into());
    }
    let hosts = asks.http.as_ref().map(|ask| ask.hosts.as_slice());
    let hosts = hosts.unwrap_or_default();
    for host in &given.http {
        let name = host.strip_prefix("private:").unwrap_or(host);
        let asked = |ask: &String| {
            let port = name.strip_prefix(ask.as_str());
            ask == "*" || ask == name || port.is_some_and(|port| port.starts_with(':'))
        };
        if !hosts.iter().any(asked) {
            let why = format!("the plugin does not ask for {name}; {}", choices(hosts));
            refuse("http", why);
        }
    }
    for grant in &given.dirs {
        let guest = &grant.guest;
        match asks.dirs.get(guest) {
            None => {
                let names: Vec<_> = asks.dirs.keys().cloned().collect();
                let why = format!("the plugin does not ask for {guest}; {}", choices(&names));
                refuse("dirs", why);
            }
            Some(ask) if grant.access > ask.access => {
                let why = "read-only; grant it with access = \"ro\"";
                refuse("dirs", format!("the plugin asks for {guest} {why}"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in &given.env {
        if !asks.env.contains_key(name) {
            let names: Vec<_> = asks.env.keys().cloned().collect();
            let why = format!("the plugin does not ask for {name}; {}", choices(&names));
            refuse("env", why);
        }
    }
    errors
}

/// What the plugin asks for and is not granted.
fn withheld(asks: &Asks, given: &Grants) -> Vec<Withheld> {
    let mut all = Vec::new();
    let mut add = |what: String, why: &String| {
        let why = why.clone();
        all.push(Withheld { what, why });
    };
    if let (Some(why), false) = (&asks.state, given.state) {
        add("state".into(), why);
    }
    if let Some(ask) = asks.http.as_ref().filter(|_| given.http.is_empty()) {
        add(format!("http {}", ask.hosts.join(", ")), &ask.why);
    }
    for (path, ask) in &asks.dirs {
        if !given.dirs.iter().any(|grant| &grant.guest == path) {
            add(format!("dirs {path}"), &ask.why);
        }
    }
    for (name, why) in &asks.env {
        if !given.env.iter().any(|(given, _)| given == name) {
            add(format!("env {name}"), why);
        }
    }
    all
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
            resolve(&asks, &given).unwrap_err()[0].why,
            "the plugin does not ask for REGOIN; it asks for REGION"
        );
        let given = Grants {
            http: vec!["evil.example".into()],
            ..Grants::default()
        };
        assert!(
            resolve(&asks, &given).unwrap_err()[0]
                .why
                .ends_with("it asks for api.example.com")
        );
        let given = Grants {
            state: true,
            env: vec![("REGOIN".into(), "eu".into())],
            ..Grants::default()
        };
        let errors = resolve(&asks, &given).unwrap_err();
        let grants: Vec<_> = errors.iter().map(|error| error.grant).collect();
        assert_eq!(grants, ["state", "env"]);
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
