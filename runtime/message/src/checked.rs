//! A checked text: its bytes and their tape, shared by all values within it.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;

use crate::tape::Entry;

/// An accepted text and its tape.
pub(crate) struct Checked {
    pub(crate) text: ByteString,
    pub(crate) tape: Vec<Entry>,
    /// A value that lives as long as the text.
    kept: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Checked {
    pub(crate) fn new(text: ByteString, tape: Vec<Entry>) -> Arc<Self> {
        Arc::new(Self {
            text,
            tape,
            kept: OnceLock::new(),
        })
    }
    /// Keeps a value until nobody holds the text any more. The first value is kept, later ones are dropped.
    pub(crate) fn keep(&self, kept: impl Any + Send + Sync) {
        let _ = self.kept.set(Box::new(kept));
    }
}
