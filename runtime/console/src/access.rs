//! Who is in: links that are good once and soon, and the sessions that begin with them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_daemon::actor::Actor;
use sandgate_text::hex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// How long a link is good.
pub(crate) const TICKET: Duration = Duration::from_secs(60);
/// The most links at a time. A further one takes the place of the oldest.
const TICKETS: usize = 16;
/// How long a session lasts without a request, and at most.
const IDLE: Duration = Duration::from_secs(30 * 60);
const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);
/// The most sessions at a time. A further one takes the place of the one that was idle longest.
const SESSIONS: usize = 16;
/// The most streams of live figures of one session, and of all.
const STREAMS_OF_ONE: usize = 4;
const STREAMS: usize = 32;
/// The longest message that is kept for the next page, in bytes.
const MESSAGE: usize = 16 << 10;

/// What somebody in the console may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Look.
    Viewer,
    /// Look, stop, resume, approve, promote, reject, reload.
    Operator,
}

/// Links and sessions.
#[derive(Default)]
pub(crate) struct Access(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// By the hash of the secret.
    tickets: HashMap<Hash, Ticket>,
    sessions: HashMap<Hash, KeptSession>,
    /// Sessions that ended otherwise than by leaving, each with why. They are taken once a few seconds.
    ended: Vec<(Session, &'static str)>,
    streams: usize,
}

type Hash = [u8; 32];

struct Ticket {
    role: Role,
    uid: u32,
    until: Instant,
}

struct KeptSession {
    session: Session,
    until: Instant,
    used: Instant,
    streams: usize,
    message: Option<Message>,
}

/// A session, as pages know it. The secret in its cookie is not in it.
#[derive(Clone)]
pub(crate) struct Session {
    /// Its public name, as records have it.
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    pub(crate) uid: u32,
    /// What forms of this session must bring along.
    csrf: Arc<str>,
    key: Hash,
    /// The place of what takes long, and that of what reads the call log: one of each at a time.
    pub(crate) look: Arc<Semaphore>,
    pub(crate) read: Arc<Semaphore>,
}

/// What a deed came to, for the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) good: bool,
    pub(crate) text: String,
}

impl Session {
    /// Who acts in it.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            uid: self.uid,
            session: Some(self.name.clone()),
        }
    }

    pub(crate) fn may_act(&self) -> bool {
        self.role == Role::Operator
    }

    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form of this session brought this.
    pub(crate) fn is_own(&self, csrf: &str) -> bool {
        bool::from(self.csrf.as_bytes().ct_eq(csrf.as_bytes()))
    }
}

