//! Checks the arguments of a tool before it is called: against the tool's own input schema, and for what schemas cannot
//! say: paths that leave their folder, and values that bring a command of their own.
//!
//! It judges values by what they are for, guessed from names or set by the operator; it does not know what the tool
//! does with them.

mod decoding;
mod injection;
mod role;
mod schema;
mod settings;
mod strings;
mod traversal;

use sandgate_sdk::{
    Context, Document, Error, Explanation, Interceptor, Issues, PreDecision, Refusal, because,
    bump_arena, export, finding, refuse,
};
use serde_json::{Value, json};

pub use injection::injection;
pub use role::Role;
pub use settings::Settings;
pub use traversal::{Doubt, traversal};

use crate::settings::Action;
use crate::strings::Place;

bump_arena!();
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
        let arguments: Value = match params.get("/arguments") {
            Some(json) => serde_json::from_str(&json)?,
            None => json!({}),
        };
        let input = context
            .definition()
            .and_then(|definition| input_schema(&definition));
        let refused = match &input {
            None => {
                let message = "The gateway has not seen this tool's definition, so its arguments cannot be checked. List the tools first.";
                settle(
                    self.settings.no_definition,
                    refuse("arguments.no-definition", message)
                        .at("/name")
                        .details(not_private())
                        .explain(
                            because("tool without a known definition")
                                .taken_for("name of a tool")
                                .allowed_by("/no-definition", "record"),
                        ),
                )
            }
            Some(input) => schema::trouble(input, &arguments)
                .and_then(|trouble| settle(self.settings.schema, trouble)),
        };
        if let Some(refusal) = refused {
            return Ok(refusal.into());
        }
        let target = format!(
            "{}/{}",
            context.server(),
            context.target().unwrap_or_default()
        );
        let mut refused = None;
        strings::each(&arguments, input.as_ref(), &mut |place, value| {
            if refused.is_none() {
                refused = self.judge(&target, place, value);
            }
        });
        Ok(refused.map_or(PreDecision::Proceed, PreDecision::from))
    }
}

impl ArgumentValidator {
    fn judge(&self, target: &str, place: &Place, value: &str) -> Option<Refusal> {
        let role = self
            .settings
            .role(target, place)
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
            .explain(Self::as_text(what, role, target, place));
            match doubt {
                Doubt::None => {
                    return settle(self.settings.traversal, refusal)
                        .or_else(|| self.injected(target, role, place, value));
                }
                Doubt::Some => drop(settle(Action::Record, refusal)),
            }
        }
        self.injected(target, role, place, value)
    }

    fn injected(&self, target: &str, role: Role, place: &Place, value: &str) -> Option<Refusal> {
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
            .explain(Self::as_text(what, role, target, place)),
        )
    }

    /// Anything may stand in a text: this tool's argument as one, before what else is said of it.
    fn as_text(what: &str, role: Role, target: &str, place: &Place) -> Explanation {
        because(what).taken_for(role.name()).allowed_by(
            "/roles/0",
            json!({ "tool": target, "argument": place.argument(), "role": Role::Text.name() }),
        )
    }
}

/// What an attack is made of is no secret of anybody's, and another text would be none.
fn not_private() -> Value {
    serde_json::json!({ "private": false })
}

/// The refusal, or a finding in its place.
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

fn input_schema(definition: &str) -> Option<Value> {
    let mut definition: Value = serde_json::from_str(definition).ok()?;
    definition.get_mut("inputSchema").map(Value::take)
}

#[cfg(test)]
mod tests;
