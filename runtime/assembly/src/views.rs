//! The views of clients, over servers.

use std::sync::Arc;

use sandgate_config::{Issue, Loaded, Report, Target, TargetKind};
use sandgate_gateway::{Kind, View, ViewPattern, Views};

/// The views of the clients, over servers of these names.
///
/// # Errors
///
/// A pattern holds what is no glob.
pub fn views(loaded: &Loaded, servers: &[Arc<str>]) -> Result<Views, Report> {
    let written = loaded.config.views.iter().map(|(name, view)| View {
        name: name.as_str().into(),
        clients: view.clients.clone(),
        groups: view.groups.clone(),
        allow: patterns(&view.allow),
        deny: patterns(&view.deny),
        rate: view.rate.map(|rate| rate.0),
    });
    let clients = loaded.config.clients.iter();
    let clients = clients.map(|(name, client)| (name.as_str(), client.groups.as_slice()));
    Views::new(written.collect(), clients, servers)
        .map_err(|error| loaded.report(vec![Issue::error(None, error.to_string())]))
}

/// Patterns over what servers offer.
pub(crate) fn patterns(targets: &[Target]) -> Vec<ViewPattern> {
    let patterns = targets.iter().map(|one| ViewPattern {
        text: one.as_str().into(),
        kind: match one.kind {
            TargetKind::Tool => Kind::Tool,
            TargetKind::Prompt => Kind::Prompt,
            TargetKind::Resource => Kind::Resource,
        },
        server: one.server.as_str().to_owned(),
        name: one.name.as_str().to_owned(),
    });
    patterns.collect()
}
