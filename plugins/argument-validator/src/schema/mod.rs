//! The tool's own input schema: whether the arguments fit it.
//!
//! Nearly every schema and value is judged directly. What the direct way cannot judge, and what it says no to, is the
//! library's to say: its refusals name places and keywords.

mod library;

use sandgate_sdk::{Error, Refusal};
use schema_interpreter::{Schema, Tape, Value};

/// What is wrong with the arguments, or with the schema itself, which is a value of the definition.
pub(crate) fn trouble(schema: Value, arguments: &Tape) -> Result<Option<Refusal>, Error> {
    let fits = Schema::of(schema).and_then(|schema| schema.fits(arguments));
    if fits == Ok(true) {
        return Ok(None);
    }
    Ok(library::trouble(
        &schema.to_json()?,
        &arguments.root().to_json()?,
    ))
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
