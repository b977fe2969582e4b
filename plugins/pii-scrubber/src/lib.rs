//! Masks personal data in what servers send: e-mail addresses, telephone numbers, payment cards, bank accounts, national
//! numbers, documents, dates of birth, IP addresses and more. The policy covers everything that people or models
//! read: results, errors, log lines, progress, descriptions, completions, and the requests of servers to clients. What
//! clients send is not changed; a call that brings a mask of this policy back is refused.
//!
//! `sandgate-detect` finds the personal data; this crate masks it. Names, street addresses and the meaning of a text
//! are not considered.

mod json;
mod mark;
mod prose;
mod pseudonym;
mod schema;
mod scrub;
mod settings;
mod structured;

use sandgate_sdk::{
    Context, Document, Error, Explanation, Interceptor, Issues, PostDecision, PreDecision, because,
    bump_arena, export, refuse, without_system,
};

use sandgate_detect::{Entities, Entity};

pub use settings::Settings;

use crate::mark::Marks;
use crate::scrub::Scrub;
use crate::settings::Returned;

/// The direction of a server's own messages, as the contract spells it.
const SERVER_TO_CLIENT: &str = "server-to-client";

bump_arena!();
without_system!();
export!(PiiScrubber);

/// The policy.
pub struct PiiScrubber {
    wanted: Entities,
    settings: Settings,
    /// The marks under the operator's own key.
    marks: Option<Marks>,
    /// The explanation for each kind, in the order of [`Entity::ALL`]. Built once here rather than in each run.
    explanations: Vec<Explanation>,
}

impl Interceptor for PiiScrubber {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self {
            wanted: settings.checked()?,
            marks: settings.mark_key.as_deref().map(Marks::new),
            explanations: Entity::ALL
                .map(|entity| explanation(entity, &settings))
                .into(),
            settings,
        })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        if context.direction() == SERVER_TO_CLIENT {
            let scrub = Scrub::of_params(self, context, params);
            return Ok(match scrub.run()? {
                Ok(edits) => edits.into(),
                Err(refusal) => refusal.into(),
            });
        }
        let brings_arguments = matches!(&*context.method(), "tools/call" | "prompts/get");
        if !brings_arguments || self.settings.returned == Returned::Pass {
            return Ok(PreDecision::Proceed);
        }
        let texts = params.texts();
        if !mark::may_be_in(texts.joined()) {
            return Ok(PreDecision::Proceed);
        }
        let marks = self.marks(context);
        let Some((index, entity)) = (0..)
            .zip(texts.iter())
            .find_map(|(index, text)| Some((index, marks.ours_in(text, self.wanted)?)))
        else {
            return Ok(PreDecision::Proceed);
        };
        let message = format!(
            "The arguments carry a mask that stands for a value this gateway withheld ({}). The value itself is not \
             available; leave it out or ask a person for it.",
            entity.name()
        );
        // A mask contains no personal data, so the refusal need not be private.
        let refusal = refuse("pii.mask-in-arguments", message)
            .details(serde_json::json!({ "private": false }))
            .explain(
                because(format!("mask: {}", entity.name()))
                    .taken_for("text of an argument")
                    .allowed_by("/returned", "pass"),
            );
        Ok(match params.text_pointer(index) {
            Some(pointer) => refusal.at(pointer).into(),
            None => refusal.into(),
        })
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let method = context.method();
        // Only clients send these requests, so the direction need not be asked of the gateway.
        let is_of_clients = matches!(&*method, "tools/call" | "resources/read" | "prompts/get");
        if !is_of_clients && context.direction() == SERVER_TO_CLIENT {
            // The client's answer to a server is not masked.
            return Ok(PostDecision::Proceed);
        }
        let scrub = Scrub::of_reply(self, &method, context, reply);
        Ok(match scrub.run()? {
            Ok(edits) => edits.into(),
            Err(refusal) => refusal.into(),
        })
    }
}

/// The attribute with the key that the gateway keeps for this interceptor.
const KEY: &str = "interceptor.key";

impl PiiScrubber {
    /// The marks of this policy. Without a key of the operator or of the gateway they are those of everybody.
    fn marks(&self, context: &Context) -> Marks {
        self.marks.unwrap_or_else(|| {
            let key = context.attribute(KEY);
            Marks::new(key.as_deref().unwrap_or("no key"))
        })
    }
}

/// The explanation of a masked value: it would stay if its kind were removed from `entities`. The list must not become
/// empty, so the last kind cannot be removed.
fn explanation(entity: Entity, settings: &Settings) -> Explanation {
    let told = because(format!("pattern: {}", entity.name()));
    let others: Vec<&str> = settings
        .entities
        .iter()
        .filter(|other| **other != entity)
        .map(|other| other.name())
        .collect();
    match others.is_empty() {
        true => told.decided_by("/entities"),
        false => told.allowed_by("/entities", others),
    }
}

#[cfg(test)]
mod tests;
