//! Compares a definition with what is approved.

use list_kind::Kind;
use sandgate_sdk::{Error, Level, log, state};
use serde_json::Value;

use crate::ToolPins;
use crate::canonical::Digest;
use crate::change::{Change, classify};
use crate::lock::Locked;
use crate::pin::{self, Pins};
use crate::settings::{Dangerous, Harmless, Unlisted};

/// What is said of a definition.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is approved, or seen for the first time.
    Approved,
    /// It changed harmlessly, and the operator wants to know.
    Noted,
    /// It changed dangerously, and the operator only wants to know.
    Recorded(Doubt),
    /// It is hidden and not callable.
    Quarantined(Doubt),
}

/// Why a definition is not approved.
#[derive(Debug, PartialEq)]
pub(crate) struct Doubt {
    /// The digest to approve; `None` where the definition cannot be read.
    pub(crate) digest: Option<Digest>,
    pub(crate) cause: Cause,
}

/// The cause of a doubt.
#[derive(Debug, PartialEq)]
pub(crate) enum Cause {
    NotInLock,
    /// The names of the reasons, the heaviest first; none where the change is harmless or cannot be told.
    Changed(Vec<&'static str>),
    Unreadable,
    /// It is seen for the first time or changed harmlessly, and cannot be remembered.
    NoRoom,
}

/// How often a pin is read again because another run wrote it meanwhile.
const TRIES: usize = 4;

/// The most that is remembered of one server, in bytes: the others have room, too.
const MOST_OF_SERVER: i64 = 2 << 20;

/// A thing of a server.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) server: &'a str,
    pub(crate) kind: Kind,
    pub(crate) name: &'a str,
}

impl ToolPins {
    /// Compares the definition, as the server gave it, with what is approved. On first use it becomes what is approved.
    pub(crate) fn judge(&self, target: Target<'_>, definition: &str) -> Result<Verdict, Error> {
        if self.ignores(target) {
            return Ok(Verdict::Approved);
        }
        let lock = self.lock.as_ref().filter(|_| target.kind == Kind::Tools);
        let Some(lock) = lock else {
            return self.by_first_use(target, definition);
        };
        match lock.get(target.server, target.name) {
            Some(locked) => Ok(self.by_lock(target, locked, definition)),
            None if self.settings.unlisted == Unlisted::FirstUse => {
                self.by_first_use(target, definition)
            }
            None => {
                let digest = serde_json::from_str(definition)
                    .ok()
                    .map(|value| Digest::of(&value));
                Ok(match digest {
                    Some(digest) if self.is_approved(target, digest) => Verdict::Approved,
                    digest => Verdict::Quarantined(Doubt {
                        digest,
                        cause: Cause::NotInLock,
                    }),
                })
            }
        }
    }

    fn by_lock(&self, target: Target<'_>, locked: &Locked, definition: &str) -> Verdict {
        if locked.is_verbatim(definition) {
            return Verdict::Approved;
        }
        let Ok(value) = serde_json::from_str::<Value>(definition) else {
            return unreadable();
        };
        let digest = Digest::of(&value);
        if digest == locked.digest || self.is_approved(target, digest) {
            return Verdict::Approved;
        }
        let change = locked
            .definition
            .as_ref()
            .map_or(Change::Dangerous(Vec::new()), |was| classify(was, &value));
        self.decide(target, digest, change)
    }

    fn by_first_use(&self, target: Target<'_>, definition: &str) -> Result<Verdict, Error> {
        let key = pin::key(target.server, target.kind.list(), target.name);
        for _ in 0..TRIES {
            let remembered = state::get(&key)?;
            if let Some(bytes) = &remembered
                && Pins::hold_verbatim(bytes, definition)
            {
                return Ok(Verdict::Approved);
            }
            let Ok(value) = serde_json::from_str::<Value>(definition) else {
                return Ok(unreadable());
            };
            let digest = Digest::of(&value);
            let mut pins = remembered.as_deref().map(Pins::read).unwrap_or_default();
            let verdict = match remembered {
                None => Verdict::Approved,
                Some(_) if pins.have(digest) => return Ok(Verdict::Approved),
                Some(_) if self.is_approved(target, digest) => Verdict::Approved,
                Some(_) => self.decide(target, digest, nearest(&pins, &value)),
            };
            if !matches!(verdict, Verdict::Approved | Verdict::Noted) {
                return Ok(verdict);
            }
            pins.accept(definition, digest);
            match remember(target.server, &key, remembered.as_deref(), &pins)? {
                Written::Yes => return Ok(verdict),
                Written::NoRoom if self.is_approved(target, digest) => return Ok(verdict),
                Written::NoRoom => {
                    return Ok(Verdict::Quarantined(Doubt {
                        digest: Some(digest),
                        cause: Cause::NoRoom,
                    }));
                }
                Written::Meanwhile => {}
            }
        }
        Err(Error::new("the pin changed each time it was read"))
    }

