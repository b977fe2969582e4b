//! Text for people: nothing in it steers a terminal or begins a line of a log, rows stand in columns, and bytes are digits.

mod columns;
pub mod escape;
pub mod hex;
mod names;
mod time;

pub use columns::grid;
pub use escape::printable;
pub use names::{listed, nearest, suggest};
pub use time::time;
