//! Checks the arguments of a tool before it is called: against the tool's own input schema, and for what a schema cannot
//! express: paths that leave their folder, and values that bring commands, statements, scripts, headers or addresses of
//! their own.
//!
//! The policy judges a value by its role, which is guessed from names and the schema, or set by the operator. It does not
//! know what the tool does with the value.

mod checks;
mod decoding;
mod reading;
mod role;
mod schema;
mod settings;
mod strings;

use std::cell::{Cell, OnceCell};

use sandgate_sdk::{
    Context, Document, Error, Explanation, Interceptor, Issues, PreDecision, Refusal, because,
    bump_arena, export, finding, refuse, without_system,
};
use schema_interpreter::Tape;
use serde_json::{Value, json};

pub use checks::{Class, Doubt, Hit};
pub use role::Role;
pub use settings::Settings;

use crate::checks::nosql;
use crate::reading::{Reading, clue};
use crate::settings::Action;
use crate::strings::{Part, Place};

/// The longest part of a value that is judged at once. Of a longer value the beginning and the end are judged.
const WINDOW: usize = 1_024;
/// The most findings that a call reports.
const FINDINGS: usize = 20;

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
            findings: Cell::new(0),
        };
        let mut refused = None;
        strings::each(
            arguments.root(),
            input,
            self.settings.schema == Action::Refuse,
            may_be_an_attack,
            &mut |place, part, value| {
                refused = self.judge(&call, place, part, value);
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
    /// How many findings were reported.
    findings: Cell<usize>,
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
        let trouble = schema::trouble(input, arguments, self.settings.coerce)?;
        Ok(trouble.and_then(|trouble| settle(self.settings.schema, trouble)))
    }

    /// The refusal where the value is an attack. Doubtful cases are only reported as a finding.
    fn judge(&self, call: &Call, place: &Place, part: Part, value: &str) -> Option<Refusal> {
        let role = self
            .settings
            .role(|| call.target(), place)
            .unwrap_or_else(|| role::guess(place, value));
        if part == Part::Value
            && matches!(role, Role::Plain | Role::Identifier | Role::Prose)
            && let Some(tape) = document_in(value)
        {
            return self.within(call, place, &tape);
        }
        each_hit_at(place, part, role, value, &mut |hit| {
            self.settle(call, place, role, hit)
        })
    }

    /// Judges what a JSON document holds that is written as a string. Its members say what the values are for; the
    /// operator's exceptions are for the string.
    fn within(&self, call: &Call, place: &Place, document: &Tape) -> Option<Refusal> {
        let mut refused = None;
        strings::each(
            document.root(),
            None,
            false,
            may_be_an_attack,
            &mut |inner, part, value| {
                let role = role::guess_within(inner, value);
                refused = each_hit_at(inner, part, role, value, &mut |hit| {
                    self.settle(call, place, role, hit)
                });
                refused.is_none().then_some(())
            },
        );
        refused
    }

    /// Does what the operator wants done about the hit.
    fn settle(&self, call: &Call, place: &Place, role: Role, hit: Hit) -> Option<Refusal> {
        let action = match (self.settings.action(hit.class), hit.doubt) {
            (Action::Refuse, Doubt::Some) => Action::Record,
            (action, _) => action,
        };
        let is_spent = action == Action::Record && call.findings.get() >= FINDINGS;
        if action == Action::Pass
            || is_spent
            || self.settings.allows(hit.class, || call.target(), place)
        {
            return None;
        }
        if action == Action::Record {
            call.findings.set(call.findings.get() + 1);
        }
        let refusal = refuse(
            hit.class.code(),
            format!("{} is not allowed here.", hit.what),
        )
        .at(place.whole())
        .details(not_private())
        .explain(explanation(hit, role, call.target(), place));
        settle(action, refusal)
    }
}

/// The JSON object or array that the string is.
fn document_in(value: &str) -> Option<Tape<'_>> {
    let begins = value.trim_start().starts_with(['{', '[']);
    begins.then(|| Tape::parse(value).ok()).flatten()
}

/// Calls `see` with what the checks find in a string or in a name, until it returns something.
fn each_hit_at<T>(
    place: &Place,
    part: Part,
    role: Role,
    value: &str,
    see: &mut dyn FnMut(Hit) -> Option<T>,
) -> Option<T> {
    let is_operator = part == Part::Name
        && nosql::is_operator_name(value)
        && !role::is_within_a_query(place.pointer)
        && !matches!(role, Role::Query | Role::Text);
    if is_operator {
        return see(Hit {
            class: Class::Nosql,
            what: "An operator of a document database",
            doubt: Doubt::None,
        });
    }
    each_hit(role, value, see)
}

/// Calls `see` with what the checks find in a value of that role, until it returns something.
fn each_hit<T>(role: Role, value: &str, see: &mut dyn FnMut(Hit) -> Option<T>) -> Option<T> {
    if value.len() <= 2 * WINDOW {
        return each_hit_in(role, value, see);
    }
    let (head, tail) = ends(value);
    each_hit_in(role, head, see).or_else(|| each_hit_in(role, tail, see))
}

/// The first and the last [`WINDOW`] bytes, cut at characters.
fn ends(value: &str) -> (&str, &str) {
    let mut head = WINDOW;
    while !value.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = value.len() - WINDOW;
    while !value.is_char_boundary(tail) {
        tail += 1;
    }
    (&value[..head], &value[tail..])
}

fn each_hit_in<T>(role: Role, value: &str, see: &mut dyn FnMut(Hit) -> Option<T>) -> Option<T> {
    let clues = reading::clues(value);
    let mut reading = None;
    for class in Class::ALL {
        let Some(level) = class.level(role) else {
            continue;
        };
        // A path may be written in hexadecimal numbers alone.
        let is_its_own = class == Class::Traversal && role == Role::Path;
        if clues & (class.clues() | clue::CODED) == 0 && !is_its_own {
            continue;
        }
        let reading = reading.get_or_insert_with(|| Reading::of(value, clues));
        if !reading.has(class.clues()) && !is_its_own {
            continue;
        }
        if let Some(hit) = class.check(reading, role, level)
            && let Some(settled) = see(hit)
        {
            return Some(settled);
        }
    }
    None
}

/// What the checks find in a value of that role: everything, sure or not.
pub fn hits(role: Role, value: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    each_hit::<()>(role, value, &mut |hit| {
        hits.push(hit);
        None
    });
    hits
}

/// The explanation that offers an exception for this argument of this tool.
fn explanation(hit: Hit, role: Role, target: &str, place: &Place) -> Explanation {
    because(hit.what).taken_for(role.name()).allowed_by(
        "/allow/0",
        json!({ "tool": target, "argument": place.argument(), "checks": [hit.class.name()] }),
    )
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

/// Whether the value has a byte that one of the checks looks for. Many values have none.
fn may_be_an_attack(value: &str) -> bool {
    reading::clues(value) != 0
}

#[cfg(test)]
mod tests;
