//! Authentication of clients by the keys in the configuration, and their identity for policies.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sandgate_message::Account;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use crate::admission::Rate;

/// A configured client.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// The client's name, by which policies know it.
    pub name: Arc<str>,
    /// The SHA-256 of the client's token. Only the client knows the token itself.
    pub token_sha256: [u8; 32],
    /// The client's groups.
    pub groups: Arc<[String]>,
    /// The most HTTP requests of the client per second; `None` for no limit.
    pub rate: Option<NonZeroU32>,
}

/// The configured clients. If there are none, every client is admitted and anonymous.
#[derive(Clone)]
pub struct Clients {
    keys: Vec<ClientKey>,
    /// One principal per key; a single anonymous one if there are no keys.
    principals: Vec<Arc<Principal>>,
}

/// An authenticated client, for as long as the configuration keeps it unchanged. A client whose key or groups change
/// becomes a new principal.
#[derive(Debug, Default)]
pub(crate) struct Principal {
    /// The client's name; `None` for the anonymous client.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) groups: Arc<[String]>,
    over: CancellationToken,
    rate: ArcSwapOption<Rate>,
}

/// Why a request is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownClientError {
    #[error("this gateway serves known clients only: send a key as `Authorization: Bearer TOKEN`")]
    NoKey,
    #[error("this key is not known here")]
    Key,
}

impl Clients {
    /// Creates the set of clients, whose names and keys must be distinct. Without any, every client is admitted.
    pub fn new(keys: Vec<ClientKey>) -> Self {
        let principals = match keys.as_slice() {
            [] => vec![Arc::default()],
            keys => keys.iter().map(Principal::of).map(Arc::new).collect(),
        };
        Self { keys, principals }
    }

    /// Whether every client is admitted.
    pub fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Authenticates a request by its key. Every key is compared in constant time, so that timing reveals nothing.
    ///
    /// # Errors
    ///
    /// The request has no readable key, or the key is unknown.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Arc<Principal>, UnknownClientError> {
        if self.keys.is_empty() {
            return self
                .principals
                .first()
                .cloned()
                .ok_or(UnknownClientError::Key);
        }
        let presented: [u8; 32] = Sha256::digest(token(headers)?).into();
        let mut at = u32::MAX;
        for (index, key) in (0u32..).zip(&self.keys) {
            at.conditional_assign(&index, key.token_sha256.ct_eq(&presented));
        }
        let principal = usize::try_from(at)
            .ok()
            .and_then(|at| self.principals.get(at));
        principal.cloned().ok_or(UnknownClientError::Key)
    }

    /// The principal of a client on stdio. It needs no key: whoever can start the gateway can read its configuration.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<Arc<Principal>> {
        let mut all = self.principals.iter();
        all.find(|one| one.name.as_deref() == name).cloned()
    }

    /// Keeps the principals of unchanged clients, and with them their sessions.
    pub(crate) fn inherit(&mut self, before: &Self) {
        if self.is_open() && before.is_open() {
            self.principals.clone_from(&before.principals);
        }
        for (key, principal) in self.keys.iter().zip(&mut self.principals) {
            let same = before.keys.iter().position(|one| one.is_same_as(key));
            if let Some(same) = same.and_then(|at| before.principals.get(at)) {
                if same.rate.load().as_deref() != principal.rate.load().as_deref() {
                    same.rate.store(principal.rate.load_full());
                }
                *principal = same.clone();
            }
        }
    }

    /// The same clients, of which those that `renewed` names are new principals: what they have open ends.
    pub(crate) fn renewed(&self, renewed: impl Fn(&str) -> bool) -> Self {
        let mut clients = self.clone();
        for (key, principal) in clients.keys.iter().zip(&mut clients.principals) {
            if renewed(&key.name) {
                *principal = Arc::new(Principal::of(key));
            }
        }
        clients
    }

    /// Whether a client has this name.
    pub fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| *key.name == *name)
    }

    /// The names of all clients.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.keys.iter().map(|key| &*key.name)
    }

    /// Ends all principals that `now` does not have: their streams end, and their sessions are no longer found.
    pub(crate) fn end_others(&self, now: &Self) {
        for principal in &self.principals {
            if !now.principals.iter().any(|one| Arc::ptr_eq(one, principal)) {
                principal.over.cancel();
            }
        }
    }
}

impl ClientKey {
    /// Whether both keys are the same client; the rate is not compared.
    fn is_same_as(&self, other: &Self) -> bool {
        let identity = |key: &Self| (key.name.clone(), key.token_sha256, key.groups.clone());
        identity(self) == identity(other)
    }
}

impl Principal {
    fn of(key: &ClientKey) -> Self {
        Self {
            name: Some(key.name.clone()),
            groups: key.groups.clone(),
            rate: ArcSwapOption::from_pointee(key.rate.map(Rate::per_second)),
            ..Self::default()
        }
    }

