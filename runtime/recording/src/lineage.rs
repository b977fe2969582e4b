//! Remembers what was found in calls that others may continue: a value that was found where something was asked also
//! stands in the call that brings the answer.

use std::collections::{HashMap, VecDeque};

use super::detect::Value;

/// The most calls that are remembered: as many as the gateway itself remembers, 4,096 requests for input and 8,192
/// tasks.
const MOST: usize = 12_288;
/// The most bytes of all values together.
const MOST_BYTES: usize = 32 << 20;

/// The values found in the latest of these calls, by id.
#[derive(Default)]
pub(super) struct Lineage {
    found: HashMap<String, Vec<Value>>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Lineage {
    /// Everything that was found in these calls. `None` if one of them is not recorded, or was too long ago.
    pub(super) fn by(&self, follows: &[String]) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        for id in follows {
            values.extend(self.found.get(id)?.iter().cloned());
        }
        Some(values)
    }

    /// Remembers a recorded call and what was found in it.
    pub(super) fn put(&mut self, id: &str, values: Vec<Value>) {
        self.bytes += weight(id, &values);
        self.order.push_back(id.to_owned());
        self.found.insert(id.to_owned(), values);
        while self.order.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(values) = self.found.remove(&oldest) {
                self.bytes -= weight(&oldest, &values);
            }
        }
    }
}

fn weight(id: &str, values: &[Value]) -> usize {
    let text = |value: &Value| value.text.len() + value.kind.len();
    id.len() + values.iter().map(text).sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value(text: &str) -> Value {
        Value {
            text: text.into(),
            kind: "email".into(),
        }
    }

    #[test]
    fn what_was_found_in_all_that_is_continued_is_known_and_what_is_not_recorded_is_not() {
        let mut continued = Lineage::default();
        continued.put("a", vec![value("ada@corp.example")]);
        continued.put("b", vec![value("bob@corp.example")]);
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(continued.by(&ids(&["b", "a"])).unwrap().len(), 2);
        assert_eq!(continued.by(&[]), Some(Vec::new()));
        assert_eq!(continued.by(&ids(&["a", "c"])), None);
    }

    #[test]
    fn the_oldest_give_way_to_the_latest_in_number_and_in_bytes() {
        let mut continued = Lineage::default();
        for n in 0..=MOST {
            continued.put(&n.to_string(), Vec::new());
        }
        assert_eq!(continued.by(&["0".to_owned()]), None);
        assert!(continued.by(&["1".to_owned()]).is_some());
        continued.put("large", vec![value(&"x".repeat(MOST_BYTES - 5))]);
        assert!(continued.by(&["large".to_owned()]).is_none());
        assert_eq!((continued.bytes, continued.found.len()), (0, 0));
    }
}
