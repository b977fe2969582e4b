//! How servers and issuers are, in the words of `status`.

use std::time::SystemTime;

use sandgate_gateway::{Authorization, Availability, Eras, Server, Transport};
use sandgate_message::Era;
use sandgate_telemetry::recent_calls::RecentCalls;
use sandgate_text::time;

use crate::status::{EgressStatus, IssuerStatus, LastError, ServerStatus};

/// How the issuers of tokens are.
pub(super) fn issuers(authorization: &Authorization) -> Vec<IssuerStatus> {
    let all = authorization.health().map(|(issuer, health)| IssuerStatus {
        issuer: issuer.to_owned(),
        keys: health.keys,
        answered: health.answered.map(time),
        failing_since: health.failing_since.map(time),
        error: health.error,
    });
    all.collect()
}

/// How a server is. `merged` is the era of the merged endpoint.
pub(super) fn server(
    server: &Server,
    merged: Option<Era>,
    recent: Option<&RecentCalls>,
) -> ServerStatus {
    let health = server.health();
    let (transport, at) = match &server.config().transport {
        // Arguments and a URL's query are left out, since they may hold secrets.
        Transport::Stdio { command, .. } => {
            let package = server.config().package.as_ref();
            ("stdio", package.unwrap_or(command).clone())
        }
        Transport::Http { url, .. } => {
            let scheme = url.scheme_str().unwrap_or("http");
            let host = url.authority().map(|host| host.as_str());
            let at = format!("{scheme}://{}{}", host.unwrap_or_default(), url.path());
            ("http", at)
        }
    };
    let Eras { legacy, modern } = server.eras();
    let known = [("legacy", legacy), ("modern", modern)];
    let (availability, down_since) = match server.availability() {
        Availability::Unknown => ("unknown", None),
        Availability::Probing { .. } => ("probing", None),
        Availability::Up => ("up", None),
        Availability::Down { since, .. } => ("down", Some(time(since))),
    };
    ServerStatus {
        name: server.name().to_string(),
        transport: transport.to_owned(),
        at,
        eras: known
            .into_iter()
            .filter(|(_, speaks)| *speaks == Some(true))
            .map(|(era, _)| era.to_owned())
            .collect(),
        availability: availability.to_owned(),
        down_since,
        hidden_from_modern: merged == Some(Era::Modern) && modern == Some(false),
        failing_since: health.failing_since.map(time),
        last_error: health.last_failure.map(|failure| LastError {
            at: time(failure.at),
            error: failure.what,
        }),
        children: health.children,
        under_way: health.under_way,
        contained: contained(
            server,
            health.in_force.as_ref().map(|in_force| in_force.text()),
        ),
        signed_by: server.config().contain.as_ref().and_then(|plan| {
            let image = plan.image.as_ref();
            image.and_then(|image| image.signed_by.clone())
        }),
        egress: server.config().egress.as_ref().map(|proxy| {
            let policy = proxy.policy();
            let audits = policy.audits(SystemTime::now());
            EgressStatus {
                hosts: policy.hosts.iter().map(ToString::to_string).collect(),
                audit_until: policy.audit_until.filter(|_| audits).map(time),
                tally: recent
                    .map(|recent| recent.connections().tally(server.name()))
                    .unwrap_or_default(),
            }
        }),
        lookalikes: server.lookalikes().all(),
        dropped: health.dropped,
    }
}

/// What holds a server's program. `in_force` is what the kernel told of the last one.
fn contained(server: &Server, in_force: Option<String>) -> Option<String> {
    let config = server.config();
    match (&config.transport, &config.contain, in_force) {
        (Transport::Http { .. }, ..) => None,
        (Transport::Stdio { .. }, None, _) => Some("runs as you, unconfined".into()),
        (Transport::Stdio { .. }, Some(_), Some(in_force)) => Some(in_force),
        (Transport::Stdio { .. }, Some(plan), None) => {
            Some(format!("{}, once it is started", plan.backend.name()))
        }
    }
}
