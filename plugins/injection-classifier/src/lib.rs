//! Scores what servers send to clients for instructions that are hidden in data: results, errors, definitions, log lines,
//! and the requests of servers to clients. By default a finding is recorded. The operator chooses what else happens, by
//! the score: a warning beside the text, marks around it, or a refusal.
//!
//! `sandgate-detect` scores; this crate decides where texts are and what happens to them. What clients send is not
//! looked at.

mod act;
mod exception;
mod judge;
mod settings;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PostDecision, PreDecision, bump_arena, export,
    without_system,
};

pub use settings::Settings;

use crate::act::Outcome;
use crate::judge::Message;
use crate::settings::Levels;

/// The direction of a server's own messages, as the contract spells it.
const SERVER_TO_CLIENT: &str = "server-to-client";

bump_arena!();
without_system!();
export!(InjectionClassifier);

/// The policy.
pub struct InjectionClassifier {
    levels: Levels,
    allow: Vec<exception::Exception>,
}

impl Interceptor for InjectionClassifier {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        let (levels, allow) = settings.checked()?;
        Ok(Self { levels, allow })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        if context.direction() != SERVER_TO_CLIENT {
            return Ok(PreDecision::Proceed);
        }
        let message = Message::params(context.method());
        Ok(match self.judged(context, params, &message) {
            Outcome::Pass => PreDecision::Proceed,
            Outcome::Edit(edits) => edits.into(),
            Outcome::Refuse(refusal) => refusal.into(),
        })
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let method = context.method();
        // Only clients send these requests, so the direction need not be asked of the gateway.
        let is_of_clients = matches!(&*method, "tools/call" | "resources/read" | "prompts/get");
        if !is_of_clients && context.direction() == SERVER_TO_CLIENT {
            // The client's answer to a server.
            return Ok(PostDecision::Proceed);
        }
        let message = Message::reply(method);
        Ok(match self.judged(context, reply, &message) {
            Outcome::Pass => PostDecision::Proceed,
            Outcome::Edit(edits) => edits.into(),
            Outcome::Refuse(refusal) => refusal.into(),
        })
    }
}

#[cfg(test)]
mod tests;
