//! The gateway in a browser: pages for people who operate it, on loopback.
//!
//! The crate knows who is let in and what is shown. What is shown comes from the running gateway (`sandgate_daemon`), what
//! verbs of the command line do comes through the trait [`Desk`].
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start"
)]

mod access;
mod asset;
mod deed;
mod desk;
mod form;
mod guard;
mod listener;
mod live;
mod page;
mod response;
mod route;
mod router;

pub use desk::{
    ComparedPins, Desk, PinDifference, Promotion, Seen, SeenItem, SeenServer, Verified, digest,
};
pub use listener::WebConsole;
