//! A message that carries others, and what becomes of it because of them.

use std::sync::Arc;

use sandgate_message::{Call, CallId, Edit, Id, Json, Message, apply};
use sandgate_pipeline::{Chain, Held, Through, TrailEntry};

use crate::carriage::Carriage;
use crate::journal::Left;
use crate::memory::{Found, Owner, Place};
use crate::reply;
use crate::rounds::Round;
use crate::taken::{Aside, Asides};

/// A message that carries others.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) carriage: &'a Carriage,
    /// The one that the whole passes: what it carries passes no other.
    pub(crate) chain: &'a Arc<Chain>,
    pub(crate) call: &'a Arc<Call>,
    /// Where it is taken down what becomes of what it carries.
    pub(crate) asides: Option<&'a Asides>,
}

/// Why it does not go on.
pub(crate) struct Trouble {
    pub(crate) held: Box<Held>,
    pub(crate) entries: Vec<TrailEntry>,
}

impl Whole<'_> {
    pub(crate) fn client(&self) -> Owner {
        Owner::client(self.call.principal.as_ref(), self.call.session.as_ref())
    }

    /// What was asked there; from now on the whole is known to continue it.
    pub(crate) fn round(&self, place: &Place) -> Found<Arc<Round>> {
        let found = self.carriage.rounds.find(place, &self.client());
        if let Found::Own(round) = &found {
            self.follows(round.taken());
        }
        found
    }

    /// It continues an exchange; none: one that nobody took down.
    pub(crate) fn follows(&self, before: Option<&CallId>) {
        if let Some(asides) = self.asides {
            asides.lock().follow(before);
        }
    }

    /// Its own id, where it is taken down.
    pub(crate) fn taken(&self) -> Option<CallId> {
        self.asides.map(|_| self.call.id.clone())
    }

    /// Runs over a message that it carries.
    pub(crate) fn note(&self, method: &Arc<str>, runs: &[TrailEntry]) {
        if let Some(asides) = self.asides {
            let aside = |entry: &TrailEntry| Aside {
                method: method.clone(),
                entry: entry.clone(),
            };
            asides.lock().runs.extend(runs.iter().map(aside));
        }
    }

    /// The document after these edits; none where there are none.
    pub(crate) fn edited(&self, document: &Json, edits: &[Edit]) -> Result<Option<Json>, Trouble> {
        if edits.is_empty() {
            return Ok(None);
        }
        apply(document, edits, &self.carriage.limits)
            .map(Some)
            .map_err(|error| self.withheld(&format!("what policies made of it is {error}")))
    }

    /// What came back cannot pass on.
    pub(crate) fn withheld(&self, what: &str) -> Trouble {
        Trouble::said(reply::withheld(self.call, what))
    }

    /// It cannot be recorded.
    pub(crate) fn unwritten(&self) -> Trouble {
        Trouble::said(reply::unwritten(&Id::number(0), self.call, true))
    }

    /// Something within it does not go on.
    pub(crate) fn trouble(&self, left: Left) -> Trouble {
        match (left.stopped, left.message) {
            (Some(halt), _) => Trouble {
                held: Box::new(Held::Stopped(halt)),
                entries: left.entries,
            },
            (None, Some(message)) => Trouble::said(message),
            (None, None) => self.unwritten(),
        }
    }
}

impl Trouble {
    /// In the gateway's own words; the id is put in where the asker's is known.
    pub(crate) fn said(message: Message) -> Self {
        Self {
            held: Box::new(Held::Said(Box::new(message))),
            entries: Vec::new(),
        }
    }
}

impl From<Trouble> for Through {
    fn from(trouble: Trouble) -> Self {
        Self {
            outcome: Err(*trouble.held),
            entries: trouble.entries,
        }
    }
}
