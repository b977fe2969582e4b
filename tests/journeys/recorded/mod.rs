//! What passed a gateway yesterday, replayed today: recorded with surrogates or sealed, compared under another
//! configuration, and turned into a fixture.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and figures are printed"
)]

mod cost;
mod keys;
mod planted;
mod remembered;
mod sealed;
mod stand;
mod within;
mod yesterday;
