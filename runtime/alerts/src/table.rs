//! The alerts of one rule that last or may come: one for each subject, of which there is a bounded number.
//!
//! A client has one place for each kind, and for findings one for each code, of which it has sixteen at most and one for all
//! others. Where all places are taken, those who come after share one for each kind, which raises alerts too. What lasts until
//! it is mended has a place beside them: there are no more of these than there are stops and sinks of the call log.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use sandgate_config::AlertKind;
use sandgate_text::time;

use crate::event::Event;
use crate::notice::{Notice, NoticeStatus};
use crate::status::FiringAlert;
use crate::window::Window;

/// The most places of one rule, beside those that many share and those of what lasts until it is mended.
const PLACES: usize = 256;
/// The most codes of one subject with a place of their own.
const CODES: usize = 16;
/// The code of those that have none of their own.
const OTHER_CODES: &str = "(other codes)";
/// The subject of those that have no place of their own.
const OTHERS: &str = "(others)";

/// When a rule's alerts begin, are told again, and end. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) more_than: u64,
    pub(crate) within: u64,
    pub(crate) repeat_after: u64,
}

/// The alerts of one rule.
#[derive(Debug)]
pub(crate) struct Table {
    bounds: Bounds,
    places: HashMap<u64, Place>,
    /// The number of places of what lasts until it is mended.
    held: usize,
    keys: RandomState,
}

#[derive(Debug)]
struct Place {
    /// The key of kind and subject.
    subject: u64,
    window: Window,
    firing: Option<Firing>,
    /// Whether it lasts until it is mended.
    held: bool,
}

#[derive(Debug)]
struct Firing {
    notice: Notice,
    /// When there were last too many.
    over: u64,
    /// When it was last told.
    told: u64,
}

