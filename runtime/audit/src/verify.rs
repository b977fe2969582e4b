//! Holds the lines of a log against their chain, its checkpoints, and checkpoints kept elsewhere.

use crate::anchored::Anchored;
use crate::hash::Hash;
use crate::key::VerifierKey;
use crate::keys::Keys;
use crate::merkle::Tree;
use crate::problem::{Place, Problem, ProblemKind};
use crate::record::{Head, MAX_TORN, Opened, Own, Removed, Torn};
use crate::summary::{KeyChange, Retention, Summary};

/// The most problems that are told. The first one is what matters: what follows from it cannot be told apart from it.
const MAX_PROBLEMS: usize = 10;
/// The most gaps that wait for a record that explains them. Further ones are problems at once.
const MAX_GAPS: usize = 10_000;

/// Verifies a log, line by line, its files in the order in which they were written.
pub struct Verifier {
    keys: Keys,
    anchored: Anchored,
    file: String,
    number: u64,
    /// The place of the last line.
    at: Place,
    /// The number that the next line has. `None`: the chain has not begun.
    next: Option<u64>,
    last: Hash,
    /// The tree over all lines so far. `None`: it is not known, since lines before the first are not at hand.
    tree: Option<Tree>,
    /// The number of lines of the last anchored checkpoint that fits.
    met: Option<u64>,
    /// A line that does not hold the hash of the one before it: one of the two was changed.
    suspect: Option<(Place, Place)>,
    /// Lines that are none of the chain. The next one may say that they were cut off.
    torn: Vec<(Torn, Place)>,
    /// What records say of removed files, with their numbers. No checkpoint vouches for these records yet.
    removed: Vec<(u64, Removed)>,
    /// The number of the last checkpoint that fits the lines before it.
    vouched: Option<u64>,
    /// Gaps that a record of retention may still explain, each with the number of problems before it.
    gaps: Vec<(usize, Gap)>,
    /// The key that has to sign the end of the log. `None`: any of the known keys may.
    current: Option<VerifierKey>,
    /// The key that is good after the last checkpoint, and where that stands.
    signer: Option<(VerifierKey, Place)>,
    summary: Summary,
}

/// Lines that are not there, and where the log goes on after them.
#[derive(Debug)]
struct Gap {
    from: u64,
    to: u64,
    place: Place,
}

impl Verifier {
    /// Verifies by these keys, and against these checkpoints.
    pub fn new(keys: Vec<VerifierKey>, anchored: Anchored) -> Self {
        Self {
            keys: Keys::new(keys),
            anchored,
            file: String::new(),
            number: 0,
            at: Place::default(),
            next: None,
            last: Hash::ZERO,
            tree: None,
            met: None,
            suspect: None,
            torn: Vec::new(),
            removed: Vec::new(),
            vouched: None,
            gaps: Vec::new(),
            current: None,
            signer: None,
            summary: Summary::default(),
        }
    }

    /// Demands that this key signs the end of the log, or has itself handed it over: what another known key signed counts as
    /// what came before.
    #[must_use]
    pub fn ending_with(self, key: VerifierKey) -> Self {
        let current = Some(key);
        Self { current, ..self }
    }

    /// Begins the next file.
    pub fn begin_file(&mut self, name: &str) {
        name.clone_into(&mut self.file);
        self.number = 0;
    }

    /// Takes the next line, without its line end.
    pub fn line(&mut self, text: &[u8]) {
        self.number += 1;
        let place = Place {
            file: self.file.clone(),
            line: self.number,
        };
        let Some(head) = Head::of(text) else {
            match self.next {
                None => {
                    self.summary.unchained += 1;
                    self.at = place;
                }
                Some(_) => match Torn::of(text) {
                    Some(torn) if self.torn.len() < MAX_TORN => self.torn.push((torn, place)),
                    _ => {
                        self.unexplained();
                        self.report(&place, ProblemKind::PutIn);
                    }
                },
            }
            return;
        };
        let own = head.own();
        self.explain(own.as_ref());
        match self.next {
            None => self.begin(&head, own.as_ref(), &place),
            Some(next) if head.seq != next => self.out_of_order(&head, next, own.as_ref(), &place),
            Some(_) => self.link(&head, &place),
        }
        match &own {
            Some(Own::Checkpoint { note }) => self.checkpoint(note, &head, &place),
            Some(Own::Opened(opened)) => self.opened(opened, &place),
            Some(Own::Removed(removed)) => self.removed(removed, head.seq, &place),
            Some(Own::Unreadable) => self.report(&place, ProblemKind::Changed),
            None => {}
        }
        self.push(Hash::of_line(text), head.seq, place);
    }

