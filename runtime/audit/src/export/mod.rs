//! Calls in the formats of other systems: OCSF, ECS and CEF.

mod cef;
mod ecs;
mod ocsf;
mod record;

use std::collections::BTreeMap;

pub use self::record::{CallRecord, Outcome};
use crate::record::Head;

/// The most calls that may be without an end at a time. The call log knows no bound, since the gateway has its own.
const MAX_OPEN: usize = 1 << 20;

/// The format of another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Open Cybersecurity Schema Framework 1.9: API Activity (6003), a JSON object a line.
    Ocsf,
    /// Elastic Common Schema 8.17, a JSON object a line.
    Ecs,
    /// ArcSight Common Event Format 0, a line an event.
    Cef,
}

/// Turns the lines of a call log into events, one for each call.
pub struct Exporter {
    format: Format,
    /// Whether lines that are none of a chain are passed over: nothing vouches for them.
    chained: bool,
    /// Calls that were forwarded and have not ended.
    open: BTreeMap<String, CallRecord>,
}

impl Exporter {
    /// Writes events in this format. With `chained`, lines that are none of a chain are passed over.
    pub fn new(format: Format, chained: bool) -> Self {
        Self {
            format,
            chained,
            open: BTreeMap::new(),
        }
    }

    /// The event of the call that this line ends. `None`: it ends no call.
    pub fn line(&mut self, text: &[u8]) -> Option<String> {
        if self.chained && Head::of(text).is_none() {
            return None;
        }
        let record = CallRecord::read(text)?;
        if record.outcome != Outcome::Unknown {
            self.open.remove(&record.id);
            return Some(self.write(&record));
        }
        if self.open.len() < MAX_OPEN {
            self.open.insert(record.id.clone(), record);
        }
        None
    }

    /// The events of calls that were forwarded and of whose end the log says nothing.
    pub fn finish(mut self) -> impl Iterator<Item = String> {
        let open = std::mem::take(&mut self.open);
        open.into_values().map(move |record| self.write(&record))
    }

    fn write(&self, record: &CallRecord) -> String {
        written(self.format, record)
    }
}

/// The event of the call that this line ends. `None`: it ends no call.
pub fn event(format: Format, line: &[u8]) -> Option<String> {
    let record = CallRecord::read(line)?;
    (record.outcome != Outcome::Unknown).then(|| written(format, &record))
}

fn written(format: Format, record: &CallRecord) -> String {
    match format {
        Format::Ocsf => ocsf::event(record).to_string(),
        Format::Ecs => ecs::event(record).to_string(),
        Format::Cef => cef::event(record),
    }
}

#[cfg(test)]
mod tests;
