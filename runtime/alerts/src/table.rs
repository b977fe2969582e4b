//! The alerts of one rule that last or may come: one for each subject, of which there is a bounded number.
//!
//! A client has one place for each kind, and for findings one for each code, of which it has sixteen at most: whatever it
//! does, it takes nobody else's place. Where all places are taken, those who come after share one, which raises alerts too.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use sandgate_config::AlertKind;
use sandgate_text::time;

use crate::event::Event;
use crate::notice::{Notice, NoticeStatus};
use crate::status::FiringAlert;
use crate::window::Window;

/// The most places of one rule, beside those that many share.
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
        if !self.places.contains_key(&key) {
            if event.is_told_apart() && self.codes_of(subject) >= CODES {
                event.code = OTHER_CODES;
                key = self.key(&event);
            }
            if self.places.len() >= PLACES && !self.places.contains_key(&key) {
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
        place.held |= event.lasts();
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
        let place = self.places.remove(&key)?;
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
        let all = self.places.drain().filter_map(|(_, place)| place.firing);
        all.map(|firing| firing.notice.ended(at)).collect()
    }

    /// The alerts that last, oldest first.
    pub(crate) fn firing(&self) -> Vec<FiringAlert> {
        let all = self
            .places
            .values()
            .filter_map(|place| place.firing.as_ref());
        let mut all: Vec<&Notice> = all.map(|firing| &firing.notice).collect();
        all.sort_by_key(|notice| notice.since);
        let all = all.into_iter().map(|notice| FiringAlert {
            id: notice.id.clone(),
            kind: notice.kind.as_str().to_owned(),
            since: time(notice.since),
            what: notice.sentence(),
            count: notice.count,
            more: notice.more,
        });
        all.collect()
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