impl Access {
    /// Makes a link's secret.
    pub(crate) fn ticket(&self, role: Role, uid: u32, now: Instant) -> String {
        let secret = secret();
        let mut kept = self.0.lock();
        kept.tickets.retain(|_, ticket| ticket.until > now);
        if kept.tickets.len() >= TICKETS {
            let oldest = kept.tickets.iter().min_by_key(|(_, ticket)| ticket.until);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                kept.tickets.remove(&key);
            }
        }
        let until = now + TICKET;
        kept.tickets
            .insert(hash(&secret), Ticket { role, uid, until });
        secret
    }

    /// Begins a session with a link's secret, which is worth nothing afterwards. Returns the session and its cookie's secret.
    pub(crate) fn enter(&self, ticket: &str, now: Instant) -> Option<(Session, String)> {
        let mut kept = self.0.lock();
        let ticket = kept.tickets.remove(&hash(ticket))?;
        if ticket.until <= now {
            return None;
        }
        kept.sweep(now);
        if kept.sessions.len() >= SESSIONS {
            let idle = kept.sessions.iter().min_by_key(|(_, one)| one.used);
            if let Some(key) = idle.map(|(key, _)| *key) {
                kept.end(&key, "a further session took its place");
            }
        }
        let cookie = secret();
        let session = Session {
            name: secret()[..8].into(),
            role: ticket.role,
            uid: ticket.uid,
            csrf: secret().into(),
            key: hash(&cookie),
            look: Arc::new(Semaphore::new(1)),
            read: Arc::new(Semaphore::new(1)),
        };
        let begun = KeptSession {
            session: session.clone(),
            until: now + LONGEST,
            used: now,
            streams: 0,
            message: None,
        };
        kept.sessions.insert(session.key, begun);
        Some((session, cookie))
    }

    /// The session of a cookie. `counts`: whether it is a person's request, which keeps the session.
    pub(crate) fn session(&self, cookie: &str, counts: bool, now: Instant) -> Option<Session> {
        let mut kept = self.0.lock();
        let key = hash(cookie);
        let one = kept.sessions.get_mut(&key)?;
        if let Some(why) = one.over(now) {
            kept.end(&key, why);
            return None;
        }
        if counts {
            one.used = now;
        }
        Some(one.session.clone())
    }

    /// Whether the session still lasts.
    pub(crate) fn lasts(&self, session: &Session, now: Instant) -> bool {
        let kept = self.0.lock();
        kept.sessions
            .get(&session.key)
            .is_some_and(|one| one.over(now).is_none())
    }

    /// Ends a session.
    pub(crate) fn leave(&self, session: &Session) {
        self.0.lock().sessions.remove(&session.key);
    }

    /// The sessions that have ended otherwise than by leaving, each with why, and each told once.
    pub(crate) fn ended(&self, now: Instant) -> Vec<(Session, &'static str)> {
        let mut kept = self.0.lock();
        kept.sweep(now);
        std::mem::take(&mut kept.ended)
    }

    /// Ends all sessions: the gateway ends.
    pub(crate) fn end_all(&self) {
        let mut kept = self.0.lock();
        let all: Vec<Hash> = kept.sessions.keys().copied().collect();
        for key in all {
            kept.end(&key, "the gateway ended");
        }
    }

    /// Keeps a message for the session's next page.
    pub(crate) fn tell(&self, session: &Session, good: bool, text: &str) {
        if let Some(one) = self.0.lock().sessions.get_mut(&session.key) {
            let text = text[..text.floor_char_boundary(MESSAGE)].to_owned();
            one.message = Some(Message { good, text });
        }
    }

    /// Takes the message for this page.
    pub(crate) fn told(&self, session: &Session) -> Option<Message> {
        self.0.lock().sessions.get_mut(&session.key)?.message.take()
    }

    /// Takes a place for a stream. `None`: there are as many as there may be.
    pub(crate) fn stream(self: &Arc<Self>, session: &Session) -> Option<StreamPlace> {
        let mut kept = self.0.lock();
        if kept.streams >= STREAMS {
            return None;
        }
        let one = kept.sessions.get_mut(&session.key)?;
        if one.streams >= STREAMS_OF_ONE {
            return None;
        }
        one.streams += 1;
        kept.streams += 1;
        Some(StreamPlace(self.clone(), session.key))
    }
}

impl KeptSession {
    /// Why it is over, if it is.
    fn over(&self, now: Instant) -> Option<&'static str> {
        if self.until <= now {
            return Some("it lasted 8 hours");
        }
        (now.duration_since(self.used) >= IDLE).then_some("30 minutes without a page")
    }
}

impl Kept {
    fn sweep(&mut self, now: Instant) {
        let over = self.sessions.iter();
        let over = over.filter_map(|(key, one)| Some((*key, one.over(now)?)));
        for (key, why) in over.collect::<Vec<_>>() {
            self.end(&key, why);
        }
    }

    fn end(&mut self, key: &Hash, why: &'static str) {
        if let Some(one) = self.sessions.remove(key) {
            self.ended.push((one.session, why));
        }
    }
}

/// A stream's place, given back when it is dropped.
pub(crate) struct StreamPlace(Arc<Access>, Hash);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut kept = self.0.0.lock();
        kept.streams = kept.streams.saturating_sub(1);
        if let Some(one) = kept.sessions.get_mut(&self.1) {
            one.streams = one.streams.saturating_sub(1);
        }
    }
}

