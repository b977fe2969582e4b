//! The guide, taken at its word: every piece of code in it is built, every command in it is run as it stands there, by
//! somebody who has nothing else.
#![allow(clippy::unwrap_used)]

mod code;
mod copies;
mod examples;
mod page;
mod rendered;
mod stranger;
mod wanted;
