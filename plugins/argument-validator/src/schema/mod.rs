//! Checks the arguments against the tool's own input schema.
//!
//! `schema-interpreter` judges nearly every schema and value. The library judges what is left, and also every value
//! that does not fit, because its refusals name places and keywords.

mod coercion;
mod library;

use sandgate_sdk::{Error, Refusal};
use schema_interpreter::{Schema, Tape, Value};

/// The refusal where the arguments do not fit the schema, or where the schema itself cannot be used. `schema` is a
/// value of the tool's definition. With `coerce`, a string that is exactly a number or a truth value counts as one where
/// the schema wants one.
pub(crate) fn trouble(
    schema: Value,
    arguments: &Tape,
    coerce: bool,
) -> Result<Option<Refusal>, Error> {
    let fits = Schema::of(schema).and_then(|schema| schema.fits(arguments));
    if fits == Ok(true) {
        return Ok(None);
    }
    let tree = schema.to_json()?;
    let given = arguments.root().to_json()?;
    if coerce {
        let mut read = given.clone();
        if coercion::coerce(&tree, &mut read) {
            let text = read.to_string();
            let tape = Tape::parse(&text)?;
            let fits = match Schema::of(schema).and_then(|schema| schema.fits(&tape)) {
                Ok(fits) => fits,
                Err(_) => library::trouble(&tree, &read).is_none(),
            };
            if fits {
                return Ok(None);
            }
        }
    }
    Ok(library::trouble(&tree, &given))
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
