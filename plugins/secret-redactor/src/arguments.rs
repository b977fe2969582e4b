//! What clients send: a secret in it would leave.

use sandgate_detect::secret::{self, Confidence, Secret};
use sandgate_sdk::{Context, Document, Explanation, Refusal, because, finding, refuse};
use serde_json::{Value, json};

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
    if policy.refuses_marks
        && let Some(kind) = mark::within(&json, &policy.wanted.kinds)
    {
        return Some(brought_back(kind));
    }
    let (sure, probable) = policy.outgoing;
    if sure == Outgoing::Pass && probable == Outgoing::Pass {
        return None;
    }
    // The JSON text itself is searched first. Escapes may hide a secret in it, so a text with such escapes is read.
    let mut found = Vec::new();
    secret::scan(&json, &mut found);
    if found.is_empty() && !json.contains("\\u") {
        return None;
    }
    let target = policy.target(context);
    let mut hits = Vec::new();
    members::read(&json, &mut |member| {
        found.clear();
        secret::scan(&member.text, &mut found);
        if found.is_empty() && !member.is_name {
            found.extend(secret::member(&member.name, &member.text));
        }
        for secret in &found {
            let pointer = member
                .pointer
                .strip_prefix("/arguments")
                .unwrap_or(&member.pointer);
            let place = Place {
                target: &target,
                argument: Some((&member.name, pointer)),
            };
            let value = &member.text[secret.start..secret.end];
            if policy.wanted.has(secret) && !policy.wanted.allows(secret, value, place) {
                hits.push(Hit {
                    secret: *secret,
                    pointer: member.pointer.clone(),
                    name: member.name.clone(),
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
        .at(hit.pointer.clone())
        .details(
            json!({ "kind": kind, "confidence": confidence(hit.secret.confidence) }).to_string(),
        )
        .explain(explanation(&target, hit))
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
            .at(hit.pointer.clone())
            .details(json!({ "kind": kind }))
            .explain(explanation(&target, hit)),
    )
}

/// The exception for this argument and kind.
fn explanation(target: &str, hit: &Hit) -> Explanation {
    let told = because(format!(
        "{}: {}",
        confidence(hit.secret.confidence),
        hit.secret.kind
    ))
    .taken_for("argument of a tool");
    let kind = hit.secret.kind;
    match hit.pointer.strip_prefix("/arguments") {
        Some(_) if !hit.name.is_empty() && !secret_in(&hit.name) && target.contains('/') => told
            .allowed_by(
                "/allow/-",
                json!({ "tool": target, "argument": hit.name, "kind": kind }),
            ),
        _ => told.allowed_by("/allow/-", json!({ "tool": target, "kind": kind })),
    }
}

/// Whether a name must not be repeated, because it is itself a secret.
fn secret_in(name: &str) -> bool {
    let mut found = Vec::new();
    secret::scan(name, &mut found);
    !found.is_empty()
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
