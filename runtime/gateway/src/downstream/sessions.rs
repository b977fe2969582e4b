//! The table of sessions. A session id is 256 random bits that only the client knows; logs show a keyed pseudonym of
//! it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sandgate_access::{Endpoint, Principal};
use sandgate_text::hex;
use sha2::Sha256;

use super::new_session::NewSession;
use super::session::Session;
use crate::call::caller::Requester;
use crate::config::GatewayConfig;
use sandgate_wire::Quota;

/// The open sessions, and the bounds on them.
pub(crate) struct Sessions {
    open: Mutex<HashMap<Box<str>, Arc<Session>>>,
    places: Arc<Quota>,
    max_in_flight: usize,
    idle: Duration,
    gone: Duration,
    key: [u8; 32],
}

impl Sessions {
    pub(crate) fn new(config: &GatewayConfig) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            places: Quota::new(config.max_sessions),
            max_in_flight: config.max_in_flight,
            idle: config.session_idle,
            gone: config.session_gone,
            key: config.pseudonym_key.unwrap_or_else(rand::random),
        })
    }

    /// Begins a session; `None` where there are as many as allowed, or the client has its share.
    pub(crate) fn begin(&self, endpoint: Endpoint, requester: &Requester) -> Option<NewSession> {
        let place = self.places.take(requester.budget.account(), 1)?;
        let id = hex::encode(rand::random::<[u8; 32]>());
        let pseudonym = self.pseudonym(&id);
        Some(NewSession::new(
            id.into(),
            pseudonym.into(),
            endpoint,
            requester.clone(),
            self.max_in_flight,
            place,
        ))
    }

    pub(crate) fn remember(&self, session: &Arc<Session>) {
        self.open
            .lock()
            .insert(session.id().into(), session.clone());
    }

    /// Finds a session for the principal that opened it, at the endpoint where it was opened.
    pub(crate) fn find(
        &self,
        id: &str,
        endpoint: &Endpoint,
        principal: &Arc<Principal>,
    ) -> Option<Arc<Session>> {
        self.open
            .lock()
            .get(id)
            .filter(|session| session.endpoint() == endpoint)
            .filter(|session| Arc::ptr_eq(session.principal(), principal))
            .cloned()
    }

    pub(crate) fn forget(&self, session: &Session) {
        self.open.lock().remove(session.id());
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.open.lock().values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Removes and returns the sessions that have been idle for too long.
    pub(crate) fn take_idle(&self) -> Vec<Arc<Session>> {
        let mut open = self.open.lock();
        let idle: Vec<_> = open
            .values()
            .filter(|session| session.idle_for(self.idle, self.gone))
            .cloned()
            .collect();
        for session in &idle {
            open.remove(session.id());
        }
        idle
    }

    pub(crate) fn take_all(&self) -> Vec<Arc<Session>> {
        self.open
            .lock()
            .drain()
            .map(|(_, session)| session)
            .collect()
    }

    fn pseudonym(&self, id: &str) -> String {
        // HMAC accepts keys of any length, so this cannot fail; an empty pseudonym would reveal nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new();
        };
        mac.update(id.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_long_and_their_pseudonyms_keyed() {
        let config = GatewayConfig {
            pseudonym_key: Some([7; 32]),
            ..GatewayConfig::default()
        };
        let (one, other) = (
            Sessions::new(&config),
            Sessions::new(&GatewayConfig::default()),
        );
        assert_eq!(one.pseudonym("a"), Sessions::new(&config).pseudonym("a"));
        assert_ne!(one.pseudonym("a"), one.pseudonym("b"));
        assert_ne!(one.pseudonym("a"), other.pseudonym("a"));
        assert_eq!(one.pseudonym("a").len(), 32);
    }

    #[test]
    fn there_are_no_more_sessions_than_allowed() {
        let sessions = Sessions::new(&GatewayConfig {
            max_sessions: 1,
            ..GatewayConfig::default()
        });
        let somebody = Requester {
            principal: Arc::default(),
            budget: sandgate_wire::Budget::unbounded(),
            grant: None,
        };
        let first = sessions.begin(Endpoint::Merged, &somebody).unwrap();
        assert!(sessions.begin(Endpoint::Merged, &somebody).is_none());
        drop(first);
        assert!(sessions.begin(Endpoint::Merged, &somebody).is_some());
    }
}
