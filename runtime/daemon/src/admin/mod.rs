//! How operators reach a running gateway: a Unix socket that only its owner can use, and one question a connection.
//!
//! It knows who may ask and how; what is answered is the business of those who are asked.

mod ask;
mod desk;
mod door;
mod place;
mod protocol;

pub use ask::{AskError, ask};
pub(crate) use desk::{Desk, Told};
pub(crate) use door::{AT_A_TIME, serve};
pub(crate) use place::Door;
pub use place::{DoorError, Place};
pub use protocol::Ask;