    /// What follows from a change, by the settings.
    fn decide(&self, target: Target<'_>, digest: Digest, change: Change) -> Verdict {
        let doubt = |reasons| Doubt {
            digest: Some(digest),
            cause: Cause::Changed(reasons),
        };
        match (change, self.settings.harmless, self.settings.dangerous) {
            (Change::Harmless, Harmless::Accept, _) => {
                log(
                    Level::Info,
                    &format!(
                        "{} {:?} of {} changed harmlessly",
                        target.kind.singular(),
                        target.name,
                        target.server
                    ),
                );
                Verdict::Approved
            }
            (Change::Harmless, Harmless::Record, _) => Verdict::Noted,
            (Change::Harmless, Harmless::Quarantine, _) => Verdict::Quarantined(doubt(Vec::new())),
            (Change::Dangerous(reasons), _, then) => {
                let doubt = doubt(reasons.iter().map(|reason| reason.name).collect());
                match then {
                    Dangerous::Quarantine => Verdict::Quarantined(doubt),
                    Dangerous::Record => Verdict::Recorded(doubt),
                }
            }
        }
    }

    /// Whether the operator left it out.
    pub(crate) fn ignores(&self, target: Target<'_>) -> bool {
        !self.settings.kinds.contains(&target.kind)
            || self.settings.ignore.iter().any(|glob| {
                glob.split_once('/').is_some_and(|(server, name)| {
                    sandgate_sdk::glob_matches(server, target.server)
                        && sandgate_sdk::glob_matches(name, target.name)
                })
            })
    }

    fn is_approved(&self, target: Target<'_>, digest: Digest) -> bool {
        self.approvals.iter().any(|one| {
            one.digest == digest
                && one
                    .target
                    .strip_prefix(target.server)
                    .and_then(|rest| rest.strip_prefix('/'))
                    == Some(target.name)
        })
    }
}

/// Whether a pin was written.
enum Written {
    Yes,
    /// Another run wrote it meanwhile.
    Meanwhile,
    /// The server, or all of them, have used up their room.
    NoRoom,
}

/// Writes the pins of a tool, and counts what its server uses.
fn remember(server: &str, key: &str, before: Option<&[u8]>, pins: &Pins) -> Result<Written, Error> {
    let bytes = pins.to_bytes();
    let old = before.map_or(0, |before| key.len() + before.len());
    let size = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let more = size(key.len() + bytes.len()) - size(old);
    let counter = format!("#bytes/{server}");
    let written = match state::increment(&counter, more, None) {
        Ok(sum) if sum > MOST_OF_SERVER && more > 0 => Written::NoRoom,
        Ok(_) => match state::compare_and_set(key, before, &bytes, None) {
            Ok(true) => return Ok(Written::Yes),
            Ok(false) => Written::Meanwhile,
            Err(state::Failure::Quota) => Written::NoRoom,
            Err(failure) => return Err(failure.into()),
        },
        Err(state::Failure::Quota) => return Ok(Written::NoRoom),
        Err(failure) => return Err(failure.into()),
    };
    state::increment(&counter, -more, None)?;
    Ok(written)
}

/// The change from the accepted definition that is nearest: the server may answer different callers differently.
fn nearest(pins: &Pins, value: &Value) -> Change {
    let mut best = Change::Dangerous(Vec::new());
    for was in pins.definitions() {
        match classify(&was, value) {
            Change::Harmless => return Change::Harmless,
            Change::Dangerous(reasons) => {
                let is_first = matches!(&best, Change::Dangerous(none) if none.is_empty());
                if is_first {
                    best = Change::Dangerous(reasons);
                }
            }
        }
    }
    best
}

fn unreadable() -> Verdict {
    Verdict::Quarantined(Doubt {
        digest: None,
        cause: Cause::Unreadable,
    })
}
