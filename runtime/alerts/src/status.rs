//! What operators are told of alerts. Times are RFC 3339, in UTC.

use std::fmt::Write;

use sandgate_text::{grid, printable};
use serde::{Deserialize, Serialize};

/// A rule: what lasts, and how its messages fare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStatus {
    /// The rule's name.
    pub name: String,
    /// What it looks for, in the configuration's words.
    pub on: Vec<String>,
    /// Its receiver, without what may be a secret.
    pub to: String,
    /// The alerts that last, oldest first.
    pub firing: Vec<FiringAlert>,
    /// The last message, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Delivery>,
    /// Messages that wait.
    pub waiting: usize,
    /// Messages that the receiver took since the start.
    pub sent: u64,
    /// Messages that it did not take, however often it was tried.
    pub failed: u64,
    /// Messages that found no room to wait in.
    pub dropped: u64,
}

/// An alert that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiringAlert {
    /// Its id, which its messages and its records in the call log have.
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// When it was raised.
    pub since: String,
    /// What happened, in a sentence.
    pub what: String,
    /// How many there were within the rule's time when it was raised.
    pub count: u64,
    /// How many came after that.
    pub more: u64,
}

/// One message, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When that was known.
    pub at: String,
    /// Whether the receiver took it.
    pub ok: bool,
    /// What the receiver said, or why it did not take it.
    pub said: String,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// The rule's name.
    pub name: String,
    /// Its receiver, without what may be a secret.
    pub to: String,
    /// What came of the message.
    pub delivery: Delivery,
}

impl AlertStatus {
    /// The rules as text for people.
    pub fn text(all: &[Self]) -> String {
        let head = [
            "alert", "on", "to", "firing", "sent", "failed", "dropped", "last",
        ];
        let head = head.iter().map(|&word| word.to_owned()).collect();
        let rows = all.iter().map(|one| {
            vec![
                one.name.clone(),
                one.on.join(", "),
                one.to.clone(),
                one.firing.len().to_string(),
                one.sent.to_string(),
                one.failed.to_string(),
                one.dropped.to_string(),
                match &one.last {
                    None => "-".to_owned(),
                    Some(last) => format!("{} {}", last.at, last.said),
                },
            ]
        });
        let mut text = String::new();
        grid(std::iter::once(head).chain(rows).collect(), &mut text);
        for one in all {
            for firing in &one.firing {
                let more = match firing.more {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "  {} since {}: {}{more}",
                    one.name,
                    firing.since,
                    printable(&firing.what)
                );
            }
        }
        text
    }

    /// The rules in one line, for `sandgate status`.
    pub fn summary(all: &[Self]) -> String {
        let firing: usize = all.iter().map(|one| one.firing.len()).sum();
        let lost: u64 = all.iter().map(|one| one.failed + one.dropped).sum();
        let failing = all
            .iter()
            .filter(|one| one.last.as_ref().is_some_and(|last| !last.ok));
        let failing: Vec<&str> = failing.map(|one| one.name.as_str()).collect();
        let mut text = format!("{} rules, {firing} firing", all.len());
        if lost > 0 {
            let _ = write!(text, ", {lost} messages lost");
        }
        if !failing.is_empty() {
            let _ = write!(text, "; the receiver fails of {}", failing.join(", "));
        }
        text
    }
}

impl TestReport {
    /// The report as text for people.
    pub fn text(&self) -> String {
        let Self { name, to, delivery } = self;
        let how = match delivery.ok {
            true => "took the test of",
            false => "did not take the test of",
        };
        format!(
            "{} {how} {name}: {}\n",
            printable(to),
            printable(&delivery.said)
        )
    }
}
