//! The chain of a log's lines, as it is written.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::key::{SigningKey, VerifierKey};
use crate::merkle::Tree;
use crate::record::{Head, MAX_LINE, MAX_TORN, Opened, Own, Removed, Torn};

/// The end of a log: the hash of its last line, and the tree over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    tree: Tree,
    last: Hash,
}

/// A chain as it is kept beside its log. It spares reading the whole log at a start, and goes on where the log's file was
/// rotated away.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedChain {
    size: u64,
    last: Hash,
    peaks: Vec<Hash>,
}

impl SavedChain {
    /// The signature of this chain, which belongs to what `about` names.
    pub fn sign(&self, about: &str, key: &SigningKey) -> String {
        key.sign(&self.signed(about))
    }

    /// Whether this key signed this chain for what `about` names.
    pub fn is_signed(&self, about: &str, key: &VerifierKey, signature: &str) -> bool {
        key.verifies(&self.signed(about), signature)
    }

    /// What is signed. It is no checkpoint: that begins with the key's name, which has no space.
    fn signed(&self, about: &str) -> Vec<u8> {
        let chain = serde_json::to_string(self).unwrap_or_default();
        format!("saved chain\n{about}\n{chain}\n").into_bytes()
    }
}

/// A line with its place in the chain, not yet written.
#[derive(Debug)]
pub struct Stamped {
    /// The line with its line end.
    pub text: Vec<u8>,
    hash: Hash,
}

/// What a log's file holds after a saved chain.
#[derive(Debug, Default)]
pub struct Tail {
    /// The chain to its end.
    pub chain: Chain,
    /// The first line of the file, from 1, that does not follow from the one before it. The log was changed.
    pub broken: Option<u64>,
    /// The lines at its end that are none of the chain: a process was killed while it wrote them.
    torn: Vec<Torn>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            last: Hash::ZERO,
        }
    }
}

impl Chain {
    /// A chain that goes on from any place.
    #[cfg(test)]
    pub(crate) fn of(tree: Tree, last: Hash) -> Self {
        Self { tree, last }
    }

    /// The number of lines.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The line (a JSON object, with or without a line end) with its place in the chain.
    pub fn stamp(&self, line: &[u8]) -> Stamped {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut text = Head::write(self.size(), self.last).into_bytes();
        text.extend_from_slice(line.strip_prefix(b"{").unwrap_or(line));
        let hash = Hash::of_line(&text);
        text.push(b'\n');
        Stamped { text, hash }
    }

    /// Adds a line that was written, or whose beginning was and whose rest follows.
    pub fn add(&mut self, stamped: &Stamped) {
        self.push(stamped.hash);
    }

    fn push(&mut self, line: Hash) {
        self.tree.push(line);
        self.last = line;
    }

    /// The chain, to be kept beside its log.
    pub fn saved(&self) -> SavedChain {
        SavedChain {
            size: self.size(),
            last: self.last,
            peaks: self.tree.peaks().to_vec(),
        }
    }

    /// The record that says that all lines so far are these, and the signed note in it.
    pub fn checkpoint(&self, key: &SigningKey, time: String) -> (Stamped, String) {
        let note = self.statement(time).sign(key);
        let own = Own::Checkpoint { note: note.clone() };
        (self.stamp(&line(&own)), note)
    }

    /// The record that says that all lines so far are these, and that another key signs from here on.
    pub fn hand_over(
        &self,
        key: &SigningKey,
        next: &SigningKey,
        time: String,
    ) -> (Stamped, String) {
        let note = self.statement(time).hand_over(key, next);
        let own = Own::Checkpoint { note: note.clone() };
        (self.stamp(&line(&own)), note)
    }

    /// The record that says that a file of the log is removed by retention.
    pub fn removed(&self, removed: &Removed) -> Stamped {
        self.stamp(&line(&Own::Removed(removed.clone())))
    }

