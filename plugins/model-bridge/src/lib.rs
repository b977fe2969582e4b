//! Asks a classifier that the operator runs about the texts that pass, and acts on its scores: records, warns, masks or
//! refuses.
//!
//! The classifier is a server of its own, by default on this machine. It is not trusted: whatever it answers, the work is
//! bounded, and an answer of another shape is a failure, for which the operator has a policy. What the texts mean is the
//! classifier's business; this crate does not judge.

mod ask;
mod cache;
mod endpoint;
mod hit;
mod inputs;
mod judge;
mod mask;
mod protocol;
mod report;
mod room;
mod secret;
mod settings;
mod verdict;

use std::cell::RefCell;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, PostDecision, PreDecision, because, bump_arena,
    export, refuse, without_system,
};

pub use settings::{Kind, Settings};

use crate::judge::Judge;
use crate::mask::Marks;
use crate::secret::Secret;
use crate::settings::{Direction, Limits, Returned};

/// The direction of a server's own messages, as the contract spells it.
const SERVER_TO_CLIENT: &str = "server-to-client";

bump_arena!();
without_system!();
export!(ModelBridge);

/// The policy.
pub struct ModelBridge {
    settings: Settings,
    limits: Limits,
    /// What the keys of cached verdicts hold of the classifier.
    classifier: String,
}

impl Interceptor for ModelBridge {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        let limits = settings.checked()?;
        Ok(Self {
            classifier: cache::classifier(&settings, limits.actions.least()),
            limits,
            settings,
        })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        let direction = match context.direction() == SERVER_TO_CLIENT {
            true => Direction::Messages,
            false => Direction::Arguments,
        };
        if direction == Direction::Arguments
            && let Some(refused) = self.brings_a_mask(context, params)
        {
            return Ok(refused);
        }
        if !self.settings.directions.contains(&direction) {
            return Ok(PreDecision::Proceed);
        }
        let judge = self.judge(context, params, direction, true);
        Ok(judge.run().into())
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let method = context.method();
        let is_list = matches!(
            &*method,
            "initialize"
                | "server/discover"
                | "tools/list"
                | "prompts/list"
                | "resources/list"
                | "resources/templates/list"
        );
        // What a client answers a server goes to the server, as arguments do.
        let direction = if context.direction() == SERVER_TO_CLIENT {
            Direction::Arguments
        } else if is_list && !context.failed() {
            Direction::Definitions
        } else {
            Direction::Results
        };
        if !self.settings.directions.contains(&direction) {
            return Ok(PostDecision::Proceed);
        }
        let judge = self.judge(context, reply, direction, false);
        Ok(judge.run().into())
    }
}

impl ModelBridge {
    fn judge<'j>(
        &'j self,
        context: &'j Context<'j>,
        document: &'j Document<'j>,
        direction: Direction,
        is_params: bool,
    ) -> Judge<'j> {
        // Exceptions go by what a URI means and not by its spelling. Where nothing is addressed, the message's own name
        // stands in.
        let target = context
            .attribute("target.canonical")
            .or_else(|| context.target())
            .unwrap_or_else(|| context.method());
        let target = (!target.is_empty()).then(|| format!("{}/{target}", context.server()));
        Judge {
            policy: self,
            context,
            document,
            direction,
            is_params,
            target,
            pointers: RefCell::default(),
        }
    }

    /// The refusal where arguments bring back a mask of this policy.
    fn brings_a_mask(&self, context: &Context, params: &Document) -> Option<PreDecision> {
        let may_be = self.limits.actions.mask.is_some()
            && self.settings.returned == Returned::Refuse
            && matches!(&*context.method(), "tools/call" | "prompts/get");
        if !may_be {
            return None;
        }
        let texts = params.texts();
        if !texts.joined().contains('#') {
            return None;
        }
        let secret = Secret::of(self.settings.cache_key.as_deref(), context);
        let marks = Marks::of(secret.as_ref());
        let (index, entity) = (0..).zip(texts.iter()).find_map(|(index, text)| {
            let (_, _, entity) = marks.within(text).next()?;
            Some((index, entity))
        })?;
        let refusal = refuse(
            "model.mask-in-arguments",
            format!(
                "The arguments carry a mask that stands for a value this gateway withheld ({entity}). The value itself is \
                 not available; leave it out or ask a person for it."
            ),
        )
        .details(serde_json::json!({ "private": false }))
        .explain(
            because(format!("mask: {entity}"))
                .taken_for("text of an argument")
                .allowed_by("/returned", "pass"),
        );
        Some(match params.text_pointer(index) {
            Some(pointer) => refusal.at(pointer).into(),
            None => refusal.into(),
        })
    }
}

#[cfg(test)]
mod tests;
