//! What a conversation has done so far: some counters and bounded sets of hashes, at most four kilobytes.

use crate::filter::Filter;
use crate::label::{Label, Labels};
use crate::reader::Reader;

/// The form in which it is kept. Another form is no history.
const VERSION: u8 = 1;
const INSTRUCTED: usize = 128;
const ORDERED: usize = 128;
const KNOWN: usize = 192;
const APPLICATIONS: usize = 16;

/// What a conversation has done so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The labels of the calls that have been made.
    pub(crate) seen: Labels,
    /// The labels of those after the first untrusted text.
    pub(crate) since: Labels,
    /// The labels of what untrusted text told to do.
    pub(crate) commands: Labels,
    /// Untrusted text was read, not only expected.
    pub(crate) was_read: bool,
    /// After untrusted text, something private of another application was read.
    pub(crate) strayed: bool,
    /// How much the untrusted text reads like an instruction, of 255.
    pub(crate) instruction: u8,
    /// Calls in all.
    pub(crate) calls: u32,
    /// Calls that act, since `window`.
    pub(crate) burst: u16,
    /// When the counting of `burst` began, in seconds since 1970.
    pub(crate) window: u32,
    /// Applications that were used.
    pub(crate) applications: Ring<APPLICATIONS>,
    /// Values of arguments before untrusted text came, and of results that are trusted.
    pub(crate) known: Ring<KNOWN>,
    /// Values in untrusted text.
    pub(crate) untrusted: Filter,
    /// Values in passages that read like an instruction.
    pub(crate) instructed: Ring<INSTRUCTED>,
    /// What commands in untrusted text name.
    pub(crate) ordered: Ring<ORDERED>,
}

/// The last `N` different hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ring<const N: usize> {
    hashes: Vec<u32>,
    /// Where the next one goes when it is full.
    next: usize,
}

impl<const N: usize> Ring<N> {
    pub(crate) fn has(&self, hash: u32) -> bool {
        self.hashes.contains(&hash)
    }

    /// Whether it was new.
    pub(crate) fn add(&mut self, hash: u32) -> bool {
        if self.has(hash) {
            return false;
        }
        if self.hashes.len() < N {
            self.hashes.push(hash);
        } else {
            self.next %= N;
            self.hashes[self.next] = hash;
            self.next += 1;
        }
        true
    }

    fn write(&self, into: &mut Vec<u8>) {
        let (newer, older) = self.hashes.split_at(self.next.min(self.hashes.len()));
        // The oldest first, so that nothing else need be kept.
        let count = u16::try_from(self.hashes.len()).unwrap_or(u16::MAX);
        into.extend_from_slice(&count.to_le_bytes());
        for hash in older.iter().chain(newer) {
            into.extend_from_slice(&hash.to_le_bytes());
        }
    }

    fn read(bytes: &mut Reader) -> Option<Self> {
        let count = usize::from(u16::from_le_bytes(bytes.take()?));
        if count > N {
            return None;
        }
        let mut hashes = Vec::with_capacity(count);
        for _ in 0..count {
            hashes.push(u32::from_le_bytes(bytes.take()?));
        }
        Some(Self { hashes, next: 0 })
    }
}

impl History {
    /// Whether text that anybody may have written has come in.
    pub fn has_untrusted(&self) -> bool {
        self.seen.has(Label::Untrusted)
    }

    /// As bytes for the state: at most 4 KiB.
    pub fn written(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4096);
        let flags = u8::from(self.was_read) | u8::from(self.strayed) << 1;
        bytes.extend_from_slice(&[
            VERSION,
            self.seen.bits(),
            self.since.bits(),
            self.commands.bits(),
            flags,
            self.instruction,
        ]);
        bytes.extend_from_slice(&self.calls.to_le_bytes());
        bytes.extend_from_slice(&self.burst.to_le_bytes());
        bytes.extend_from_slice(&self.window.to_le_bytes());
        self.applications.write(&mut bytes);
        self.known.write(&mut bytes);
        self.untrusted.write(&mut bytes);
        self.instructed.write(&mut bytes);
        self.ordered.write(&mut bytes);
        bytes
    }

    /// Of the state's bytes. `None` where they are none of this version's.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::of(bytes);
        let [version, seen, since, commands, flags, instruction] = reader.take()?;
        if version != VERSION {
            return None;
        }
        let history = Self {
            seen: Labels::of_bits(seen),
            since: Labels::of_bits(since),
            commands: Labels::of_bits(commands),
            was_read: flags & 1 == 1,
            strayed: flags & 2 == 2,
            instruction,
            calls: u32::from_le_bytes(reader.take()?),
            burst: u16::from_le_bytes(reader.take()?),
            window: u32::from_le_bytes(reader.take()?),
            applications: Ring::read(&mut reader)?,
            known: Ring::read(&mut reader)?,
            untrusted: Filter::read(&mut reader)?,
            instructed: Ring::read(&mut reader)?,
            ordered: Ring::read(&mut reader)?,
        };
        reader.is_at_end().then_some(history)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_full_history_is_read_as_it_was_written_and_fits_four_kilobytes() {
        let mut history = History {
            seen: Labels::from(Label::Untrusted).and(Label::Sink),
            was_read: true,
            instruction: 200,
            calls: 70_000,
            ..History::default()
        };
        for hash in 0..5000_u32 {
            history.untrusted.add(hash.wrapping_mul(0x9e37_79b9));
            history.instructed.add(hash);
            history.ordered.add(hash);
            history.known.add(hash);
            history.applications.add(hash);
        }
        let written = history.written();
        assert!(written.len() <= 4096, "{}", written.len());
        let mut read = History::read(&written).unwrap();
        assert_eq!(read.written(), written);
        assert!(read.known.has(4999) && read.known.has(4808) && !read.known.has(4807));
        // The oldest goes first after reading too.
        read.known.add(9999);
        assert!(!read.known.has(4808) && read.known.has(4809));
    }

    #[test]
    fn bytes_of_anything_else_are_no_history() {
        let written = History::default().written();
        assert_eq!(History::read(&written), Some(History::default()));
        for end in 0..written.len() {
            assert_eq!(History::read(&written[..end]), None);
        }
        let mut other = written.clone();
        other[0] = 9;
        assert_eq!(History::read(&other), None);
        let longer = [written, vec![0]].concat();
        assert_eq!(History::read(&longer), None);
    }
}
