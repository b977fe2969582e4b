//! A line of the call log.

use std::borrow::Cow;
use std::time::SystemTime;

use sandgate_gateway::{CallLogError, Decision, RefusedBy};
use sandgate_message::{Call, cut};
use sandgate_pipeline::Trail;
use sandgate_text::escape;
use serde::Serialize;
use serde_json::value::RawValue;

/// The longest target that is written whole, in bytes. All other texts from outside have bounds of their own: methods,
/// ids, what clients say of themselves, findings.
const MAX_TARGET: usize = 1024;

/// A line of the call log. Its keys are in the order in which people read them.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) record: &'static str,
    pub(super) time: String,
    pub(super) id: &'a str,
    pub(super) era: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<Client<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<&'a str>,
    /// The issuer that vouches for the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<&'a str>,
    pub(super) direction: &'static str,
    pub(super) server: &'a str,
    pub(super) method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<bool>,
    pub(super) request_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) us: Option<u64>,
    /// The part of `us` that the other side took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_us: Option<u64>,
    /// The gateway's own rule that refused the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused_by: Option<&'a RefusedBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trail: Option<&'a Trail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) params: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply: Option<&'a RawValue>,
    /// The number of notifications that have no records of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notifications: Option<u64>,
    /// Whether the payload was left out of the remembered line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) too_large: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Client<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn of(
        record: &'static str,
        call: &'a Call,
        at: SystemTime,
        request_bytes: usize,
    ) -> Self {
        let version = call.attribute("client.version");
        Self {
            record,
            time: humantime::format_rfc3339_micros(at.max(SystemTime::UNIX_EPOCH)).to_string(),
            id: &call.id.0,
            era: call.era.as_str(),
            client: call
                .attribute("client.name")
                .map(|name| Client { name, version }),
            principal: call.principal.as_deref(),
            issuer: call.attribute("issuer"),
            session: call.session.as_deref(),
            direction: call.direction.as_str(),
            server: &call.server,
            method: &call.method,
            target: call.target.as_deref().map(|target| cut(target, MAX_TARGET)),
            decision: None,
            failed: None,
            request_bytes,
            reply_bytes: None,
            us: None,
            server_us: None,
            refused_by: None,
            trail: None,
            params: None,
            reply: None,
            notifications: None,
            too_large: None,
        }
    }

    /// The line as JSON, with its line end.
    pub(super) fn text(&self) -> Result<String, CallLogError> {
        let mut text = serde_json::to_string(self).map_err(|e| CallLogError(e.to_string()))?;
        // A payload keeps its own white space. A line end can only stand between its tokens.
        if text.contains(['\n', '\r']) {
            text.retain(|c| !matches!(c, '\n' | '\r'));
        }
        text.push('\n');
        Ok(match escape::json(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(safe) => safe,
        })
    }

    /// The line without what may be a secret of the requester's in a URI target: user and password, query, fragment.
    pub(super) fn without_secrets(mut self) -> Self {
        self.target = self.target.map(|target| match public_part(&target) {
            Some(public) => Cow::Owned(public),
            None => target,
        });
        self
    }
    pub(super) fn without_payload(self) -> Self {
        Self {
            params: None,
            reply: None,
            too_large: Some(true),
            ..self
        }
    }
}

/// The target without its secrets. `None` if it has none to leave out.
fn public_part(target: &str) -> Option<String> {
    let (scheme, rest) = target.split_once(':')?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let public = match rest.strip_prefix("//") {
        None => format!("{scheme}:{rest}"),
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
    };
    (public != target).then_some(public)
}

#[cfg(test)]
mod tests {
    use super::public_part;

    #[test]
    fn a_uri_loses_user_query_and_fragment() {
        for (uri, public) in [
            ("https://u:p@h:1/a?k=secret#f", Some("https://h:1/a")),
            ("https://u:p@h", Some("https://h")),
            ("note:mine?token=x", Some("note:mine")),
            ("file:///srv/a", None),
            ("lookup_customer", None),
        ] {
            assert_eq!(public_part(uri).as_deref(), public, "{uri}");
        }
    }
}
