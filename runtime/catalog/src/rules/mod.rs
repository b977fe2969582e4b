//! What no entry of a catalog may declare. A catalog is written by strangers: what an entry asks for is refused unless it
//! is known to give its server nothing that the operator did not give.

mod address;
mod arguments;
mod name;
mod offer;
mod text;
mod variable;

pub(crate) use address::{host, image, package, remote};
pub(crate) use arguments::{argument_value, filled};
pub(crate) use name::{name, version};
pub(crate) use offer::offer;
pub(crate) use text::{LONGEST_TEXT, description, shown, text, whole, within};
