//! Checks the arguments of a tool before it is called: against the tool's own input schema, and for two things that a
//! schema cannot express: paths that leave their folder, and values that bring a shell command of their own.
//!
//! The policy judges a value by its role, which is guessed from names or set by the operator. It does not know what the
//! tool does with the value.

mod decoding;
mod injection;
mod role;
mod schema;
mod settings;
mod strings;
mod traversal;

use std::cell::OnceCell;

use sandgate_sdk::{
    Context, Document, Error, Explanation, Interceptor, Issues, PreDecision, Refusal, because,
    bump_arena, export, finding, refuse, without_system,
};
use schema_interpreter::Tape;
use serde_json::{Value, json};

pub use injection::injection;
pub use role::Role;
pub use settings::Settings;
pub use traversal::{Doubt, traversal};

use crate::settings::Action;
use crate::strings::Place;

bump_arena!();
without_system!();
export!(ArgumentValidator: pre_call);

/// The policy.
pub struct ArgumentValidator {
    settings: Settings,
}

impl Interceptor for ArgumentValidator {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        settings.checked()?;
        Ok(Self { settings })
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        let text = params.get("/arguments").unwrap_or_else(|| "{}".into());
        let without_repeated: String;
        let mut arguments = Tape::parse(&text)?;
        if arguments.may_repeat() {
            // Of several members with the same name the last one counts.
            without_repeated = serde_json::from_str::<Value>(&text)?.to_string();
            arguments = Tape::parse(&without_repeated)?;
        }
        let definition = context.definition();
        // A definition that is not JSON counts as missing.
        let definition = definition
            .as_deref()
            .and_then(|text| Tape::parse(text).ok());
        let input = definition
            .as_ref()
            .and_then(|definition| definition.root().get("inputSchema"));
        let refused = match input {
            Some(input) => self.unfit(input, &arguments)?,
            None => settle(self.settings.no_definition, no_definition()),
        };
        if let Some(refusal) = refused {
            return Ok(refusal.into());
        }
        let call = Call {
            context,
            target: OnceCell::new(),
        };
        let mut refused = None;
        strings::each(
            arguments.root(),
            input,
            may_be_an_attack,
            &mut |place, value| {
                refused = self.judge(&call, place, value);
                refused.is_none().then_some(())
            },
        );
        Ok(refused.map_or(PreDecision::Proceed, PreDecision::from))
    }
}

/// The called tool. Its name is read only when it is needed.
struct Call<'c> {
    context: &'c Context<'c>,
    target: OnceCell<String>,
}

impl Call<'_> {
    /// The name of the tool as `SERVER/TOOL`.
    fn target(&self) -> &str {
        self.target.get_or_init(|| {
            let tool = self.context.target().unwrap_or_default();
            format!("{}/{tool}", self.context.server())
        })
    }
}

impl ArgumentValidator {
    /// The refusal where the arguments do not fit the schema.
    fn unfit(
        &self,
        input: schema_interpreter::Value,
        arguments: &Tape,
    ) -> Result<Option<Refusal>, Error> {
        if self.settings.schema == Action::Pass {
            return Ok(None);
        }
        let trouble = schema::trouble(input, arguments)?;
        Ok(trouble.and_then(|trouble| settle(self.settings.schema, trouble)))
    }

    /// The refusal where the value is an attack. Doubtful cases are only reported as a finding.
    fn judge(&self, call: &Call, place: &Place, value: &str) -> Option<Refusal> {
        let role = self
            .settings
            .role(|| call.target(), place)
            .unwrap_or_else(|| role::guess(place));
        if self.settings.traversal != Action::Pass
            && let Some((what, doubt)) = traversal(role, value)
        {
            let refusal = refuse(
                "arguments.path-traversal",
                format!("{what} is not allowed here."),
            )
            .at(place.whole())
            .details(not_private())
            .explain(Self::as_text(what, role, call.target(), place));
            match doubt {
                Doubt::None => {
                    return settle(self.settings.traversal, refusal)
                        .or_else(|| self.injected(call, role, place, value));
                }
                Doubt::Some => drop(settle(Action::Record, refusal)),
            }
        }
        self.injected(call, role, place, value)
    }

    fn injected(&self, call: &Call, role: Role, place: &Place, value: &str) -> Option<Refusal> {
        if self.settings.injection == Action::Pass {
            return None;
        }
        let what = injection(role, value)?;
        settle(
            self.settings.injection,
            refuse(
                "arguments.command-injection",
                format!("{what} is not allowed here."),
            )
            .at(place.whole())
            .details(not_private())
            .explain(Self::as_text(what, role, call.target(), place)),
        )
    }

    /// The explanation that offers the role `text` for this argument. It is offered first, because any value is allowed
    /// in a text.
    fn as_text(what: &str, role: Role, target: &str, place: &Place) -> Explanation {
        because(what).taken_for(role.name()).allowed_by(
            "/roles/0",
            json!({ "tool": target, "argument": place.argument(), "role": Role::Text.name() }),
        )
    }
}

/// Marks a refusal as not private. The pattern of an attack is not a secret, and the message does not repeat the value.
fn not_private() -> Value {
    serde_json::json!({ "private": false })
}

/// Applies the operator's choice: returns the refusal, reports it as a finding, or drops it.
fn settle(action: Action, refusal: Refusal) -> Option<Refusal> {
    match action {
        Action::Refuse => Some(refusal),
        Action::Pass => None,
        Action::Record => {
            let mut note = finding(refusal.code, refusal.message).warn().in_params();
            if let Some(pointer) = refusal.pointer {
                note = note.at(pointer);
            }
            if let Some(details) = refusal.details {
                note = note.details(details);
            }
            note.report();
            None
        }
    }
}

fn no_definition() -> Refusal {
    let message = "The gateway has not seen this tool's definition, so its arguments cannot be checked. List the tools first.";
    refuse("arguments.no-definition", message)
        .at("/name")
        .details(not_private())
        .explain(
            because("tool without a known definition")
                .taken_for("name of a tool")
                .allowed_by("/no-definition", "record"),
        )
}

/// Whether the value has a byte that one of the checks looks for. Most values have none.
fn may_be_an_attack(value: &str) -> bool {
    value
        .bytes()
        .any(|byte| traversal::is_suspicious(byte) || injection::is_suspicious(byte))
}

#[cfg(test)]
mod tests;
