//! The connections of contained servers that a running gateway remembers, and counts since the start. Beyond the bound
//! the oldest of the server that has the most is dropped: no server pushes out what another did.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use sandgate_egress::{Connection, Verdict};
use serde::{Deserialize, Serialize};

/// The most connections that are remembered, of all servers together. A line has less than 2 KiB.
const MOST: usize = 2_000;

/// The remembered connections.
#[derive(Debug, Default)]
pub struct RecentConnections(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By server, oldest first.
    lines: BTreeMap<Arc<str>, VecDeque<Line>>,
    /// The lines of all servers together.
    count: usize,
    tallies: BTreeMap<Arc<str>, EgressTally>,
}

#[derive(Debug)]
struct Line {
    id: Box<str>,
    began: SystemTime,
    /// `None`: it is open.
    ended: Option<SystemTime>,
    text: Box<str>,
}

/// The connections of one server since the start, by what became of them. Open ones do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EgressTally {
    pub allowed: u64,
    pub audited: u64,
    pub refused: u64,
    pub failed: u64,
}

impl RecentConnections {
    /// Remembers a connection. The line of its end takes the place of the one of its beginning.
    pub(crate) fn keep(&self, connection: &Connection, ended: bool, text: &str) {
        let line = Line {
            id: connection.id.as_str().into(),
            began: connection.began,
            ended: ended.then(|| connection.began + connection.took),
            text: text.trim_end().into(),
        };
        let mut kept = self.0.lock();
        let own = kept.lines.entry(connection.server.clone()).or_default();
        match own.iter_mut().rev().find(|known| known.id == line.id) {
            Some(known) => *known = line,
            None => {
                own.push_back(line);
                kept.count += 1;
            }
        }
        while kept.count > MOST {
            let most = kept.lines.values_mut().max_by_key(|lines| lines.len());
            if most.and_then(VecDeque::pop_front).is_none() {
                break;
            }
            kept.count -= 1;
        }
    }

    /// Counts a connection that has ended.
    pub(crate) fn count(&self, connection: &Connection) {
        let mut kept = self.0.lock();
        let tally = kept.tallies.entry(connection.server.clone()).or_default();
        *match connection.verdict {
            Verdict::Allowed => &mut tally.allowed,
            Verdict::Audited => &mut tally.audited,
            Verdict::Refused => &mut tally.refused,
            Verdict::Failed => &mut tally.failed,
        } += 1;
    }

    /// The counts of the server of that name.
    pub fn tally(&self, server: &str) -> EgressTally {
        let kept = self.0.lock();
        kept.tallies.get(server).copied().unwrap_or_default()
    }

    /// The lines of a server's connections that were open in a period, oldest first.
    pub fn lines(&self, server: &str, from: SystemTime, to: SystemTime) -> Vec<Box<str>> {
        let kept = self.0.lock();
        let meets = |line: &&Line| {
            let over = line.ended.is_some_and(|ended| ended < from);
            line.began <= to && !over
        };
        let lines = kept.lines.get(server).into_iter().flatten();
        let lines = lines.filter(meets);
        lines.map(|line| line.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connection(id: &str, server: &str, began: u64, took: u64, verdict: Verdict) -> Connection {
        Connection {
            id: id.into(),
            server: server.into(),
            began: SystemTime::UNIX_EPOCH + Duration::from_secs(began),
            host: None,
            port: None,
            address: None,
            sni: None,
            verdict,
            reason: None,
            up: 0,
            down: 0,
            took: Duration::from_secs(took),
            left_out: false,
            others: 0,
        }
    }

    #[test]
    fn a_connection_is_found_by_the_time_in_which_it_was_open() {
        let recent = RecentConnections::default();
        let open = connection("1", "a", 10, 0, Verdict::Allowed);
        recent.keep(&open, false, "open\n");
        let other = connection("2", "b", 10, 5, Verdict::Allowed);
        recent.keep(&other, true, "other\n");
        let found = |from: u64, to: u64| {
            let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
            let lines = recent.lines("a", at(from), at(to));
            lines
                .iter()
                .map(|line| line.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(found(100, 200), ["open"]);
        assert!(found(1, 9).is_empty());
        recent.keep(
            &connection("1", "a", 10, 20, Verdict::Allowed),
            true,
            "ended\n",
        );
        assert_eq!(found(30, 40), ["ended"]);
        assert!(found(31, 40).is_empty());
        for n in 0..MOST {
            let many = connection(&format!("m{n}"), "a", 50, 1, Verdict::Refused);
            recent.keep(&many, true, "many");
            recent.count(&many);
        }
        assert!(found(30, 40).is_empty(), "the oldest is dropped");
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        let others = recent.lines("b", at(1), at(100));
        assert_eq!(others.len(), 1, "one server's lines pushed out another's");
        assert_eq!(recent.lines("a", at(1), at(100)).len(), MOST - 1);
        let refused = MOST as u64;
        let tally = EgressTally {
            refused,
            ..EgressTally::default()
        };
        assert_eq!(recent.tally("a"), tally);
        assert_eq!(recent.tally("b"), EgressTally::default());
    }
}
