//! JSON text as a flat row of nodes that borrow from it: read once, no memory of its own for each value.
//!
//! It answers for reading what serde_json reads. Of schemas it knows that names may be keywords, which are told apart
//! while they are read.

mod number;
mod parse;
mod tape;

pub(crate) use number::Number;
pub use parse::NotJson;
pub(crate) use tape::hash;
pub use tape::{Kind, Tape, Value};

#[cfg(test)]
mod tests;
