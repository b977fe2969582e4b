//! Bytes on their way, with marks in place of values, wherever the pieces end.

use std::sync::Arc;

use crate::mark::MARK;
use crate::redactor::Redactor;

/// Redacts a stream of bytes. It holds back what may be the beginning of a value.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Arc<Redactor>,
    held: Vec<u8>,
}

impl StreamRedactor {
    /// A stream of its own.
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            held: Vec::new(),
        }
    }

    /// Takes the next bytes, and gives those that no later byte can make part of a value.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let reach = self.redactor.reach();
        // Not for every few bytes: each time, all that is held is looked at.
        if self.held.len() < 2 * reach {
            return Vec::new();
        }
        let end = self.held.len() - reach;
        self.give(end)
    }

    /// Gives the rest.
    pub fn finish(&mut self) -> Vec<u8> {
        self.give(self.held.len())
    }

    fn give(&mut self, mut end: usize) -> Vec<u8> {
        let found = self.redactor.find(&self.held);
        let mut out = Vec::with_capacity(end);
        let mut at = 0;
        for range in &found {
            if range.start >= end {
                break;
            }
            out.extend_from_slice(&self.held[at..range.start]);
            out.extend_from_slice(MARK.as_bytes());
            at = range.end;
            end = end.max(at);
        }
        out.extend_from_slice(&self.held[at..end]);
        self.held.drain(..end);
        out
    }
}
