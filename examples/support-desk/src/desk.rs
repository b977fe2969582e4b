//! What the desk holds: customers, tickets, files, and the record of what it heard. All of it is made up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::Era;

/// Where relative paths of the file tool start.
const FILES_ROOT: &str = "/srv/desk/files";
/// The oldest records go first, so that a desk left running does not grow.
const SEEN_KEPT: usize = 10_000;

/// The state of one support desk. Nothing is on disk: a new desk is always the same desk.
#[derive(Debug)]
pub struct Desk {
    customers: Mutex<BTreeMap<String, Value>>,
    tickets: Mutex<BTreeMap<String, Value>>,
    files: BTreeMap<&'static str, &'static str>,
    seen: Mutex<VecDeque<Seen>>,
}

/// One message as it reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The era in which the server took it.
    pub era: Era,
    /// The JSON-RPC method; empty for a reply.
    pub method: String,
    /// The whole message, byte for byte.
    pub body: String,
}

impl Desk {
    /// Opens a desk with its three customers, their tickets and a handful of files.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let by_id = |list: Vec<Value>| {
            list.into_iter()
                .filter_map(|entry| Some((entry["id"].as_str()?.to_owned(), entry)))
                .collect::<BTreeMap<_, _>>()
        };
        Arc::new(Self {
            customers: Mutex::new(by_id(customers())),
            tickets: Mutex::new(by_id(tickets())),
            files: files(),
            seen: Mutex::default(),
        })
    }

    /// Everything heard so far, oldest first: at most the last 10,000 messages.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().iter().cloned().collect()
    }

    /// What was heard since the last time this was asked, oldest first; the record is empty afterwards.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock()).into()
    }

    pub(crate) fn record(&self, era: Era, method: &str, body: &str) {
        let mut seen = self.seen.lock();
        if seen.len() == SEEN_KEPT {
            seen.pop_front();
        }
        seen.push_back(Seen {
            era,
            method: method.to_owned(),
            body: body.to_owned(),
        });
    }

    pub(crate) fn customer(&self, id: &str) -> Option<Value> {
        self.customers.lock().get(id).cloned()
    }

    pub(crate) fn customer_ids(&self) -> Vec<String> {
        self.customers.lock().keys().cloned().collect()
    }

    pub(crate) fn delete_customer(&self, id: &str) -> bool {
        self.customers.lock().remove(id).is_some()
    }

    pub(crate) fn tickets_of(&self, customer: &str) -> Vec<Value> {
        self.tickets
            .lock()
            .values()
            .filter(|ticket| ticket["customer"] == customer)
            .cloned()
            .collect()
    }

    pub(crate) fn reply_to(&self, ticket: &str, text: &str) -> bool {
        match self
            .tickets
            .lock()
            .get_mut(ticket)
            .and_then(|ticket| ticket["replies"].as_array_mut())
        {
            Some(replies) => {
                replies.push(text.into());
                true
            }
            None => false,
        }
    }

    /// The file at a path, `..` and absolute paths followed wherever they lead: the mistake that real file tools make.
    pub(crate) fn file(&self, path: &str) -> Option<&'static str> {
        let mut parts: Vec<&str> = if path.starts_with('/') {
            Vec::new()
        } else {
            FILES_ROOT
                .split('/')
                .filter(|part| !part.is_empty())
                .collect()
        };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        self.files
            .get(format!("/{}", parts.join("/")).as_str())
            .copied()
    }
}

fn customers() -> Vec<Value> {
    vec![
        json!({
            "id": "C-1001", "name": "Maria Weber", "email": "maria.weber@example.com", "phone": "+49 30 901820",
            "card": "4111 1111 1111 1111", "iban": "DE89 3704 0044 0532 0130 00", "plan": "business",
        }),
        json!({
            "id": "C-1002", "name": "Tom Harris", "email": "tom@harris.example", "phone": "+44 20 7946 0958",
            "card": "5555-5555-5555-4444", "iban": "GB82 WEST 1234 5698 7654 32", "plan": "basic",
        }),
        json!({
            "id": "C-1003", "name": "佐藤 花子", "email": "hanako.sato@example.jp", "phone": "03-3224-9999",
            "card": "3530111333300000", "nationalId": "1234 5678 9018", "plan": "business",
        }),
    ]
}

fn tickets() -> Vec<Value> {
    vec![
        json!({
            "id": "T-1", "customer": "C-1001", "subject": "Invoice missing", "replies": [],
            "text": "No invoice for October arrived. Please send it to buchhaltung@weber.example or call +49 30 901820.",
        }),
        json!({
            "id": "T-2", "customer": "C-1001", "subject": "Second seat", "replies": [],
            "text": "Can a colleague share my plan?",
        }),
        json!({
            "id": "T-3", "customer": "C-1003", "subject": "カードの変更", "replies": [],
            "text": "新しいカードは3530111333300000です。電話は03-3224-9999へお願いします。",
        }),
    ]
}

fn files() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        (
            "/srv/desk/files/refunds.md",
            "# Refunds\nWithin 30 days, to the card that paid. Above 200 EUR a lead signs.\n",
        ),
        (
            "/srv/desk/files/hours.md",
            "# Opening hours\nMonday to Friday, 08:00 to 18:00 UTC.\n",
        ),
        (
            "/srv/desk/files/macros/greeting.txt",
            "Hello {name},\nthank you for writing to us.\n",
        ),
        (
            "/srv/desk/secrets.env",
            "DESK_DATABASE=postgres://desk:not-a-real-password@db.example/desk\n",
        ),
        (
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\ndesk:x:1000:1000::/srv/desk:/bin/sh\n",
        ),
    ])
}
