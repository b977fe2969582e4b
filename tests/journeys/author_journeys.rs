//! A plugin author's days: the kit, the guide, the demo, and plugins in every language.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod canary;
mod demo;
mod guide;
mod plugin_kit;
