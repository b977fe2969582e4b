//! Globs of interceptors that match no known name.

use sandgate_config::{Issue, Loaded, Side};
use sandgate_message::Method;
use sandgate_pipeline::Step;

use crate::doubts;

/// Warns of globs that match no known name: an interceptor that silently looks at nothing protects nothing.
pub(crate) fn idle(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
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
