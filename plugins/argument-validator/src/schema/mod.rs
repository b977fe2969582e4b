//! Checks the arguments against the tool's own input schema.
//!
//! `schema-interpreter` judges nearly every schema and value. The library judges what is left, and also every value
//! that does not fit, because its refusals name places and keywords.

mod library;

use sandgate_sdk::{Error, Refusal};
use schema_interpreter::{Schema, Tape, Value};

/// The refusal where the arguments do not fit the schema, or where the schema itself cannot be used. `schema` is a
/// value of the tool's definition.
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
