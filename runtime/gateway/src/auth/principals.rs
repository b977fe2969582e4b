//! Who may call: the clients of the configuration, known by their keys, and who they are to policies.

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

/// A client that may call, as the configuration has it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Its name, by which policies know it.
    pub name: Arc<str>,
    /// SHA-256 of its token. The token itself is known to the client alone.
    pub token_sha256: [u8; 32],
    /// Its groups.
    pub groups: Arc<[String]>,
    /// HTTP requests that it may make in a second; none: as many as it likes.
    pub rate: Option<NonZeroU32>,
}

/// Everybody who may call. Without any client it is anybody, under no name.
pub struct Clients {
    keys: Vec<ClientKey>,
    /// One for each key; where there is no key, the one that everybody is.
    principals: Vec<Arc<Principal>>,
}

/// Somebody who calls, for as long as the configuration has them as they are: one whose key or groups are changed is
/// another.
#[derive(Debug, Default)]
pub(crate) struct Principal {
    /// None: anonymous.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) groups: Arc<[String]>,
    over: CancellationToken,
    rate: ArcSwapOption<Rate>,
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownClientError {
    #[error("this gateway serves known clients only: send a key as `Authorization: Bearer TOKEN`")]
    NoKey,
    #[error("this key is not known here")]
    Key,
}

impl Clients {
    /// Of these, whose names and keys differ from one another. None: anybody may call.
    pub fn new(keys: Vec<ClientKey>) -> Self {
        let principals = match keys.as_slice() {
            [] => vec![Arc::default()],
            keys => keys.iter().map(Principal::of).map(Arc::new).collect(),
        };
        Self { keys, principals }
    }

    /// Anybody may call.
    pub fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whose key a request bears. Every key is compared, each in constant time, whichever fits.
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

    /// The client on a pair of streams, who needs no key: whoever can start the gateway can read its configuration.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<Arc<Principal>> {
        let mut all = self.principals.iter();
        all.find(|one| one.name.as_deref() == name).cloned()
    }

    /// Those who have not changed go on as who they were, with their sessions.
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

    /// Ends all who are not among those of now: their streams end, and their sessions are no longer known.
    pub(crate) fn end_others(&self, now: &Self) {
        for principal in &self.principals {
            if !now.principals.iter().any(|one| Arc::ptr_eq(one, principal)) {
                principal.over.cancel();
            }
        }
    }
}

impl ClientKey {
    /// The same client: what it may do in how much time aside.
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

    /// The configuration no longer has them.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// Against whose share of the limits its requests count; none: of the address that it calls from.
    pub(crate) fn account(&self) -> Option<Account> {
        self.name.clone().map(Account::Client)
    }

    /// One more HTTP request. The error is how long to wait before the next try.
    pub(crate) fn within_rate(&self) -> Result<(), Duration> {
        match &*self.rate.load() {
            Some(rate) => rate.check(),
            None => Ok(()),
        }
    }
}

/// The token of a request; one that could be read in two ways is none.
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