impl Table {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            places: HashMap::new(),
            held: 0,
            keys: RandomState::new(),
        }
    }

    /// Counts what happened. Returns the alert that begins with it.
    pub(crate) fn happened(
        &mut self,
        event: &Event<'_>,
        now: u64,
        at: SystemTime,
    ) -> Option<Notice> {
        let subject = self.keys.hash_one((event.kind, event.subject));
        let mut event = *event;
        let mut key = self.key(&event);
        // What lasts ends by its own name alone, and never shares a place.
        if !event.lasts() && !self.places.contains_key(&key) {
            if event.is_told_apart() && self.codes_of(subject) >= CODES {
                event.code = OTHER_CODES;
                key = self.key(&event);
            }
            if self.places.len() - self.held >= PLACES && !self.places.contains_key(&key) {
                event = Event {
                    client: None,
                    code: "",
                    ..event
                };
                event.subject = OTHERS;
                key = self.key(&event);
            }
        }
        let Bounds {
            more_than, within, ..
        } = self.bounds;
        let place = self.places.entry(key).or_insert_with(|| Place {
            subject,
            window: Window::new(within),
            firing: None,
            held: false,
        });
        if event.lasts() && !place.held {
            place.held = true;
            self.held += 1;
        }
        let count = place.window.add(now);
        let too_many = count > more_than || place.held;
        match &mut place.firing {
            Some(firing) => {
                firing.notice.more += 1;
                if too_many {
                    firing.over = now;
                }
                None
            }
            None if too_many => {
                let notice = Notice::of(&event, count, at);
                place.firing = Some(Firing {
                    notice: notice.clone(),
                    over: now,
                    told: now,
                });
                Some(notice)
            }
            None => None,
        }
    }

    /// Whether something of the kind is counted against this subject.
    pub(crate) fn knows(&self, kind: AlertKind, subject: &str) -> bool {
        self.places
            .contains_key(&self.key(&Event::of(kind, "", subject)))
    }

    /// What lasted is mended. Returns the alert that ends with it.
    pub(crate) fn mended(
        &mut self,
        kind: AlertKind,
        subject: &str,
        at: SystemTime,
    ) -> Option<Notice> {
        let key = self.key(&Event::of(kind, "", subject));
        self.remove(key, at)
    }

    /// Whatever lasted of this kind is mended, except for these subjects. Returns the alerts that end with it.
    pub(crate) fn mended_except(
        &mut self,
        kind: AlertKind,
        subjects: impl FnOnce() -> Vec<String>,
        at: SystemTime,
    ) -> Vec<Notice> {
        if self.held == 0 {
            return Vec::new();
        }
        let subjects = subjects();
        let keys = subjects.iter().map(|one| Event::of(kind, "", one));
        let last: HashSet<u64> = keys.map(|event| self.key(&event)).collect();
        let is_of_kind = |place: &Place| {
            let firing = place.firing.as_ref();
            place.held && firing.is_some_and(|firing| firing.notice.kind == kind)
        };
        let over = self.places.iter();
        let over = over.filter(|(key, place)| is_of_kind(place) && !last.contains(key));
        let over: Vec<u64> = over.map(|(key, _)| *key).collect();
        over.into_iter()
            .filter_map(|key| self.remove(key, at))
            .collect()
    }

    fn remove(&mut self, key: u64, at: SystemTime) -> Option<Notice> {
        let place = self.places.remove(&key)?;
        self.held -= usize::from(place.held);
        place.firing.map(|firing| firing.notice.ended(at))
    }

    /// Ends alerts whose time is over, tells those again that last long, and forgets what is quiet.
    pub(crate) fn tick(&mut self, now: u64, at: SystemTime) -> Vec<Notice> {
        let Bounds {
            within,
            repeat_after,
            ..
        } = self.bounds;
        let mut notices = Vec::new();
        for place in self.places.values_mut() {
            let Some(firing) = &mut place.firing else {
                continue;
            };
            if !place.held && now.saturating_sub(firing.over) >= within {
                notices.push(firing.notice.clone().ended(at));
                place.firing = None;
            } else if now.saturating_sub(firing.told) >= repeat_after {
                firing.told = now;
                notices.push(Notice {
                    status: NoticeStatus::Lasting,
                    at,
                    ..firing.notice.clone()
                });
            }
        }
        self.places
            .retain(|_, place| place.firing.is_some() || place.held || !place.window.is_empty(now));
        notices
    }

    /// Ends all alerts: the rule is none any more.
    pub(crate) fn end(&mut self, at: SystemTime) -> Vec<Notice> {
        self.held = 0;
        let all = self.places.drain().filter_map(|(_, place)| place.firing);
        all.map(|firing| firing.notice.ended(at)).collect()
    }

    /// The alerts that last. [`FiringAlert::all`] makes text of them, which takes longer than the table may be held up.
    pub(crate) fn firing(&self) -> Vec<Notice> {
        let all = self.places.values();
        let all = all.filter_map(|place| place.firing.as_ref());
        all.map(|firing| firing.notice.clone()).collect()
    }

    /// The number of alerts that last.
    pub(crate) fn number_firing(&self) -> usize {
        let all = self.places.values();
        all.filter(|place| place.firing.is_some()).count()
    }

    fn key(&self, event: &Event<'_>) -> u64 {
        let code = match event.is_told_apart() {
            true => event.code,
            false => "",
        };
        self.keys.hash_one((event.kind, event.subject, code))
    }

    fn codes_of(&self, subject: u64) -> usize {
        let all = self.places.values();
        all.filter(|place| place.subject == subject).count()
    }
}

impl FiringAlert {
    /// These alerts as they are told, oldest first.
    pub(crate) fn all(mut notices: Vec<Notice>) -> Vec<Self> {
        notices.sort_by_key(|notice| notice.since);
        let all = notices.iter().map(|notice| Self {
            id: notice.id.clone(),
            kind: notice.kind.as_str().to_owned(),
            since: time(notice.since),
            what: notice.sentence(),
            count: notice.count,
            more: notice.more,
        });
        all.collect()
    }
}

impl Notice {
    fn ended(self, at: SystemTime) -> Self {
        Self {
            status: NoticeStatus::Resolved,
            at,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
