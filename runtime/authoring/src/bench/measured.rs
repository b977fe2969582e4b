//! The results of a measurement, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use sandgate_message::Hook;
use serde_json::{Value, json};

/// The results of measuring a plugin.
pub struct Measured {
    pub(super) title: String,
    /// The time to prepare the plugin, from its file to ready: mostly compilation.
    pub(super) prepared: Duration,
    /// The times to create and drop an instance.
    pub(super) floor: Spread,
    pub(super) rows: Vec<Row>,
    /// Why no instructions were counted. `None` if they were.
    pub(super) uncounted: Option<String>,
}

/// The results of one hook on one document.
pub(super) struct Row {
    pub(super) hook: Hook,
    /// The size of the document in bytes.
    pub(super) bytes: usize,
    /// The time of the first run after the plugin was prepared.
    pub(super) first: Duration,
    /// The times of runs in instances of their own.
    pub(super) isolated: Spread,
    /// The times of isolated runs of a plugin that does nothing.
    pub(super) noop: Spread,
    /// The times of runs in one instance. Empty if no instance outlived its first run.
    pub(super) warm: Spread,
    /// The most linear memory, in bytes.
    pub(super) memory: u64,
    /// The instructions of one isolated run, including the host's part.
    pub(super) instructions: Option<u64>,
}

/// Durations, sorted.
pub(super) struct Spread(Vec<Duration>);

impl Spread {
    pub(super) fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self(all)
    }

    /// The duration at a percentile, in microseconds. `None` if there are no durations.
    fn at(&self, percent: usize) -> Option<f64> {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).map(|took| took.as_secs_f64() * 1e6)
    }
}

impl Row {
    /// The ratio to the time of doing nothing.
    fn ratio(&self) -> Option<f64> {
        Some(self.isolated.at(50)? / self.noop.at(50)?)
    }
}

impl Measured {
    /// The results for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}: prepared in {} ms; an instance alone, below which no run can come: {} µs\n",
            self.title,
            self.prepared.as_millis(),
            us(self.floor.at(50))
        );
        // If nothing is counted, the column is left out.
        let counted = self.uncounted.is_none();
        let instructions = |text: &str| match counted {
            true => format!("  {text:>12}"),
            false => String::new(),
        };
        let _ = writeln!(
            out,
            "hook       document  first µs  isolated     p99   no-op  × no-op     warm    memory{}   runs",
            instructions("instructions")
        );
        for row in &self.rows {
            let ratio = row
                .ratio()
                .map_or("-".into(), |ratio| format!("{ratio:.1}"));
            let count = row.instructions.map_or("-".into(), |n| n.to_string());
            let _ = writeln!(
                out,
                "{:<9} {:>7} B {:>9.1} {:>9} {:>7} {:>7} {ratio:>8} {:>8} {:>5} KiB{} {:>6}",
                row.hook.as_str(),
                row.bytes,
                row.first.as_secs_f64() * 1e6,
                us(row.isolated.at(50)),
                us(row.isolated.at(99)),
                us(row.noop.at(50)),
                us(row.warm.at(50)),
                row.memory >> 10,
                instructions(&count),
                row.isolated.0.len()
            );
        }
        if let Some(why) = &self.uncounted {
            let _ = writeln!(out, "\ninstructions were not counted: {why}");
        }
        out
    }

    /// The results for programs. What was not measured is null.
    pub fn as_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "hook": row.hook.as_str(),
                "bytes": row.bytes,
                "first-us": row.first.as_secs_f64() * 1e6,
                "median-us": row.isolated.at(50),
                "p99-us": row.isolated.at(99),
                "noop-us": row.noop.at(50),
                "ratio": row.ratio(),
                "warm-us": row.warm.at(50),
                "memory": row.memory,
                "instructions": row.instructions,
                "runs": row.isolated.0.len(),
            })
        });
        json!({
            "plugin": self.title,
            "prepared-ms": self.prepared.as_secs_f64() * 1e3,
            "floor-us": self.floor.at(50),
            "instructions-not-counted": self.uncounted,
            "rows": rows.collect::<Vec<_>>(),
        })
    }
}

fn us(value: Option<f64>) -> String {
    value.map_or("-".into(), |us| format!("{us:.1}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spread(us: &[u64]) -> Spread {
        Spread::of(us.iter().copied().map(Duration::from_micros).collect())
    }

    #[test]
    fn a_spread_tells_its_middle_and_its_end() {
        let spread = Spread::of((0..100).rev().map(Duration::from_micros).collect());
        assert!((spread.at(50).unwrap() - 50.0).abs() < 1e-6);
        assert!((spread.at(99).unwrap() - 99.0).abs() < 1e-6);
        assert!(Spread::of(Vec::new()).at(50).is_none());
    }

    #[test]
    fn what_was_not_measured_is_no_zero() {
        let measured = Measured {
            title: "x 1".into(),
            prepared: Duration::from_millis(3),
            floor: spread(&[5]),
            rows: vec![Row {
                hook: Hook::PreCall,
                bytes: 256,
                first: Duration::from_micros(70),
                isolated: spread(&[30]),
                noop: spread(&[10]),
                warm: spread(&[]),
                memory: 65536,
                instructions: None,
            }],
            uncounted: Some("this machine shows no counters of its processor".into()),
        };
        let text = measured.text();
        let row = text
            .lines()
            .find(|line| line.starts_with("pre-call"))
            .unwrap();
        let words: Vec<_> = row.split_whitespace().collect();
        assert_eq!(words[words.len() - 4], "-", "warm, in {row}");
        assert!(!text.contains("instructions  "), "{text}");
        assert!(row.contains(" 3.0 "), "{row}");
        assert!(text.contains("were not counted: this machine"), "{text}");
        let json = measured.as_json();
        assert!(json["rows"][0]["warm-us"].is_null());
        assert!(json["rows"][0]["instructions"].is_null());
        assert_eq!(json["rows"][0]["ratio"], 3.0);
    }
}