/// 32 random bytes, in hexadecimal digits.
pub(crate) fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// Secrets are looked up by their hash, so that the time of a look-up says nothing of them.
fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_link_is_good_once_and_for_a_minute() {
        let (access, now) = (Access::default(), Instant::now());
        let ticket = access.ticket(Role::Viewer, 7, now);
        let (session, cookie) = access.enter(&ticket, now).unwrap();
        assert_eq!((session.role, session.uid), (Role::Viewer, 7));
        assert!(access.enter(&ticket, now).is_none(), "it was used");
        assert!(access.session(&cookie, true, now).is_some());
        assert!(access.session(&ticket, true, now).is_none());
        let late = access.ticket(Role::Operator, 7, now);
        assert!(access.enter(&late, now + TICKET).is_none(), "it was over");
    }

    #[test]
    fn a_session_ends_by_idleness_by_age_and_by_leaving() {
        let (access, now) = (Access::default(), Instant::now());
        let enter = |now| {
            access
                .enter(&access.ticket(Role::Operator, 0, now), now)
                .unwrap()
        };
        let (_, idle) = enter(now);
        assert!(access.session(&idle, false, now + IDLE / 2).is_some());
        assert!(
            access.session(&idle, true, now + IDLE).is_none(),
            "a stream kept it"
        );
        let (old, cookie) = enter(now);
        let mut at = now;
        while at + IDLE / 2 < now + LONGEST {
            at += IDLE / 2;
            assert!(access.session(&cookie, true, at).is_some());
        }
        assert!(!access.lasts(&old, now + LONGEST));
        let told = access.ended(now + LONGEST);
        let told: Vec<_> = told.iter().map(|(_, why)| *why).collect();
        assert_eq!(told, ["30 minutes without a page", "it lasted 8 hours"]);
        let (left, cookie) = enter(now);
        access.leave(&left);
        assert!(access.session(&cookie, true, now).is_none());
        assert!(access.ended(now).is_empty(), "who leaves is told already");
        let (last, _) = enter(now);
        access.end_all();
        let told = access.ended(now);
        assert_eq!(
            (&told[0].0.name, told[0].1),
            (&last.name, "the gateway ended")
        );
        assert!(access.ended(now).is_empty(), "it was told twice");
    }

    #[test]
    fn links_sessions_and_streams_have_bounds() {
        let (access, now) = (Arc::new(Access::default()), Instant::now());
        let tickets: Vec<_> = (0..TICKETS as u64 + 1)
            .map(|n| access.ticket(Role::Viewer, 0, now + Duration::from_millis(n)))
            .collect();
        assert!(access.enter(&tickets[0], now).is_none());
        let enter = |n: u64| {
            let now = now + Duration::from_secs(n);
            access
                .enter(&access.ticket(Role::Viewer, 0, now), now)
                .unwrap()
        };
        let (_, first) = enter(0);
        let mut last = enter(1);
        for n in 2..=SESSIONS as u64 {
            last = enter(n);
        }
        assert!(access.session(&first, true, now).is_none());
        assert_eq!(access.ended(now)[0].1, "a further session took its place");
        let mut places: Vec<_> = (0..STREAMS_OF_ONE)
            .map(|_| access.stream(&last.0).unwrap())
            .collect();
        assert!(access.stream(&last.0).is_none());
        places.pop();
        assert!(access.stream(&last.0).is_some());
    }

    #[test]
    fn a_message_is_for_one_page() {
        let (access, now) = (Access::default(), Instant::now());
        let (session, _) = access
            .enter(&access.ticket(Role::Operator, 0, now), now)
            .unwrap();
        access.tell(&session, true, &"ä".repeat(MESSAGE));
        let told = access.told(&session).unwrap();
        assert!(told.text.len() <= MESSAGE);
        assert_eq!(access.told(&session), None);
        assert!(session.is_own(session.csrf()) && !session.is_own(""));
    }
}
