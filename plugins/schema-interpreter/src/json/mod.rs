//! Reads JSON text into a flat list of nodes that borrow from the text. The text is read once, and no value allocates
//! memory of its own.
//!
//! The module accepts exactly what serde_json accepts. Its only knowledge of schemas is that a member's name may be a
//! keyword; keywords are recognised while the text is read.

mod number;
mod parse;
mod tape;

pub(crate) use number::Number;
pub use parse::NotJson;
pub(crate) use tape::hash;
pub use tape::{Kind, Tape, Value};

#[cfg(test)]
mod tests;
