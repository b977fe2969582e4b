//! Lists of calls, the last first: from the call log's file, read backwards within bounds, or from memory where there is
//! none.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

use sandgate_telemetry::call_log::{CallLogWriter, Place, backwards};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most bytes of the file that are read for one page.
const PAGE_BYTES: u64 = 8 << 20;
/// The most bytes of the file that are read for one call.
const CALL_BYTES: u64 = 64 << 20;

/// Which calls. What is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// The server's name.
    pub server: Option<String>,
    /// Part of the target, without regard to letter case.
    pub target: Option<String>,
    /// Part of the principal, or of what the client says its name is, without regard to letter case.
    pub client: Option<String>,
    /// The outcome, as the call log spells it.
    pub decision: Option<String>,
    /// No call that ended before.
    pub since: Option<SystemTime>,
}

/// A call of a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CallRow {
    record: String,
    /// When it ended.
    pub time: String,
    /// Its id.
    pub id: String,
    /// The principal.
    #[serde(default)]
    pub principal: Option<String>,
    /// What the client says of itself.
    #[serde(default)]
    pub client: Option<ClientName>,
    /// The server.
    pub server: String,
    /// The method.
    pub method: String,
    /// What the method names.
    #[serde(default)]
    pub target: Option<String>,
    /// The outcome, as the call log spells it.
    #[serde(default)]
    pub decision: String,
    /// Whether the reply is an error.
    #[serde(default)]
    pub failed: bool,
    /// Microseconds in all.
    #[serde(default)]
    pub us: u64,
    #[serde(default)]
    refused_by: Option<Rule>,
    #[serde(default)]
    trail: Runs,
}

