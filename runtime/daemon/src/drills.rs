//! Drills as the gateway knows them: that one began, and that it ended. A drill that does not say that it ends has ended
//! when its time is over.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_telemetry::call_log::CallLogWriter;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::actor::Actor;

/// The longest time that a drill may take.
pub const LONGEST: Duration = Duration::from_secs(600);
/// The most drills at a time.
const MOST: usize = 8;
/// The longest name or outcome, in bytes.
const LONGEST_TEXT: usize = 64;

/// A drill that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillLease {
    /// Its number, with which its end is told.
    pub id: u64,
}

/// The drills under way.
#[derive(Debug, Default)]
pub(crate) struct Drills {
    /// The number of the last one, and those under way with their names.
    under_way: Mutex<(u64, Vec<(u64, String)>)>,
}

impl Drills {
    /// Records that a drill begins. It ends by itself after `period`.
    ///
    /// # Errors
    ///
    /// The name or the period is none that a drill has, or too many are under way.
    pub(crate) fn begin(
        self: &Arc<Self>,
        call_log: &Arc<CallLogWriter>,
        name: &str,
        period: Duration,
        by: &Actor,
    ) -> Result<DrillLease, String> {
        word("name", name)?;
        if period.is_zero() || period > LONGEST {
            return Err(format!("a drill takes at most {LONGEST:?}"));
        }
        let mut under_way = self.under_way.lock();
        if under_way.1.len() >= MOST {
            return Err(format!(
                "{MOST} drills are under way, as many as there may be"
            ));
        }
        under_way.0 += 1;
        let id = under_way.0;
        under_way.1.push((id, name.to_owned()));
        drop(under_way);
        let detail = json!({ "drill": name, "drill_id": id, "for_s": period.as_secs() });
        call_log.operator_always("drill-began", by.sign(detail));
        let (drills, call_log, by) = (Arc::downgrade(self), call_log.clone(), by.clone());
        tokio::spawn(async move {
            tokio::time::sleep(period).await;
            if let Some(drills) = drills.upgrade() {
                // One that told its end is not there any more.
                let _ = drills.end(&call_log, id, "its time was over", &by);
            }
        });
        Ok(DrillLease { id })
    }

    /// Records that a drill has ended.
    ///
    /// # Errors
    ///
    /// No such drill is under way.
    pub(crate) fn end(
        &self,
        call_log: &CallLogWriter,
        id: u64,
        outcome: &str,
        by: &Actor,
    ) -> Result<(), String> {
        word("outcome", outcome)?;
        let mut under_way = self.under_way.lock();
        let at = under_way.1.iter().position(|(one, _)| *one == id);
        let at = at.ok_or_else(|| format!("no drill {id} is under way"))?;
        let (_, name) = under_way.1.remove(at);
        let detail = json!({ "drill": name, "drill_id": id, "outcome": outcome });
        call_log.operator_always("drill-ended", by.sign(detail));
        Ok(())
    }
}

/// Checks a text that is recorded.
fn word(what: &str, text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "- ,".contains(c);
    match text {
        _ if text.is_empty() || text.len() > LONGEST_TEXT => Err(format!(
            "the {what} of a drill has 1 to {LONGEST_TEXT} bytes"
        )),
        _ if !text.chars().all(fits) => Err(format!(
            "the {what} of a drill is letters, digits, `-` and blanks"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Destination;
    use sandgate_config::Files;
    use sandgate_telemetry::call_log::{CallLogParts, CallLogTarget};

    use super::*;

    #[tokio::test]
    async fn a_drill_that_says_nothing_ends_when_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.jsonl");
        let files = Files::in_folder(folder.path());
        let to = Destination::File(file.clone());
        let log = Arc::new(CallLogWriter::to(
            CallLogTarget::open(&to, &files, CallLogParts::default()).unwrap(),
        ));
        let drills = Arc::<Drills>::default();
        let by = Actor::at_socket(7);
        let begin = |name: &str, period| drills.begin(&log, name, period, &by);
        let (told, silent) = (
            begin("stop", Duration::from_millis(200)).unwrap(),
            begin("key-out", Duration::from_millis(200)).unwrap(),
        );
        drills.end(&log, told.id, "as expected", &by).unwrap();
        assert!(drills.end(&log, told.id, "as expected", &by).is_err());
        while drills
            .under_way
            .lock()
            .1
            .iter()
            .any(|(id, _)| *id == silent.id)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(drills.end(&log, silent.id, "as expected", &by).is_err());
        let lines = std::fs::read_to_string(&file).unwrap();
        let told: Vec<_> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| {
                (
                    line["action"].clone(),
                    line["drill"].clone(),
                    line["outcome"].clone(),
                )
            })
            .collect();
        let none = serde_json::Value::Null;
        assert_eq!(
            told,
            [
                (json!("drill-began"), json!("stop"), none.clone()),
                (json!("drill-began"), json!("key-out"), none),
                (json!("drill-ended"), json!("stop"), json!("as expected")),
                (
                    json!("drill-ended"),
                    json!("key-out"),
                    json!("its time was over")
                ),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_no_drill_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path());
        let log = Arc::new(CallLogWriter::to(
            CallLogTarget::open(&Destination::None, &files, CallLogParts::default()).unwrap(),
        ));
        let drills = Arc::<Drills>::default();
        let by = Actor::at_socket(7);
        let second = Duration::from_secs(1);
        for (name, period) in [
            ("", second),
            ("a\nb", second),
            ("stop", Duration::ZERO),
            ("stop", LONGEST + second),
        ] {
            assert!(drills.begin(&log, name, period, &by).is_err(), "{name:?}");
        }
        for _ in 0..MOST {
            drills.begin(&log, "stop", second, &by).unwrap();
        }
        assert!(drills.begin(&log, "stop", second, &by).is_err());
    }
}
