//! Masks personal data in what servers say: mail addresses, telephone numbers, payment cards, bank accounts, social
//! security numbers, Individual Numbers of Japan, Internet addresses. That is all that people or models read: results,
//! errors, log lines, progress, descriptions, completions, and what servers ask of clients. What clients say is not
//! touched; a call that brings our own masks back is refused.
//!
//! What is personal data is `sandgate-detect`'s matter; here is what becomes of it. There are no names, no street
//! addresses and no meaning among it.

mod mask;
mod prose;
mod pseudonym;
mod schema;
mod scrub;
mod settings;
mod structured;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PostDecision, PreDecision, because, bump_arena,
    export, refuse, without_system,
};

use sandgate_detect::Entities;

pub use settings::Settings;

use crate::scrub::Scrub;
use crate::settings::Returned;

/// How the contract spells the direction in which servers ask.
const SERVER_TO_CLIENT: &str = "server-to-client";

bump_arena!();
without_system!();
export!(PiiScrubber);

/// The policy.
pub struct PiiScrubber {
    wanted: Entities,
    settings: Settings,
}

impl Interceptor for PiiScrubber {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self {
            wanted: settings.checked()?,
            settings,
        })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        if context.direction() == SERVER_TO_CLIENT {
            let scrub = Scrub::of_params(self.wanted, &self.settings, context, params);
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
        let Some((index, entity)) = (0..)
            .zip(texts.iter())
            .find_map(|(index, text)| Some((index, mask::ours_in(text, self.wanted)?)))
        else {
            return Ok(PreDecision::Proceed);
        };
        let message = format!(
            "The arguments carry a mask that stands for a value this gateway withheld ({}). The value itself is not \
             available; leave it out or ask a person for it.",
            entity.name()
        );
        // A mask is nobody's: it need not be kept from anyone.
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
        if context.direction() == SERVER_TO_CLIENT {
            // The client's answer to a server.
            return Ok(PostDecision::Proceed);
        }
        let scrub = Scrub::of_reply(self.wanted, &self.settings, context, reply);
        Ok(match scrub.run()? {
            Ok(edits) => edits.into(),
            Err(refusal) => refusal.into(),
        })
    }
}

#[cfg(test)]
mod tests;
