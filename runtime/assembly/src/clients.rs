//! The clients that may call, with their keys and rates.

use std::num::NonZeroU32;

use sandgate_config::{Client, Config, Issue, Loaded, Side};
use sandgate_gateway::{ClientKey, Clients};

/// The clients that may call, with their keys.
pub(crate) fn clients(loaded: &Loaded) -> Clients {
    let keys = loaded
        .config
        .clients
        .iter()
        .map(|(name, client)| ClientKey {
            name: name.as_str().into(),
            token_sha256: client.token_sha256.map(|hash| hash.0),
            previous: client
                .previous
                .as_ref()
                .map(|key| (key.token_sha256.0, key.until.0)),
            certificate: client.certificate.as_deref().map(Into::into),
            groups: client.groups.iter().cloned().collect(),
            rate: rate(&loaded.config, name, client),
        });
    Clients::new(keys.collect())
}

/// The lowest of a client's own rate and those of its views.
fn rate(config: &Config, name: &str, client: &Client) -> Option<NonZeroU32> {
    let viewed = config.views_of(Some(name), &client.groups);
    let rates = viewed.filter_map(|(_, view)| view.rate);
    rates.chain(client.rate).map(|rate| rate.0).min()
}

/// Notes of clients that are in no view, where there are views.
pub(crate) fn unseeing(loaded: &Loaded) -> Vec<Issue> {
    let config = &loaded.config;
    let clients = config.clients.iter().filter(|(name, client)| {
        !config.views.is_empty() && config.views_of(Some(name), &client.groups).next().is_none()
    });
    clients
        .map(|(name, _)| {
            let why = "it is in no view and sees nothing";
            let issue = loaded.error(&format!("/clients/{name}"), Side::Key, why);
            Issue {
                severity: sandgate_config::Severity::Warning,
                ..issue.help("name it, or one of its groups, in a view of [views]")
            }
        })
        .collect()
}
