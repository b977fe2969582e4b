//! The one trait, and what `configure` and the hooks may fail with.

use std::fmt;
use std::panic::Location;

use crate::context::Context;
use crate::decision::{PostDecision, PreDecision};
use crate::document::Document;

/// A policy. [`Self::configure`] runs once, when the gateway prepares the plugin; every hook run starts from the memory
/// it left, in an instance of its own, so nothing that a hook writes outlives it. What must be remembered between calls
/// goes through [`crate::state`].
pub trait Interceptor: Sized + Send + Sync + 'static {
    /// What the operator may set. The gateway has checked it against the schema in `plugin.toml` before it arrives.
    type Settings: serde::de::DeserializeOwned;

    /// Makes the interceptor of its settings. It sees nothing else: no state, no network, no files, a fixed time and a
    /// fixed randomness. Everything that can be computed ahead belongs here.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, each at its place: the gateway does not start, or keeps what it had.
    fn configure(settings: Self::Settings) -> Result<Self, Issues>;

    /// Judges a request or notification before it goes on.
    ///
    /// # Errors
    ///
    /// A malfunction of the plugin, never a refusal: the operator's failure policy answers it.
    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        let _ = (context, params);
        Err(Error::new(
            "the plugin has no pre_call: implement it, or take [hooks.pre-call] out of plugin.toml",
        ))
    }

    /// Judges a reply before its requester sees it.
    ///
    /// # Errors
    ///
    /// A malfunction of the plugin, as in [`Self::pre_call`].
    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let _ = (context, reply);
        Err(Error::new(
            "the plugin has no post_call: implement it, or take [hooks.post-call] out of plugin.toml",
        ))
    }
}

/// For an interceptor that has nothing to set.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// What is wrong with the settings, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// JSON Pointer into the settings; empty for the whole.
    pub pointer: String,
    /// Says what was wrong and what to do.
    pub message: String,
}

/// Everything that is wrong with the settings, so that the operator mends it in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issues(Vec<Issue>);

/// A hook's own malfunction. Made of any error by `?`, or of a text; remembers the error's type and the line that made it,
/// which is what the operator is told of it.
///
/// ```
/// # use sandgate_sdk::Error;
/// fn hour(text: &str) -> Result<u8, Error> {
///     let hour = text.parse()?;
///     if hour < 24 { Ok(hour) } else { Err(Error::new("no such hour")) }
/// }
/// assert!(hour("25").is_err() && hour("late").is_err());
/// ```
#[derive(Debug)]
pub struct Error {
    kind: &'static str,
    place: &'static Location<'static>,
    message: String,
}

impl Issues {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A single one.
    pub fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let mut issues = Self::new();
        issues.add(pointer, message);
        issues
    }

    /// One more.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(Issue {
            pointer: pointer.into(),
            message: message.into(),
        });
    }

    /// `value` where nothing was wrong.
    ///
    /// # Errors
    ///
    /// The issues, where there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// In the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.0.iter()
    }

    pub(crate) fn into_vec(self) -> Vec<Issue> {
        self.0
    }
}

impl Error {
    /// Says what went wrong. The operator reads it only where `fault-detail = true`, since it may repeat the payload.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            kind: "Error",
            place: Location::caller(),
            message: message.into(),
        }
    }

    pub(crate) fn into_parts(self) -> (&'static str, &'static Location<'static>, String) {
        (self.kind, self.place, self.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

// `Error` is no `std::error::Error` itself, or this would overlap with the standard library's `From<T> for T`.
impl<E: std::error::Error> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self {
            kind: std::any::type_name::<E>(),
            place: Location::caller(),
            message: error.to_string(),
        }
    }
}