/// What a client says its name is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClientName {
    /// The name.
    pub name: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Rule {
    code: String,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Runs {
    #[serde(default)]
    entries: Vec<Run>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Run {
    interceptor: String,
    decision: String,
    applied: bool,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    failure: Option<String>,
}

/// The members by which a record is known.
#[derive(Deserialize)]
struct Head {
    record: String,
    id: String,
}

/// What an operator did.
#[derive(Clone, Debug, Deserialize)]
pub struct Deed {
    record: String,
    /// When.
    pub time: String,
    /// What, for example `stop`.
    pub action: String,
    /// The kind of what it was done to.
    #[serde(default)]
    pub kind: Option<String>,
    /// The name of what it was done to.
    #[serde(default)]
    pub name: Option<String>,
    /// The server of what it was done to.
    #[serde(default)]
    pub server: Option<String>,
    /// The tool that it was done to, by the server's own name.
    #[serde(default)]
    pub tool: Option<String>,
    /// The alert that was tried.
    #[serde(default)]
    pub alert: Option<String>,
    /// The client as which an operator looked.
    #[serde(default)]
    pub client: Option<String>,
    /// Why, in the operator's words.
    #[serde(default)]
    pub why: Option<String>,
    /// The user.
    #[serde(default)]
    pub uid: Option<u32>,
    /// The console's session, where it was done there.
    #[serde(default)]
    pub console: Option<String>,
    /// Why it came to nothing.
    #[serde(default)]
    pub error: Option<String>,
}

impl Deed {
    /// What it was done to, such as the kind and the name, or the server and the tool.
    pub fn what(&self) -> String {
        let parts = [
            &self.kind,
            &self.name,
            &self.server,
            &self.tool,
            &self.alert,
            &self.client,
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(" ")
    }
}

/// A page of a list of calls.
#[derive(Clone, Debug, Default)]
pub struct CallPage {
    /// The calls, the last first.
    pub rows: Vec<CallRow>,
    /// Where the next page begins. `None`: there is none.
    pub next: Option<String>,
    /// Whether the page is short since as much was read as may be, and not since there is no more.
    pub cut: bool,
    /// Whether it is from the call log's file, and not from memory.
    pub from_file: bool,
}

impl CallRow {
    fn read(line: &str) -> Option<Self> {
        // Most lines are no ends of calls, and are told apart without being read.
        if !line.contains("\"record\":\"ended\"") {
            return None;
        }
        let row: Self = serde_json::from_str(line).ok()?;
        (row.record == "ended").then_some(row)
    }

    /// Who calls, as far as it is known.
    pub fn who(&self) -> &str {
        let client = self.client.as_ref().map(|client| client.name.as_str());
        self.principal.as_deref().or(client).unwrap_or_default()
    }

    /// What made the outcome: the rule, or the interceptor and its code. Empty where the call went its way.
    pub fn cause(&self) -> String {
        if let Some(rule) = &self.refused_by {
            return rule.code.clone();
        }
        let ends =
            |run: &&Run| run.applied && matches!(&*run.decision, "refuse" | "fault" | "answer");
        match self.trail.entries.iter().find(ends) {
            None => String::new(),
            Some(run) => match run.code.as_ref().or(run.failure.as_ref()) {
                Some(code) => format!("{}: {code}", run.interceptor),
                None => run.interceptor.clone(),
            },
        }
    }

    /// Whether an interceptor changed it on the way.
    pub fn changed(&self) -> bool {
        let edits = |run: &Run| run.applied && matches!(&*run.decision, "edit" | "replace");
        self.trail.entries.iter().any(edits)
    }

    /// Whether it is one of those that the filter lets through, whose parts are in lower case.
    fn fits(&self, filter: &CallFilter) -> bool {
        let within = |whole: Option<&str>, part: &Option<String>| match part {
            None => true,
            Some(part) => whole.is_some_and(|whole| whole.to_lowercase().contains(part)),
        };
        let client = self.client.as_ref().map(|client| client.name.as_str());
        filter
            .server
            .as_ref()
            .is_none_or(|server| *server == self.server)
            && filter
                .decision
                .as_ref()
                .is_none_or(|decision| *decision == self.decision)
            && within(self.target.as_deref(), &filter.target)
            && (within(self.principal.as_deref(), &filter.client) || within(client, &filter.client))
    }
}

/// Where calls are looked up.
pub(crate) struct Calls<'a>(&'a CallLogWriter);

impl<'a> Calls<'a> {
    pub(crate) fn of(call_log: &'a CallLogWriter) -> Self {
        Self(call_log)
    }

    /// A page. `after` is what an earlier page named as its next.
    pub(crate) fn page(
        &self,
        filter: &CallFilter,
        after: Option<&str>,
        most: usize,
    ) -> Result<CallPage, String> {
        let mut gather = Gather::new(filter, most);
        match self.0.file() {
            Some(file) if file.is_file() => gather.in_file(&file, after)?,
            _ => gather.in_memory(self.0, after),
        }
        Ok(gather.page)
    }

    /// What operators did, the last first, by the end of the file.
    pub(crate) fn deeds(&self, most: usize) -> Vec<Deed> {
        let mut found = Vec::new();
        if let Some(file) = self.0.file().filter(|file| file.is_file()) {
            let _ = backwards(&file, None, PAGE_BYTES, |line| {
                let deed = match line.contains("\"record\":\"operator\"") {
                    true => serde_json::from_str::<Deed>(line).ok(),
                    false => None,
                };
                found.extend(deed.filter(|deed| deed.record == "operator"));
                match found.len() < most {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            });
        }
        found
    }

    /// The records of the last call whose id has this beginning, oldest first.
    pub(crate) fn records(&self, call: &str) -> Result<Vec<Box<RawValue>>, String> {
        let Some(file) = self.0.file().filter(|file| file.is_file()) else {
            return Ok(Vec::new());
        };
        let call = call.to_ascii_lowercase();
        let id = format!("\"id\":\"{call}");
        // The whole id, once a call has this beginning.
        let mut whole: Option<String> = None;
        let mut found = Vec::new();
        let read = backwards(&file, None, CALL_BYTES, |line| {
            // What stands in a payload may look like a record's own members.
            let is_of_call = |head: &Head| match &whole {
                Some(whole) => head.id == *whole,
                None => head.id.starts_with(&call),
            };
            let head = match line.contains(&id) {
                true => serde_json::from_str::<Head>(line).ok(),
                false => None,
            };
            let head = head.filter(|head| matches!(&*head.record, "ended" | "forwarded"));
            if let Some(head) = head.filter(is_of_call)
                && let Ok(record) = RawValue::from_string(line.to_owned())
            {
                whole = Some(head.id);
                found.push(record);
            }
            match found.len() {
                2.. => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        read.map_err(|error| format!("{}: {error}", file.display()))?;
        found.reverse();
        Ok(found)
    }
}

struct Gather {
    /// Its parts are in lower case.
    filter: CallFilter,
    since: Option<String>,
    most: usize,
    page: CallPage,
}

impl Gather {
    fn new(filter: &CallFilter, most: usize) -> Self {
        let lowered = |part: &Option<String>| part.as_ref().map(|part| part.to_lowercase());
        Self {
            since: filter
                .since
                .map(|since| humantime::format_rfc3339_micros(since).to_string()),
            filter: CallFilter {
                target: lowered(&filter.target),
                client: lowered(&filter.client),
                ..filter.clone()
            },
            most,
            page: CallPage::default(),
        }
    }

    /// Takes a line where it fits. Breaks where no further one can.
    fn take(&mut self, line: &str) -> ControlFlow<()> {
        let Some(row) = CallRow::read(line) else {
            return ControlFlow::Continue(());
        };
        if self.since.as_ref().is_some_and(|since| row.time < *since) {
            return ControlFlow::Break(());
        }
        if row.fits(&self.filter) {
            self.page.rows.push(row);
        }
        match self.page.rows.len() < self.most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    fn in_file(&mut self, file: &Path, after: Option<&str>) -> Result<(), String> {
        self.page.from_file = true;
        let from = after.and_then(|after| {
            let (inode, offset) = after.strip_prefix("f-")?.split_once('-')?;
            Some(Place {
                inode: inode.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        let next = backwards(file, from, PAGE_BYTES, |line| self.take(line));
        let next = next.map_err(|error| format!("{}: {error}", file.display()))?;
        let full = self.page.rows.len() == self.most;
        // Where the time of the filter broke it off, there is no more.
        let over = self.since.is_some() && !full && next.is_some_and(|_| self.broke(file, next));
        self.page.cut = next.is_some() && !full && !over;
        self.page.next = next
            .filter(|_| !over)
            .map(|place| format!("f-{}-{}", place.inode, place.offset));
        Ok(())
    }

    /// Whether the line before this place is older than the filter's time.
    fn broke(&self, file: &Path, place: Option<Place>) -> bool {
        let mut older = false;
        let _ = backwards(file, place, 1 << 20, |line| match CallRow::read(line) {
            None => ControlFlow::Continue(()),
            Some(row) => {
                older = self.since.as_ref().is_some_and(|since| row.time < *since);
                ControlFlow::Break(())
            }
        });
        older
    }

    fn in_memory(&mut self, call_log: &CallLogWriter, after: Option<&str>) {
        let number = after.and_then(|after| after.strip_prefix("m-")?.parse().ok());
        let lines = call_log.recent().map(|recent| recent.ended_before(number));
        for (number, line) in lines.unwrap_or_default() {
            if self.take(&line).is_break() {
                if self.page.rows.len() == self.most {
                    self.page.next = Some(format!("m-{number}"));
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(n: u32, target: &str, decision: &str) -> String {
        format!(
            "{{\"record\":\"ended\",\"time\":\"2026-12-01T10:00:{n:02}.000000Z\",\"id\":\"{n:04x}\",\"principal\":\"Ada\",\
             \"server\":\"crm\",\"method\":\"tools/call\",\"target\":\"{target}\",\"decision\":\"{decision}\",\"us\":{n},\
             \"trail\":{{\"version\":1,\"entries\":[{{\"interceptor\":\"allow\",\"decision\":\"refuse\",\"applied\":true,\
             \"code\":\"x.y\"}}]}}}}"
        )
    }

    fn page(file: &Path, filter: &CallFilter, after: Option<&str>) -> CallPage {
        let mut gather = Gather::new(filter, 10);
        gather.in_file(file, after).unwrap();
        gather.page
    }

    #[test]
    fn pages_follow_each_other_and_filters_hold() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("calls.jsonl");
        let lines = (0..25).map(|n| match n % 5 {
            0 => line(n, "delete_all", "refused"),
            _ => line(n, "read", "forwarded"),
        });
        let text: Vec<String> = lines.collect();
        std::fs::write(&file, text.join("\n") + "\ntorn {\n").unwrap();
        let first = page(&file, &CallFilter::default(), None);
        let ids = |page: &CallPage| page.rows.iter().map(|row| row.us).collect::<Vec<_>>();
        assert_eq!(ids(&first), (15..25).rev().collect::<Vec<_>>());
        let second = page(&file, &CallFilter::default(), first.next.as_deref());
        assert_eq!(ids(&second), (5..15).rev().collect::<Vec<_>>());
        let last = page(&file, &CallFilter::default(), second.next.as_deref());
        assert_eq!((ids(&last).len(), last.next), (5, None));
        let refused = CallFilter {
            decision: Some("refused".into()),
            target: Some("DELETE".into()),
            client: Some("ada".into()),
            since: humantime::parse_rfc3339("2026-12-01T10:00:10Z").ok(),
            ..CallFilter::default()
        };
        let found = page(&file, &refused, None);
        assert_eq!(
            (ids(&found), found.next, found.cut),
            (vec![20, 15, 10], None, false)
        );
        assert_eq!(found.rows[0].cause(), "allow: x.y");
        let nobody = CallFilter {
            client: Some("eve".into()),
            ..CallFilter::default()
        };
        assert!(page(&file, &nobody, None).rows.is_empty());
    }

    #[test]
    fn a_deed_says_what_it_was_done_to() {
        let deed = |text: &str| serde_json::from_str::<Deed>(text).unwrap().what();
        let head = r#"{"record":"operator","time":"t","action":"a""#;
        for (rest, what) in [
            (r#","kind":"server","name":"crm""#, "server crm"),
            (r#","server":"crm","tool":"read""#, "crm read"),
            (r#","alert":"burst","uid":7"#, "burst"),
            ("", ""),
        ] {
            assert_eq!(deed(&format!("{head}{rest}}}")), what);
        }
    }
}