    /// What was found, after the last line.
    pub fn finish(mut self) -> Summary {
        self.unexplained();
        if let Some((_, this)) = self.suspect.take() {
            self.report(&this, ProblemKind::ChangedOrBefore);
        }
        let size = self.next.unwrap_or(0);
        self.summary.size = size;
        self.unexplained_gaps();
        if let (Some(current), Some((signer, place))) = (&self.current, self.signer.clone())
            && signer != *current
            && !self.keys.has_given_up(current)
        {
            self.report(&place, ProblemKind::NotCurrent(signer));
        }
        let place = self.at.clone();
        match self.anchored.largest() {
            Some(anchored) if anchored > size => {
                let last = size.saturating_sub(1);
                self.report(&place, ProblemKind::Cut { last, anchored });
            }
            // The root over the largest number of lines stands for all lines before it, those that are not at hand too.
            Some(anchored) if self.met != Some(anchored) && self.summary.problems.is_empty() => {
                self.report(&place, ProblemKind::Unanchored(anchored));
            }
            _ => {}
        }
        if self.next.is_some() && self.summary.checkpoints == 0 && self.met.is_none() {
            self.report(&place, ProblemKind::Unsigned);
        }
        self.summary
    }

    /// The first line of the chain that is at hand.
    fn begin(&mut self, head: &Head<'_>, own: Option<&Own>, place: &Place) {
        let opens = matches!(own, Some(Own::Opened(_)));
        if head.seq > 0 && (!opens || self.summary.unchained > 0) {
            // Each file begins with a record, so what stood here before this line is gone or was changed.
            let kind = match self.summary.unchained {
                0 => ProblemKind::Missing {
                    from: 0,
                    to: head.seq - 1,
                },
                _ => ProblemKind::PutIn,
            };
            let before = match kind {
                ProblemKind::PutIn => self.at.clone(),
                _ => place.clone(),
            };
            self.report(&before, kind);
        }
        self.removed.clear();
        self.summary.first = Some(head.seq);
        self.last = head.prev;
        self.tree = match own {
            Some(Own::Opened(opened)) => Tree::of(head.seq, opened.peaks.clone()),
            _ if head.seq == 0 => Some(Tree::default()),
            _ => None,
        };
        if head.seq > 0 {
            self.meet(place);
        }
        // What the record itself says does not fit.
        if (opens && self.tree.is_none()) || (head.seq == 0) != (head.prev == Hash::ZERO) {
            self.report(place, ProblemKind::Changed);
        }
    }

    fn out_of_order(&mut self, head: &Head<'_>, next: u64, own: Option<&Own>, place: &Place) {
        self.settle(false);
        // What was said before a break is vouched for by nothing after it.
        self.removed.clear();
        let kind = match head.seq {
            0 if matches!(own, Some(Own::Opened(_))) => ProblemKind::Restarted,
            seq if seq > next => ProblemKind::Missing {
                from: next,
                to: seq - 1,
            },
            seq => ProblemKind::Misplaced {
                seq,
                expected: next,
            },
        };
        // A file's first record holds the tree over what is missing before it. The next checkpoint vouches for it, or not.
        self.tree = match (&kind, own) {
            (ProblemKind::Missing { .. }, Some(Own::Opened(opened))) => {
                Tree::of(head.seq, opened.peaks.clone())
            }
            _ => None,
        };
        // Retention removes whole files: one before the gap ends with a checkpoint, and the one after it says what was there.
        match kind {
            ProblemKind::Missing { from, to }
                if self.tree.is_some()
                    && self.vouched.is_some_and(|at| at + 1 == next)
                    && self.gaps.len() < MAX_GAPS =>
            {
                let place = place.clone();
                let before = self.summary.problems.len();
                self.gaps.push((before, Gap { from, to, place }));
            }
            kind => self.report(place, kind),
        }
    }

    /// Reports the gaps that no record of retention explains, each among the problems where it belongs.
    fn unexplained_gaps(&mut self) {
        let removed = self.summary.retention.as_ref().map(|it| it.to);
        for (before, Gap { from, to, place }) in std::mem::take(&mut self.gaps).into_iter().rev() {
            if removed.is_none_or(|removed| to > removed) {
                let kind = ProblemKind::Missing { from, to };
                self.summary
                    .problems
                    .insert(before, Problem { place, kind });
            }
        }
        self.summary.problems.truncate(MAX_PROBLEMS);
    }

    fn link(&mut self, head: &Head<'_>, place: &Place) {
        let fits = head.prev == self.last;
        let before = self.suspect.is_some();
        self.settle(fits);
        if !fits && !before {
            self.suspect = Some((self.at.clone(), place.clone()));
        }
    }

    /// Decides which of two lines was changed. `fits`: the next line holds the hash of the later one.
    fn settle(&mut self, fits: bool) {
        if let Some((before, this)) = self.suspect.take() {
            let changed = if fits { before } else { this };
            self.report(&changed, ProblemKind::Changed);
        }
    }

