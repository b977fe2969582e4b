//! Judges JSON by JSON Schema (draft 7 and 2020-12) without making anything of the schema first: for policies, which
//! see each schema once and then lose all that they know.
//!
//! It answers for schemas as most tools have them, and says so where it cannot judge: then a library must. It knows no
//! tools and no refusals; why a value does not fit is the library's to say, too.

mod direct;
mod format;
mod json;
mod judge;
mod keyword;
mod pattern;

pub use direct::{DEPTH, STEPS, Schema, Unsure};
pub use json::{Kind, NotJson, Tape, Value};

/// Whether a value fits a schema, both as JSON text, where that can be said.
pub fn fits(schema: &str, value: &str) -> Option<bool> {
    let schema = Tape::parse(schema).ok()?;
    let value = Tape::parse(value).ok()?;
    Schema::of(schema.root()).ok()?.fits(&value).ok()
}

#[cfg(test)]
mod tests;
