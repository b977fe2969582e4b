#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::CheckpointError;
use crate::chain::{Chain, each_line};
use crate::key::SigningKey;

const TIME: &str = "2026-01-02T03:04:05Z";

/// A log as the gateway writes it: a record at the beginning of each file, checkpoints, and one at the end.
struct Log {
    key: SigningKey,
    chain: Chain,
    files: Vec<Vec<u8>>,
    notes: Vec<String>,
}

impl Log {
    fn new() -> Self {
        Self {
            key: SigningKey::generate("gateway").unwrap(),
            chain: Chain::default(),
            files: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn write(&mut self, stamped: &crate::chain::Stamped) {
        self.files.last_mut().unwrap().extend(&stamped.text);
        self.chain.add(stamped);
    }

    fn open(&mut self) -> &mut Self {
        self.files.push(Vec::new());
        let opened = self.chain.opened("sandgate", &self.key, TIME.into());
        self.write(&opened);
        self
    }

    fn lines(&mut self, count: usize) -> &mut Self {
        for n in 0..count {
            let line = format!("{{\"record\":\"ended\",\"target\":\"tool {n}\"}}\n");
            let stamped = self.chain.stamp(line.as_bytes());
            self.write(&stamped);
        }
        self
    }

    fn checkpoint(&mut self) -> &mut Self {
        let (stamped, note) = self.chain.checkpoint(&self.key, TIME.into());
        self.write(&stamped);
        self.notes.push(note);
        self
    }

    /// Two files, of 12 and 12 lines.
    fn of_two_files() -> Self {
        let mut log = Self::new();
        log.open().lines(6).checkpoint().lines(3).checkpoint();
        log.open().lines(5).checkpoint().lines(4).checkpoint();
        log
    }

    fn keys(&self) -> Vec<VerifierKey> {
        vec![self.key.verifier().clone()]
    }

    fn all(&self) -> Vec<Vec<u8>> {
        let lines = |file: &Vec<u8>| -> Vec<Vec<u8>> {
            let lines = file.split_inclusive(|byte| *byte == b'\n');
            lines.map(|line| line[..line.len() - 1].to_vec()).collect()
        };
        self.files.iter().flat_map(lines).collect()
    }

    fn anchored(&self) -> Anchored {
        Anchored::read(&self.notes.join("\n"), &self.keys()).unwrap()
    }
}

fn verify(lines: &[Vec<u8>], keys: Vec<VerifierKey>, anchored: Anchored) -> Summary {
    let mut verifier = Verifier::new(keys, anchored);
    verifier.begin_file("log");
    for line in lines {
        verifier.line(line);
    }
    verifier.finish()
}

#[test]
fn a_log_as_it_was_written_is_verified() {
    let log = Log::of_two_files();
    let found = verify(&log.all(), log.keys(), log.anchored());
    assert_eq!(found.problems, []);
    assert_eq!(
        (found.lines, found.checkpoints, found.anchors_met),
        (24, 4, 4)
    );
    assert_eq!(found.last_checkpoint, Some((TIME.into(), 23)));
    // The second file alone: what came before it is not at hand, and its root is.
    let found = verify(&log.all()[12..], log.keys(), log.anchored());
    assert_eq!(
        (found.problems, found.first, found.checkpoints),
        (vec![], Some(12), 2)
    );
}

#[test]
fn each_change_is_named_at_its_line() {
    let log = Log::of_two_files();
    let whole = log.all();
    let last = whole.len() - 1;
    for index in 0..=last {
        // Edited: any one byte.
        for byte in 0..whole[index].len() {
            let mut lines = whole.clone();
            lines[index][byte] ^= 1;
            let found = verify(&lines, log.keys(), Anchored::default());
            // Nothing stands after the last line to hold it. If it is no checkpoint any more, it is not one that counts.
            let end = found.last_checkpoint.as_ref().map(|(_, size)| *size);
            if index == last && found.problems.is_empty() && end < Some(last as u64) {
                continue;
            }
            let first = found.problems.first();
            let first = first.unwrap_or_else(|| panic!("line {index} byte {byte}: nothing"));
            let named = first.place.line;
            let text = String::from_utf8_lossy(&lines[index]);
            assert_eq!(named, index as u64 + 1, "byte {byte}: {first}\n{text}");
        }
        // Dropped: the line after it is named, or only the anchor knows.
        let mut lines = whole.clone();
        lines.remove(index);
        let found = verify(&lines, log.keys(), Anchored::default());
        match index {
            _ if index == last => {
                assert_eq!(found.problems, []);
                let found = verify(&lines, log.keys(), log.anchored());
                assert_eq!(
                    found.problems,
                    [],
                    "the checkpoint itself is no line that it counts"
                );
            }
            _ => assert_eq!(found.problems[0].place.line, index as u64 + 1),
        }
        // Swapped with the next.
        if index < last {
            let mut lines = whole.clone();
            lines.swap(index, index + 1);
            let found = verify(&lines, log.keys(), Anchored::default());
            let named = found.problems[0].place.line;
            assert!(
                named == index as u64 + 1 || (index == 0 && named == 2),
                "{index}: {named}"
            );
        }
    }
}

#[test]
fn a_tail_that_was_cut_is_seen_against_the_anchor_alone() {
    let log = Log::of_two_files();
    let lines = &log.all()[..17];
    assert_eq!(verify(lines, log.keys(), Anchored::default()).problems, []);
    let found = verify(lines, log.keys(), log.anchored());
    let kind = ProblemKind::Cut {
        last: 16,
        anchored: 23,
    };
    assert_eq!(found.problems[0].kind, kind);
    assert_eq!(found.problems[0].place.line, 17);
}

#[test]
fn a_log_written_anew_from_a_line_on_does_not_fit_its_checkpoints() {
    // Whoever has no key can compute all hashes anew, and keep the signed notes.
    let log = Log::of_two_files();
    let mut forged = Log::new();
    forged.open().lines(2);
    let line = forged
        .chain
        .stamp(b"{\"record\":\"ended\",\"target\":\"harmless\"}");
    forged.write(&line);
    forged.lines(3);
    let own = Own::Checkpoint {
        note: log.notes[0].clone(),
    };
    let stamped = forged.chain.stamp(&serde_json::to_vec(&own).unwrap());
    forged.write(&stamped);
    let found = verify(&forged.all(), log.keys(), Anchored::default());
    assert_eq!(found.problems[0].kind, ProblemKind::Rewritten { after: 0 });
    // With a key of its own, it is a foreign key's.
    let mut forged = Log::new();
    forged.open().lines(6).checkpoint();
    let found = verify(&forged.all(), log.keys(), Anchored::default());
    assert!(matches!(
        found.problems[0].kind,
        ProblemKind::Checkpoint(CheckpointError::Signature(_))
    ));
    assert_eq!(found.problems[0].place.line, 8);
    // Without checkpoints, the anchor tells.
    let mut forged = Log::new();
    forged.open().lines(7);
    let found = verify(&forged.all(), log.keys(), log.anchored());
    assert_eq!(found.problems[0].kind, ProblemKind::Anchor(7));
}

#[test]
fn a_log_that_begins_after_all_that_is_signed_is_not_verified() {
    // Whoever has no key can begin a chain at any number, with any tree before it.
    let log = Log::of_two_files();
    let mut forged = Log::new();
    let peaks: Vec<Hash> = (0..4).map(|n| Hash::of_line(&[n])).collect();
    forged.chain = Chain::of(Tree::of(27, peaks).unwrap(), Hash::of_line(b"x"));
    forged.open().lines(5);
    let found = verify(&forged.all(), log.keys(), log.anchored());
    assert_eq!(found.problems[0].kind, ProblemKind::Unanchored(23));
    let found = verify(&forged.all(), log.keys(), Anchored::default());
    assert_eq!(found.problems[0].kind, ProblemKind::Unsigned);
    // Written anew from a line on, without the checkpoints that followed.
    let mut forged = Log::new();
    forged.files.push(log.files[0].clone());
    forged.chain = Chain::resume(None, &log.files[0][..]).unwrap().chain;
    forged.open().lines(30);
    let found = verify(&forged.all(), log.keys(), log.anchored());
    assert_eq!(found.problems[0].kind, ProblemKind::Anchor(18));
    // A log's beginning that is not at hand is vouched for by the checkpoint after it.
    let found = verify(&log.all()[12..], log.keys(), log.anchored());
    assert_eq!(found.problems, []);
}

#[test]
fn what_was_put_in_is_not_taken_for_what_a_kill_cut_off() {
    let mut log = Log::new();
    log.open().lines(3);
    let mut file = log.files[0].clone();
    file.extend(b"{\"record\":\"ended\",\"id\":\"forged\"}\n");
    let tail = Chain::resume(None, &file[..]).unwrap();
    assert_eq!(tail.broken, Some(5));
    let opened = tail.opened("sandgate", &log.key, TIME.into());
    let mut chain = tail.chain;
    chain.add(&opened);
    file.extend(&opened.text);
    file.extend(&chain.checkpoint(&log.key, TIME.into()).0.text);
    let mut verifier = Verifier::new(log.keys(), Anchored::default());
    verifier.begin_file("log");
    each_line(&file[..], |line| verifier.line(line)).unwrap();
    let problems = verifier.finish().problems;
    assert_eq!(
        (&problems[0].kind, problems[0].place.line),
        (&ProblemKind::PutIn, 5)
    );
}

#[test]
fn a_chain_that_was_saved_counts_with_the_keys_signature_alone() {
    let mut log = Log::new();
    log.open().lines(5);
    let saved = log.chain.saved();
    let signature = saved.sign("file 1:2", &log.key);
    assert!(saved.is_signed("file 1:2", log.key.verifier(), &signature));
    assert!(!saved.is_signed("file 1:3", log.key.verifier(), &signature));
    log.lines(1);
    let other = log.chain.saved();
    assert!(!other.is_signed("file 1:2", log.key.verifier(), &signature));
}

#[test]
fn a_line_cut_off_by_a_kill_is_explained_by_the_record_after_it() {
    let mut log = Log::new();
    log.open().lines(3);
    let half = b"{\"seq\":4,\"prev\":\"00".to_vec();
    let mut file = log.files[0].clone();
    file.extend(&half);
    let saved = Some(Chain::default().saved());
    for saved in [None, saved] {
        let tail = Chain::resume(saved, &file[..]).unwrap();
        assert_eq!((tail.chain.size(), tail.broken), (4, None));
        let opened = tail.opened("sandgate", &log.key, TIME.into());
        let mut chain = tail.chain;
        chain.add(&opened);
        let (checkpoint, _) = chain.checkpoint(&log.key, TIME.into());
        let mut whole = file.clone();
        whole.push(b'\n');
        whole.extend(&opened.text);
        whole.extend(&checkpoint.text);
        let mut verifier = Verifier::new(log.keys(), Anchored::default());
        verifier.begin_file("log");
        each_line(&whole[..], |line| verifier.line(line)).unwrap();
        let found = verifier.finish();
        assert_eq!((found.problems, found.torn, found.lines), (vec![], 1, 6));
        // Another rest in its place is not explained.
        let text = String::from_utf8(whole)
            .unwrap()
            .replacen("\"00\n", "\"01\n", 1);
        let mut verifier = Verifier::new(log.keys(), Anchored::default());
        verifier.begin_file("log");
        each_line(text.as_bytes(), |line| verifier.line(line)).unwrap();
        assert_eq!(verifier.finish().problems[0].kind, ProblemKind::PutIn);
    }
}

#[test]
fn a_chain_goes_on_from_what_was_saved_and_from_what_was_written_after_it() {
    let mut log = Log::new();
    log.open().lines(5);
    let saved = log.chain.saved();
    let kept = serde_json::to_string(&saved).unwrap();
    log.lines(4);
    let end = log.chain.clone();
    let tail = Chain::resume(
        Some(serde_json::from_str(&kept).unwrap()),
        &log.files[0][..],
    )
    .unwrap();
    assert_eq!((tail.chain, tail.broken), (end.clone(), None));
    // Rotated away: only what was saved is known.
    let tail = Chain::resume(Some(end.saved()), &b""[..]).unwrap();
    assert_eq!(tail.chain, end);
    // Rotated, and the saved chain is lost: what the file says of itself is not believed.
    log.open().lines(2);
    let tail = Chain::resume(None, &log.files[1][..]).unwrap();
    assert_eq!((tail.chain.size(), tail.broken), (0, Some(1)));
    // A line was changed meanwhile.
    let text = String::from_utf8(log.files[0].clone())
        .unwrap()
        .replace("tool 1", "tool 7");
    let tail = Chain::resume(None, text.as_bytes()).unwrap();
    assert_eq!(tail.broken, Some(4));
}

/// Three files of ten lines; after the second one the first is removed, and the third says so.
fn with_retention(covered: bool) -> Log {
    let mut log = Log::new();
    log.open().lines(8).checkpoint();
    log.open().lines(8).checkpoint();
    log.open().lines(2);
    let removed = Removed {
        time: TIME.into(),
        file: "log.1".into(),
        from: 0,
        to: 9,
        why: "max-files".into(),
    };
    let stamped = log.chain.removed(&removed);
    log.write(&stamped);
    log.lines(3);
    if covered {
        log.checkpoint();
    }
    log
}

#[test]
fn what_retention_removed_is_told_apart_from_what_somebody_removed() {
    let log = with_retention(true);
    let all = log.all();
    let found = verify(&all[10..], log.keys(), log.anchored());
    let retention = found.retention.unwrap();
    assert_eq!((found.problems, found.first), (vec![], Some(10)));
    assert_eq!(
        (retention.to, retention.said_at, retention.checkpoint),
        (9, 23, 27)
    );
    // More than that was removed: what is said is how far retention went.
    let found = verify(&all[20..], log.keys(), log.anchored());
    assert_eq!((found.first, found.retention.unwrap().to), (Some(20), 9));
    // A gap that retention explains is none, since a file from before it is at hand again.
    let mut log = with_retention(true);
    let removed = Removed {
        time: TIME.into(),
        file: "log.2".into(),
        from: 10,
        to: 19,
        why: "keep".into(),
    };
    let stamped = log.chain.removed(&removed);
    log.write(&stamped);
    log.checkpoint();
    let all = log.all();
    let kept = [&all[..10], &all[20..]].concat();
    let found = verify(&kept, log.keys(), log.anchored());
    assert_eq!(found.problems, []);
    // Lines that retention did not remove are a gap.
    let gap = [&all[..20], &all[22..]].concat();
    let found = verify(&gap, log.keys(), log.anchored());
    assert_eq!(
        found.problems[0].kind,
        ProblemKind::Missing { from: 20, to: 21 }
    );
}

#[test]
fn a_record_of_retention_counts_once_a_checkpoint_vouches_for_it() {
    // Whoever has no key can append a record that fits the chain, and remove what it names.
    let log = with_retention(false);
    let found = verify(&log.all()[10..], log.keys(), Anchored::default());
    assert_eq!(found.retention, None);
    let mut log = with_retention(true);
    let removed = Removed {
        time: TIME.into(),
        file: "log.9".into(),
        from: 10,
        to: 99,
        why: "keep".into(),
    };
    let stamped = log.chain.removed(&removed);
    log.write(&stamped);
    log.checkpoint();
    let found = verify(&log.all(), log.keys(), Anchored::default());
    assert_eq!(found.problems[0].kind, ProblemKind::Changed);
}

/// A log whose key hands it over after its first file, and the former key.
fn handed_over() -> (Log, SigningKey, VerifierKey) {
    let mut log = Log::new();
    log.open().lines(4).checkpoint().lines(2);
    let next = SigningKey::generate("gateway.next").unwrap();
    let (stamped, note) = log.chain.hand_over(&log.key, &next, TIME.into());
    log.write(&stamped);
    log.notes.push(note);
    let new = next.verifier().clone();
    let old = std::mem::replace(&mut log.key, next);
    log.lines(3).checkpoint();
    log.open().lines(2).checkpoint();
    (log, old, new)
}

#[test]
fn a_log_is_followed_from_key_to_key() {
    let (log, old, new) = handed_over();
    let old = old.verifier().clone();
    let anchored = Anchored::read(&log.notes.join("\n"), std::slice::from_ref(&old)).unwrap();
    let found = verify(&log.all(), vec![old.clone()], anchored);
    assert_eq!(
        (found.problems, found.checkpoints, found.anchors_met),
        (vec![], 4, 4)
    );
    let [change] = &found.key_changes[..] else {
        panic!("{:?}", found.key_changes);
    };
    assert_eq!((&change.from, &change.to, change.line), (&old, &new, 8));
    // With the new one alone what the old one signed does not count, and that is said.
    let found = verify(&log.all(), vec![new.clone()], Anchored::default());
    assert!(matches!(
        found.problems[0].kind,
        ProblemKind::Checkpoint(CheckpointError::Signature(_))
    ));
    let found = verify(&log.all(), vec![old, new], Anchored::default());
    assert_eq!(found.problems, []);
}

#[test]
fn a_key_that_was_given_up_signs_nothing_more() {
    // Somebody has the old key, after the log was handed over.
    let mut log = Log::new();
    log.open().lines(2).checkpoint();
    let next = SigningKey::generate("gateway").unwrap();
    let (stamped, _) = log.chain.hand_over(&log.key, &next, TIME.into());
    log.write(&stamped);
    log.lines(2).checkpoint();
    for keys in [
        log.keys(),
        vec![next.verifier().clone(), log.key.verifier().clone()],
    ] {
        let found = verify(&log.all(), keys, Anchored::default());
        assert_eq!(
            found.problems[0].kind,
            ProblemKind::Checkpoint(CheckpointError::GivenUp("gateway".into()))
        );
        assert_eq!(found.problems[0].place.line, 8);
    }
}

#[test]
fn whoever_stole_a_key_can_write_another_log_and_the_anchor_and_the_next_key_tell() {
    let (log, old, new) = handed_over();
    let key = old.verifier().clone();
    let mut forged = Log::new();
    forged.key = old;
    forged.open().lines(9).checkpoint();
    let theirs = SigningKey::generate("gateway.next").unwrap();
    let (stamped, _) = forged.chain.hand_over(&forged.key, &theirs, TIME.into());
    forged.write(&stamped);
    forged.key = theirs;
    forged.lines(2).checkpoint();
    // By the former key alone it cannot be told from the real one, but for the key to which it was handed over.
    let found = verify(&forged.all(), vec![key.clone()], Anchored::default());
    assert_eq!(found.problems, []);
    assert_ne!(found.key_changes[0].to, new);
    let anchored = Anchored::read(&log.notes.join("\n"), std::slice::from_ref(&key)).unwrap();
    let found = verify(&forged.all(), vec![key], anchored);
    assert_eq!(found.problems[0].kind, ProblemKind::Anchor(8));
    // Whoever trusts the key that was kept sees that their key is another one.
    let found = verify(&forged.all(), vec![new], Anchored::default());
    assert!(!found.problems.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A thousand changes of a log, each told: at its line, or as what only the anchor knows.
    #[test]
    fn no_change_of_a_log_goes_unseen(
        kind in 0..5_u8,
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        bit in 0..7_u8,
    ) {
        let log = Log::of_two_files();
        let mut lines = log.all();
        let at = at.index(lines.len());
        let other = other.index(lines.len());
        let whole = lines.clone();
        match kind {
            0 => {
                let byte = byte.index(lines[at].len());
                lines[at][byte] ^= 1 << bit;
            }
            1 => drop(lines.remove(at)),
            2 => lines.swap(at, other),
            3 => lines.truncate(at),
            _ => lines.insert(at, lines[other].clone()),
        }
        prop_assume!(lines != whole);
        let found = verify(&lines, log.keys(), log.anchored());
        // The last line is a checkpoint over all before it: without it, the log is whole up to there, and says so.
        let only_the_end = lines.len() >= whole.len() - 1 && lines.starts_with(&whole[..whole.len() - 1])
            && found.last_checkpoint.is_some_and(|(_, size)| size < whole.len() as u64 - 1);
        prop_assert!(!found.problems.is_empty() || only_the_end);
    }
}

/// A record with which retention would explain that lines are gone.
fn removal(from: u64, to: u64) -> Own {
    Own::Removed(Removed {
        time: TIME.into(),
        file: "log.1".into(),
        from,
        to,
        why: "keep".into(),
    })
}

/// Lines of somebody who has no key, from the line of this number on: made-up ones, and at last a signed note that they have.
fn forged(from: u64, first: &Own, end: u64, note: &str) -> Vec<Vec<u8>> {
    let mut last = Hash::of_line(b"anything");
    let mut lines = Vec::new();
    for number in from..=end {
        let own = match number {
            _ if number == from => first.clone(),
            _ if number == end => Own::Checkpoint { note: note.into() },
            _ => removal(0, from - 1),
        };
        let text = serde_json::to_string(&own).unwrap();
        let line = format!("{}{}", Head::write(number, last), &text[1..]).into_bytes();
        last = Hash::of_line(&line);
        lines.push(line);
    }
    lines
}

#[test]
fn a_record_of_retention_that_no_root_was_compared_for_explains_nothing() {
    let log = Log::of_two_files();
    // One file, which begins with the record, and ends with a genuine note whose root fits nothing that is there.
    let lines = forged(5, &removal(0, 4), 23, &log.notes[3]);
    let found = verify(&lines, log.keys(), Anchored::default());
    assert_eq!(
        found.problems[0].kind,
        ProblemKind::Missing { from: 0, to: 4 }
    );
    assert_eq!((found.retention, found.checkpoints), (None, 0));
    // The same after a file that is as it was written.
    let lines = [
        &log.all()[..12],
        &forged(15, &removal(0, 14), 23, &log.notes[3]),
    ]
    .concat();
    let found = verify(&lines, log.keys(), Anchored::default());
    assert_eq!(
        found.problems[0].kind,
        ProblemKind::Missing { from: 12, to: 14 }
    );
    assert_eq!((found.retention, found.checkpoints), (None, 2));
}

#[test]
fn what_was_said_before_a_break_is_not_vouched_for_after_it() {
    let mut log = Log::new();
    for _ in 0..5 {
        log.open().lines(8).checkpoint();
    }
    let all = log.all();
    // Somebody removes the second file, appends a record to the third one, and removes the one that does not fit it.
    let mut third = Log::new();
    third.files.push(log.files[..3].concat());
    third.chain = Chain::resume(None, &third.files[0][..]).unwrap().chain;
    let text = serde_json::to_vec(&removal(0, 19)).unwrap();
    let stamped = third.chain.stamp(&text);
    third.write(&stamped);
    let lines = [&all[..10], &third.all()[20..], &all[40..]].concat();
    let found = verify(&lines, log.keys(), Anchored::default());
    let kinds: Vec<_> = found.problems.iter().map(|it| it.kind.clone()).collect();
    let missing = |from, to| ProblemKind::Missing { from, to };
    assert_eq!(kinds, [missing(10, 19), missing(31, 39)]);
    assert_eq!(found.retention, None);
}

#[test]
fn old_lines_that_somebody_invented_are_not_taken_for_what_retention_left() {
    let log = with_retention(true);
    let all = log.all();
    let mut invented = Log::new();
    invented.key = SigningKey::generate("gateway").unwrap();
    invented.open().lines(5);
    let lines = [&invented.all()[..], &all[10..]].concat();
    let found = verify(&lines, log.keys(), log.anchored());
    assert_eq!(
        found.problems[0].kind,
        ProblemKind::Missing { from: 6, to: 9 }
    );
    // Neither are genuine ones with an invented end.
    let lines = [&all[..4], &all[10..]].concat();
    let found = verify(&lines, log.keys(), log.anchored());
    assert_eq!(
        found.problems[0].kind,
        ProblemKind::Missing { from: 4, to: 9 }
    );
}

#[test]
fn gaps_that_retention_explains_hide_no_problem_after_them() {
    // Fifteen files, of which every other one is gone, as retention says.
    let mut log = Log::new();
    for _ in 0..30 {
        log.open().lines(2).checkpoint();
    }
    log.open();
    let last = log.chain.size() - 1;
    let stamped = log
        .chain
        .stamp(&serde_json::to_vec(&removal(0, last - 1)).unwrap());
    log.write(&stamped);
    log.checkpoint().lines(3).checkpoint();
    let all = log.all();
    let (old, rest) = all.split_at(usize::try_from(last).unwrap());
    let kept = old.chunks(4).step_by(2).flatten();
    let lines: Vec<Vec<u8>> = kept.chain(rest).cloned().collect();
    let found = verify(&lines, log.keys(), log.anchored());
    assert_eq!(found.problems, []);
    let mut changed = lines;
    let at = changed.len() - 3;
    let text = String::from_utf8(changed[at].clone()).unwrap();
    changed[at] = text.replace("tool", "fool").into_bytes();
    let found = verify(&changed, log.keys(), log.anchored());
    assert_eq!(found.problems[0].kind, ProblemKind::Changed);
    assert_eq!(found.problems[0].place.line, at as u64 + 1);
}

#[test]
fn the_end_of_a_log_is_signed_by_the_current_key_or_by_one_that_it_named() {
    let (log, old, new) = handed_over();
    let by = |log: &Log, keys: &[&VerifierKey]| {
        let all: Vec<_> = keys.iter().map(|key| (*key).clone()).collect();
        let mut verifier = Verifier::new(all, Anchored::default()).ending_with(keys[0].clone());
        verifier.begin_file("log");
        for line in log.all() {
            verifier.line(&line);
        }
        verifier.finish().problems
    };
    let former = old.verifier().clone();
    assert_eq!(by(&log, &[&new, &former]), []);
    // A configuration that does not name the next key yet.
    assert_eq!(by(&log, &[&former]), []);
    // Somebody has the former key, and writes all of it anew.
    let mut stolen = Log::new();
    stolen.key = old;
    stolen.open().lines(9).checkpoint();
    let problems = by(&stolen, &[&new, &former]);
    assert_eq!(problems[0].kind, ProblemKind::NotCurrent(former.clone()));
    assert_eq!(problems[0].place.line, 11);
    let theirs = SigningKey::generate("gateway").unwrap();
    let (stamped, _) = stolen.chain.hand_over(&stolen.key, &theirs, TIME.into());
    stolen.write(&stamped);
    let problems = by(&stolen, &[&new, &former]);
    let their_key = theirs.verifier().clone();
    assert_eq!(problems[0].kind, ProblemKind::NotCurrent(their_key));
}
