//! Judges JSON values by a JSON Schema (draft 7 or 2020-12) without compiling the schema. It is made for policies: a
//! policy sees each schema once, and its memory is discarded after the run.
//!
//! The crate judges the keywords that most tools use. Where it cannot judge, it says so ([`Unsure`]), and the caller
//! asks a complete library instead. The crate knows nothing of tools or refusals, and it does not explain why a value
//! does not fit.

mod direct;
mod format;
mod json;
mod judge;
mod keyword;
mod pattern;

pub use direct::{DEPTH, STEPS, Schema, Unsure};
pub use json::{Kind, NotJson, Tape, Value};

/// Whether the JSON text `value` fits the JSON text `schema`. `None`: one of them is not JSON, or this crate cannot
/// judge.
pub fn fits(schema: &str, value: &str) -> Option<bool> {
    let schema = Tape::parse(schema).ok()?;
    let value = Tape::parse(value).ok()?;
    Schema::of(schema.root()).ok()?.fits(&value).ok()
}

#[cfg(test)]
mod tests;
