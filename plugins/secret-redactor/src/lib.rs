//! Keeps secrets where they are. What clients send outward is refused where it carries one; what servers send is masked:
//! results, errors, log lines, progress, resources, prompts, descriptions, and the requests of servers to clients. The
//! policy never repeats what it found.
//!
//! `sandgate-detect` finds the secrets. This crate decides what happens to them, where they stand.

mod arguments;
mod mark;
mod members;
mod place;
mod redact;
mod schema;
mod settings;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PostDecision, PreDecision, bump_arena, export,
    without_system,
};

pub use settings::Settings;

use crate::redact::{Message, Outcome};
use crate::settings::{Incoming, Outgoing, Returned, Wanted};

/// The direction of a server's own messages, as the contract spells it.
const SERVER_TO_CLIENT: &str = "server-to-client";

bump_arena!();
without_system!();
export!(SecretRedactor);

/// The policy.
pub struct SecretRedactor {
    wanted: Wanted,
    /// What happens to a sure and to a probable secret in arguments.
    outgoing: (Outgoing, Outgoing),
    results: Incoming,
    refuses_marks: bool,
}

impl Interceptor for SecretRedactor {
    type Settings = Settings;

    fn configure(mut settings: Settings) -> Result<Self, Issues> {
        Ok(Self {
            wanted: settings.checked()?,
            outgoing: (settings.arguments, settings.probable_arguments),
            results: settings.results,
            refuses_marks: settings.returned == Returned::Refuse,
        })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        if context.direction() == SERVER_TO_CLIENT {
            let message = Message {
                policy: self,
                context,
                document: params,
                method: &context.method(),
                failed: false,
                is_params: true,
            };
            return Ok(match message.outcome()? {
                Outcome::Edits(edits) => edits.into(),
                Outcome::Refusal(refusal) => refusal.into(),
            });
        }
        let refusal = arguments::judge(self, context, params);
        Ok(refusal.map_or(PreDecision::Proceed, PreDecision::from))
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let method = context.method();
        // Only clients send these requests, so the direction need not be asked of the gateway.
        let is_of_clients = matches!(&*method, "tools/call" | "resources/read" | "prompts/get");
        if !is_of_clients && context.direction() == SERVER_TO_CLIENT {
            // A client's answer to a server leaves as arguments do.
            let refusal = arguments::judge(self, context, reply);
            return Ok(refusal.map_or(PostDecision::Proceed, PostDecision::from));
        }
        let message = Message {
            policy: self,
            context,
            document: reply,
            method: &method,
            failed: context.failed(),
            is_params: false,
        };
        Ok(match message.outcome()? {
            Outcome::Edits(edits) => edits.into(),
            Outcome::Refusal(refusal) => refusal.into(),
        })
    }
}

impl SecretRedactor {
    /// The target as `SERVER/NAME`, a URI in its canonical form. `None` where it is a URI that has none. Asked only where
    /// something was found.
    fn target(&self, context: &Context) -> Option<String> {
        let canonical = context.attribute("target.canonical");
        if canonical.as_deref() == Some("") {
            return None;
        }
        let name = canonical.or_else(|| context.target()).unwrap_or_default();
        Some(format!("{}/{name}", context.server()))
    }
}

#[cfg(test)]
mod tests;