    fn statement(&self, time: String) -> Checkpoint {
        Checkpoint {
            size: self.size(),
            root: self.tree.root(),
            time,
            next_key: None,
        }
    }

    /// Reads on from a saved chain, or from the beginning, to the end of the log's file. What the file itself says of lines
    /// before it is not believed: whoever can write it could have it say anything.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn resume(saved: Option<SavedChain>, file: impl BufRead) -> io::Result<Tail> {
        let kept = saved.and_then(|saved| {
            let tree = Tree::of(saved.size, saved.peaks)?;
            let last = saved.last;
            Some(Self { tree, last })
        });
        let from = kept.as_ref().map_or(0, Self::size);
        let mut tail = Tail {
            chain: kept.unwrap_or_default(),
            broken: None,
            torn: Vec::new(),
        };
        let (mut number, mut begun) = (0, from > 0);
        each_line(file, |text| {
            number += 1;
            let Some(head) = Head::of(text) else {
                match Torn::of(text) {
                    _ if !begun => {}
                    Some(torn) if tail.torn.len() < MAX_TORN => tail.torn.push(torn),
                    _ => drop(tail.broken.get_or_insert(number)),
                }
                return;
            };
            begun = true;
            tail.torn.clear();
            if head.seq < from {
                return;
            }
            let next = head.seq == tail.chain.size();
            if !next || head.prev != tail.chain.last {
                tail.broken.get_or_insert(number);
            }
            if next {
                tail.chain.push(Hash::of_line(text));
            }
        })?;
        Ok(tail)
    }
}

impl Tail {
    /// The tail of a file that follows on another one, which was moved away.
    #[must_use]
    pub fn after(mut self, moved: Self) -> Self {
        if self.chain == moved.chain {
            self.torn.splice(..0, moved.torn);
            self.torn.truncate(MAX_TORN);
        }
        self.broken = moved.broken.or(self.broken);
        self
    }

    /// The record with which the log goes on.
    pub fn opened(&self, program: &str, key: &SigningKey, time: String) -> Stamped {
        self.chain
            .opened_after(self.torn.clone(), program, key, time)
    }
}

impl Chain {
    /// The record with which the log goes on in another file.
    pub fn opened(&self, program: &str, key: &SigningKey, time: String) -> Stamped {
        self.opened_after(Vec::new(), program, key, time)
    }

    fn opened_after(
        &self,
        torn: Vec<Torn>,
        program: &str,
        key: &SigningKey,
        time: String,
    ) -> Stamped {
        let own = Own::Opened(Opened {
            time,
            program: program.to_owned(),
            key: key.verifier().to_string(),
            peaks: self.tree.peaks().to_vec(),
            torn,
        });
        self.stamp(&line(&own))
    }
}

fn line(own: &Own) -> Vec<u8> {
    serde_json::to_vec(own).unwrap_or_default()
}

/// The number of the first line of the chain in a file. `None`: none of its lines is one of a chain.
///
/// # Errors
///
/// The file cannot be read.
pub fn first_number(mut file: impl BufRead) -> io::Result<Option<u64>> {
    let mut line = Vec::new();
    while read_line(&mut file, &mut line)? {
        if let Some(head) = Head::of(&line) {
            return Ok(Some(head.seq));
        }
    }
    Ok(None)
}

/// Calls `each` with every line, without its line end. Of a line that is longer than [`MAX_LINE`], its beginning.
///
/// # Errors
///
/// The file cannot be read.
pub fn each_line(mut file: impl BufRead, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    while read_line(&mut file, &mut line)? {
        each(&line);
    }
    Ok(())
}

/// Reads the next line. False: there is none.
fn read_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let limit = MAX_LINE as u64 + 1;
    if file.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    match line.last() {
        Some(b'\n') => drop(line.pop()),
        _ if line.len() > MAX_LINE => {
            line.truncate(MAX_LINE);
            file.skip_until(b'\n')?;
        }
        _ => {}
    }
    Ok(true)
}