    fn checkpoint(&mut self, note: &str, head: &Head<'_>, place: &Place) {
        let (checkpoint, signer, gives_up) = match self.keys.open(note) {
            Ok(opened) => opened,
            Err(error) => return self.report(place, ProblemKind::Checkpoint(error)),
        };
        if checkpoint.size != head.seq {
            let seq = checkpoint.size;
            let expected = head.seq;
            return self.report(place, ProblemKind::Misplaced { seq, expected });
        }
        // Only what the note says and what stands before the record may stand in it: nothing vouches for more.
        let own = Own::Checkpoint {
            note: note.to_owned(),
        };
        let canonical = serde_json::to_vec(&own).unwrap_or_default();
        if canonical.strip_prefix(b"{") != Some(head.rest) {
            return self.report(place, ProblemKind::Changed);
        }
        let good = checkpoint.next_key.as_ref().unwrap_or(&signer);
        self.signer = Some((good.clone(), place.clone()));
        let fits = self
            .tree
            .as_ref()
            .is_some_and(|tree| tree.root() == checkpoint.root);
        if self.tree.is_some() {
            if !fits && self.suspect.is_none() {
                let after = self.summary.last_checkpoint.as_ref();
                let after = after.map_or(0, |(_, size)| size.saturating_sub(1));
                return self.report(place, ProblemKind::Rewritten { after });
            }
            // If the lines before it are as they were, it is this line that holds a wrong hash.
            self.settle(!fits);
        }
        if let (Some(from), Some(to)) = (gives_up.then_some(signer), checkpoint.next_key) {
            let (line, time) = (head.seq, checkpoint.time.clone());
            self.summary.key_changes.push(KeyChange {
                line,
                time,
                from,
                to,
            });
        }
        if !fits {
            // It was compared with nothing, or with other lines: it vouches for none.
            self.removed.clear();
            return;
        }
        self.summary.checkpoints += 1;
        self.vouched = Some(head.seq);
        for (said_at, Removed { to, why, .. }) in self.removed.drain(..) {
            let known = self.summary.retention.as_ref();
            if known.is_none_or(|known| known.to < to) {
                self.summary.retention = Some(Retention {
                    to,
                    said_at,
                    why,
                    checkpoint: checkpoint.size,
                });
            }
        }
        self.summary.last_checkpoint = Some((checkpoint.time, checkpoint.size));
    }

    fn opened(&mut self, opened: &Opened, place: &Place) {
        let differs = |tree: &Tree| tree.peaks() != opened.peaks;
        if self.suspect.is_none() && self.tree.as_ref().is_some_and(differs) {
            self.report(place, ProblemKind::Changed);
        }
    }

    /// Takes what a record says of a removed file, if it can be true. It counts once a checkpoint vouches for the record.
    fn removed(&mut self, removed: &Removed, seq: u64, place: &Place) {
        match removed.from <= removed.to && removed.to < seq {
            true => self.removed.push((seq, removed.clone())),
            false => self.report(place, ProblemKind::Changed),
        }
    }

    fn push(&mut self, hash: Hash, seq: u64, place: Place) {
        if let Some(tree) = &mut self.tree {
            tree.push(hash);
            self.meet(&place);
        }
        self.last = hash;
        self.next = Some(seq + 1);
        self.summary.lines += 1;
        self.at = place;
    }

    /// Compares the tree with the anchored checkpoint over as many lines, where there is one.
    fn meet(&mut self, place: &Place) {
        let Some(tree) = &self.tree else {
            return;
        };
        let size = tree.size();
        if let Some(root) = self.anchored.root(size) {
            if root == tree.root() {
                self.summary.anchors_met += 1;
                self.met = Some(size);
            } else if self.suspect.is_none() && self.summary.problems.is_empty() {
                self.report(place, ProblemKind::Anchor(size));
            }
        }
    }

    /// Lines that are none of the chain are explained by a record after them that says that they were cut off.
    fn explain(&mut self, own: Option<&Own>) {
        if let Some(Own::Opened(opened)) = own
            && opened
                .torn
                .iter()
                .eq(self.torn.iter().map(|(torn, _)| torn))
        {
            self.summary.torn += self.torn.len() as u64;
            self.torn.clear();
        }
        self.unexplained();
    }

    fn unexplained(&mut self) {
        for (_, place) in std::mem::take(&mut self.torn) {
            self.report(&place, ProblemKind::PutIn);
        }
    }

    fn report(&mut self, place: &Place, kind: ProblemKind) {
        if self.summary.problems.len() < MAX_PROBLEMS {
            let place = place.clone();
            self.summary.problems.push(Problem { place, kind });
        }
    }
}

#[cfg(test)]
mod tests;
