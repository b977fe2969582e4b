//! Text for people: nothing in it steers a terminal or begins a line of a log, and rows stand in columns.

mod columns;
pub mod escape;
mod time;

pub use columns::grid;
pub use escape::printable;
pub use time::time;
