//! What clients send: a secret in it would leave.

use sandgate_detect::secret::{self, Confidence, Secret};
use sandgate_sdk::pointer::unescape;
use sandgate_sdk::{Context, Document, Explanation, Refusal, because, finding, refuse};
use serde_json::{Value, json};

use crate::members::Member;
use crate::settings::{Outgoing, Place};
use crate::{SecretRedactor, mark, members, schema};

/// Where a secret stands among the arguments, and what happens to it.
struct Hit {
    secret: Secret,
    pointer: String,
    name: String,
    action: Outgoing,
}

/// The refusal of what a client sends. What is only recorded is a finding.
pub(crate) fn judge(
    policy: &SecretRedactor,
    context: &Context,
    params: &Document,
) -> Option<Refusal> {
    let json = params.json();
    // Escapes may hide a mark or a secret in the JSON text. Without any, what the text does not have no string has.
    let is_escaped = json.contains('\\');
    let kinds = &policy.wanted.kinds;
    if policy.refuses_marks && (is_escaped || mark::within(&json, kinds).is_some()) {
        let mut kind = None;
        members::read(&json, &mut |member| {
            if kind.is_none() && !is_opaque(&member) {
                kind = mark::within(member.text, kinds);
            }
        });
        if let Some(kind) = kind {
            return Some(brought_back(kind));
        }
    }
    let (sure, probable) = policy.outgoing;
    if sure == Outgoing::Pass && probable == Outgoing::Pass {
        return None;
    }
    let mut found = Vec::new();
    if !is_escaped {
        secret::scan(&json, &mut found);
        if found.is_empty() {
            return None;
        }
    }
    let target = policy.target(context);
    let mut hits = Vec::new();
    members::read(&json, &mut |member| {
        found.clear();
        if is_opaque(&member) {
            return;
        }
        secret::scan(member.text, &mut found);
        if found.is_empty() && !member.is_name {
            found.extend(secret::member(member.name, member.text));
        }
        for secret in &found {
            let pointer = member
                .pointer
                .strip_prefix("/arguments")
                .unwrap_or(member.pointer);
            let place = Place {
                target: target.as_deref(),
                argument: Some((member.name, pointer)),
            };
            let value = &member.text[secret.start..secret.end];
            if policy.wanted.has(secret) && !policy.wanted.allows(secret, value, place) {
                hits.push(Hit {
                    secret: *secret,
                    pointer: member.pointer.to_owned(),
                    name: member.name.to_owned(),
                    action: match secret.confidence {
                        Confidence::Sure => sure,
                        Confidence::Probable => probable,
                    },
                });
            }
        }
    });
    if hits.is_empty() {
        return None;
    }
    let definition = context
        .definition()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let input = definition
        .as_ref()
        .and_then(|definition| definition.get("inputSchema"));
    for hit in &mut hits {
        let pointer = hit.pointer.strip_prefix("/arguments");
        let is_meant = pointer.is_some_and(|pointer| {
            secret::is_credential_name(&hit.name)
                || input.is_some_and(|input| schema::takes_credential(input, pointer))
        });
        if is_meant && hit.action == Outgoing::Refuse {
            hit.action = Outgoing::Record;
        }
    }
    let refused = hits.iter().find(|hit| hit.action == Outgoing::Refuse);
    for hit in hits.iter().filter(|hit| hit.action == Outgoing::Record) {
        let kind = hit.secret.kind;
        finding(
            format!("secret.{kind}"),
            format!("The arguments carry a secret ({kind})."),
        )
        .warn()
        .in_params()
        .at(told_pointer(&hit.pointer))
        .details(
            json!({ "kind": kind, "confidence": confidence(hit.secret.confidence) }).to_string(),
        )
        .explain(explanation(target.as_deref(), hit))
        .report();
    }
    let hit = refused?;
    let kind = hit.secret.kind;
    let message = format!(
        "The arguments carry a secret ({kind}), which must not leave. Leave it out, or name the place where the tool \
         finds it."
    );
    Some(
        refuse("secret.in-arguments", message)
            .at(told_pointer(&hit.pointer))
            .details(json!({ "kind": kind }))
            .explain(explanation(target.as_deref(), hit)),
    )
}

/// Whether the string is what a server gave the client to bring back. Only the server reads it, and wrote it.
fn is_opaque(member: &Member) -> bool {
    !member.is_name && member.pointer == "/requestState"
}

/// The exception for this argument and kind.
fn explanation(target: Option<&str>, hit: &Hit) -> Explanation {
    let told = because(format!(
        "{}: {}",
        confidence(hit.secret.confidence),
        hit.secret.kind
    ))
    .taken_for("argument of a tool");
    let kind = hit.secret.kind;
    let Some(target) = target.filter(|target| may_be_told(target)) else {
        return told.decided_by("/allow");
    };
    let mut exception = json!({ "tool": target, "kind": kind });
    let is_argument = hit.pointer.starts_with("/arguments") && !hit.name.is_empty();
    if is_argument && !holds_secret(&hit.name) && target.contains('/') {
        if has_wildcard(&hit.name) {
            return told.decided_by("/allow");
        }
        exception["argument"] = hit.name.as_str().into();
    }
    told.allowed_by("/allow/-", exception)
}

/// Whether an exception may name the target: it is no pattern, and repeats no secret.
pub(crate) fn may_be_told(target: &str) -> bool {
    !has_wildcard(target) && !holds_secret(target)
}

fn has_wildcard(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether a name must not be repeated, because it holds a secret.
fn holds_secret(name: &str) -> bool {
    let mut found = Vec::new();
    secret::scan(name, &mut found);
    !found.is_empty()
}

/// The pointer up to the first name that holds a secret.
pub(crate) fn told_pointer(pointer: &str) -> &str {
    let mut end = 0;
    for segment in pointer.split('/').skip(1) {
        if holds_secret(&unescape(segment)) {
            return &pointer[..end];
        }
        end += 1 + segment.len();
    }
    pointer
}

/// How sure a secret is one, in words.
pub(crate) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Sure => "form of a key",
        Confidence::Probable => "name and randomness",
    }
}

/// The refusal of a call that brings a mark back: it would be written where the value should be.
fn brought_back(kind: &str) -> Refusal {
    let message = format!(
        "The arguments carry a mark that stands for a secret this gateway withheld ({kind}). The value itself is not \
         available; leave it out or ask a person for it."
    );
    refuse("secret.mark-in-arguments", message)
        .details(json!({ "private": false }))
        .explain(
            because(format!("mark: {kind}"))
                .taken_for("text of an argument")
                .allowed_by("/returned", "pass"),
        )
}