    /// Cancelled when the configuration no longer has the client.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// The account that the client's requests count against; `None` for the anonymous client, which counts by its
    /// address.
    pub(crate) fn account(&self) -> Option<Account> {
        self.name.clone().map(Account::Client)
    }

    /// Counts one HTTP request.
    ///
    /// # Errors
    ///
    /// The client exceeds its rate; the error is the time to wait before the next try.
    pub(crate) fn within_rate(&self) -> Result<(), Duration> {
        match &*self.rate.load() {
            Some(rate) => rate.check(),
            None => Ok(()),
        }
    }
}

/// The token of a request. An ambiguous `Authorization` counts as none.
fn token(headers: &HeaderMap) -> Result<&[u8], UnknownClientError> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(UnknownClientError::NoKey);
    };
    let (scheme, token) = value
        .as_bytes()
        .split_at_checked(7)
        .ok_or(UnknownClientError::NoKey)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(UnknownClientError::NoKey);
    }
    let token = token.trim_ascii();
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(UnknownClientError::NoKey);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(name: &str, token: &str) -> ClientKey {
        ClientKey {
            name: name.into(),
            token_sha256: Sha256::digest(token).into(),
            groups: Arc::from([format!("of-{name}")]),
            rate: None,
        }
    }

    fn asked(clients: &Clients, values: &[&str]) -> Result<Option<String>, UnknownClientError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let principal = clients.admit(&headers)?;
        Ok(principal.name.as_deref().map(str::to_owned))
    }

    #[test]
    fn a_key_says_who_calls() {
        let clients = Clients::new(vec![key("ada", "a-token"), key("bob", "b-token")]);
        assert_eq!(
            asked(&clients, &["Bearer a-token"]),
            Ok(Some("ada".to_owned()))
        );
        assert_eq!(
            asked(&clients, &["bearer  b-token"]),
            Ok(Some("bob".to_owned()))
        );
        assert_eq!(
            asked(&clients, &["Bearer c-token"]),
            Err(UnknownClientError::Key)
        );
    }

    #[test]
    fn without_a_key_that_can_be_read_in_one_way_nobody_is_let_in() {
        let clients = Clients::new(vec![key("ada", "a-token")]);
        for values in [
            &[][..],
            &["a-token"],
            &["Bearer"],
            &["Bearer "],
            &["Basic a-token"],
            &["Bearer a-token", "Bearer a-token"],
            &["Bearer a-token x"],
        ] {
            assert_eq!(
                asked(&clients, values),
                Err(UnknownClientError::NoKey),
                "{values:?}"
            );
        }
        assert_eq!(
            asked(&clients, &["Bearer a-token,x"]),
            Err(UnknownClientError::Key),
            "a list is one odd token"
        );
    }

    #[test]
    fn without_clients_everybody_is_anonymous_whatever_they_send() {
        let clients = Clients::new(vec![]);
        assert_eq!(asked(&clients, &[]), Ok(None));
        assert_eq!(asked(&clients, &["Bearer x"]), Ok(None));
    }

    #[test]
    fn who_did_not_change_goes_on_and_who_did_is_over() {
        let before = Clients::new(vec![key("ada", "1"), key("bob", "2"), key("eve", "3")]);
        let mut regrouped = key("bob", "2");
        regrouped.groups = Arc::from([]);
        let mut now = Clients::new(vec![regrouped, key("ada", "1")]);
        now.inherit(&before);
        before.end_others(&now);
        let over: Vec<bool> = before
            .principals
            .iter()
            .map(|principal| principal.over().is_cancelled())
            .collect();
        assert_eq!(over, [false, true, true]);
        assert!(Arc::ptr_eq(&before.principals[0], &now.principals[1]));
    }

    #[test]
    fn the_first_key_ends_the_anonymous() {
        let before = Clients::new(vec![]);
        let mut still = Clients::new(vec![]);
        still.inherit(&before);
        before.end_others(&still);
        assert!(!before.principals[0].over().is_cancelled());
        let mut now = Clients::new(vec![key("ada", "1")]);
        now.inherit(&before);
        before.end_others(&now);
        assert!(before.principals[0].over().is_cancelled());
        assert!(now.named(None).is_none() && now.named(Some("ada")).is_some());
    }

    #[test]
    fn another_rate_is_in_force_at_once_and_the_client_goes_on() {
        let rated = |rate| ClientKey {
            rate: NonZeroU32::new(rate),
            ..key("ada", "1")
        };
        let before = Clients::new(vec![rated(0)]);
        let mut now = Clients::new(vec![rated(1)]);
        now.inherit(&before);
        before.end_others(&now);
        let ada = &before.principals[0];
        assert!(Arc::ptr_eq(ada, &now.principals[0]) && !ada.over().is_cancelled());
        assert!(ada.within_rate().is_ok() && ada.within_rate().is_err());
    }
}
