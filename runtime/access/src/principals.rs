//! Authentication of clients by the keys in the configuration, and their identity for policies.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sandgate_admission::Rate;
use sandgate_issuer::Bearer;
use sandgate_message::Account;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use crate::views::Viewer;

/// A configured client.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// The client's name, by which policies know it.
    pub name: Arc<str>,
    /// The SHA-256 of the client's token, which only the client itself knows; `None` for a client without a token.
    pub token_sha256: Option<[u8; 32]>,
    /// The SHA-256 of the token before it, and until when that one is good too.
    pub previous: Option<([u8; 32], SystemTime)>,
    /// The name in the client's certificate, where it may show one.
    pub certificate: Option<Arc<str>>,
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
pub struct Principal {
    /// The client's name; `None` for the anonymous client.
    pub name: Option<Arc<str>>,
    /// The client's groups.
    pub groups: Arc<[String]>,
    /// The issuer that vouches for the client; `None` for a configured one.
    pub issuer: Option<Arc<str>>,
    /// The claims of the client's token that plugins may see, as a JSON object.
    pub claims: Option<Arc<str>>,
    over: CancellationToken,
    rate: ArcSwapOption<Rate>,
}

/// Why a request is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownClientError {
    /// It has no readable key.
    #[error("this gateway serves known clients only: send a key as `Authorization: Bearer TOKEN`")]
    NoKey,
    /// Its key is unknown.
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

    /// Authenticates a request by its key.
    ///
    /// # Errors
    ///
    /// The request has no readable key, or the key is unknown.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Arc<Principal>, UnknownClientError> {
        if self.keys.is_empty() {
            return self
                .principals
                .first()
                .cloned()
                .ok_or(UnknownClientError::Key);
        }
        self.holder(token(headers)?).ok_or(UnknownClientError::Key)
    }

    /// The client with this key. Every key is compared in constant time, so that timing reveals nothing.
    pub fn holder(&self, token: &[u8]) -> Option<Arc<Principal>> {
        let presented: [u8; 32] = Sha256::digest(token).into();
        let now = SystemTime::now();
        let mut at = u32::MAX;
        for (index, key) in (0u32..).zip(&self.keys) {
            if let Some(hash) = key.token_sha256 {
                at.conditional_assign(&index, hash.ct_eq(&presented));
            }
            if let Some((hash, _)) = key.previous.filter(|(_, until)| now < *until) {
                at.conditional_assign(&index, hash.ct_eq(&presented));
            }
        }
        let principal = usize::try_from(at)
            .ok()
            .and_then(|at| self.principals.get(at));
        principal.cloned()
    }

    /// The client whose certificate has one of these names; `None` where that is none, or not one alone.
    pub fn shown(&self, names: &[String]) -> Option<Arc<Principal>> {
        let is = |key: &ClientKey| {
            let name = key.certificate.as_deref();
            name.is_some_and(|name| names.iter().any(|one| one == name))
        };
        let keys = self.keys.iter().zip(&self.principals);
        let mut found = keys
            .filter(|(key, _)| is(key))
            .map(|(_, principal)| principal);
        match (found.next(), found.next()) {
            (Some(principal), None) => Some(principal.clone()),
            _ => None,
        }
    }

    /// The principal of a client on stdio. It needs no key: whoever can start the gateway can read its configuration.
    pub fn named(&self, name: Option<&str>) -> Option<Arc<Principal>> {
        let mut all = self.principals.iter();
        all.find(|one| one.name.as_deref() == name).cloned()
    }

    /// Keeps the principals of unchanged clients, and with them their sessions.
    pub fn inherit(&mut self, before: &Self) {
        if self.is_open() && before.is_open() {
            self.principals.clone_from(&before.principals);
        }
        for (key, principal) in self.keys.iter().zip(&mut self.principals) {
            let same = before.keys.iter().position(|one| one.is_same_as(key));
            if let Some(same) = same.and_then(|at| before.principals.get(at)) {
                same.set_rate(key.rate);
                *principal = same.clone();
            }
        }
    }

    /// The same clients, of which those that `renewed` names are new principals: what they have open ends.
    pub fn renewed(&self, renewed: impl Fn(&str) -> bool) -> Self {
        let mut clients = self.clone();
        for (key, principal) in clients.keys.iter().zip(&mut clients.principals) {
            if renewed(&key.name) {
                *principal = Arc::new(Principal::of(key));
            }
        }
        clients
    }

    /// The client of this name, as it is configured.
    pub fn key(&self, name: &str) -> Option<&ClientKey> {
        self.keys.iter().find(|key| &*key.name == name)
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
    pub fn end_others(&self, now: &Self) {
        for principal in &self.principals {
            if !now.principals.iter().any(|one| Arc::ptr_eq(one, principal)) {
                principal.end();
            }
        }
    }
}

impl ClientKey {
    /// Whether both keys are the same client; the rate is not compared. A client whose new key stands beside the one that
    /// it had goes on.
    fn is_same_as(&self, other: &Self) -> bool {
        let before = |key: &Self| key.previous.map(|(hash, _)| hash);
        let rotated = match (self.token_sha256, other.token_sha256) {
            (Some(one), Some(two)) => {
                one == two || before(self) == Some(two) || before(other) == Some(one)
            }
            (one, two) => one == two,
        };
        let identity = |key: &Self| {
            (
                key.name.clone(),
                key.groups.clone(),
                key.certificate.clone(),
            )
        };
        identity(self) == identity(other) && rotated
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

    /// The client that a token's issuer vouches for.
    pub(crate) fn of_bearer(bearer: &Bearer) -> Self {
        Self {
            name: Some(bearer.name.clone()),
            groups: bearer.groups.clone(),
            issuer: Some(bearer.issuer.clone()),
            claims: bearer.claims.clone(),
            ..Self::default()
        }
    }

    /// Whose views count for it.
    pub fn viewer(&self) -> Viewer<'_> {
        Viewer {
            name: self.name.as_deref(),
            groups: &self.groups,
        }
    }

    /// Sets the most HTTP requests per second; a rate that stays goes on counting.
    pub(crate) fn set_rate(&self, rate: Option<NonZeroU32>) {
        let rate = rate.map(Rate::per_second).map(Arc::new);
        if self.rate.load().as_deref() != rate.as_deref() {
            self.rate.store(rate);
        }
    }

    /// Ends the client's streams and sessions.
    pub(crate) fn end(&self) {
        self.over.cancel();
    }

    /// Cancelled when the configuration no longer has the client.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// The account that the client's requests count against; `None` for the anonymous client, which counts by its
    /// address.
    pub fn account(&self) -> Option<Account> {
        self.name.clone().map(Account::Client)
    }

    /// Counts one HTTP request.
    ///
    /// # Errors
    ///
    /// The client exceeds its rate; the error is the time to wait before the next try.
    pub fn within_rate(&self) -> Result<(), Duration> {
        match &*self.rate.load() {
            Some(rate) => rate.check(),
            None => Ok(()),
        }
    }
}

/// The token of a request. An ambiguous `Authorization` counts as none.
///
/// # Errors
///
/// The request has no readable token.
pub fn token(headers: &HeaderMap) -> Result<&[u8], UnknownClientError> {
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
            token_sha256: Some(Sha256::digest(token).into()),
            previous: None,
            certificate: None,
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
    fn a_new_key_beside_the_one_before_it_leaves_no_gap_and_no_session_behind() {
        let before = Clients::new(vec![key("ada", "old")]);
        let rotated = |until| ClientKey {
            previous: Some((Sha256::digest("old").into(), until)),
            ..key("ada", "new")
        };
        let soon = SystemTime::now() + Duration::from_secs(60);
        let mut both = Clients::new(vec![rotated(soon)]);
        both.inherit(&before);
        before.end_others(&both);
        assert!(Arc::ptr_eq(&before.principals[0], &both.principals[0]));
        for token in ["Bearer old", "Bearer new"] {
            assert_eq!(asked(&both, &[token]), Ok(Some("ada".to_owned())));
        }
        let mut after = Clients::new(vec![rotated(SystemTime::now())]);
        after.inherit(&both);
        both.end_others(&after);
        assert_eq!(asked(&after, &["Bearer old"]), Err(UnknownClientError::Key));
        let mut alone = Clients::new(vec![key("ada", "new")]);
        alone.inherit(&after);
        after.end_others(&alone);
        assert!(!before.principals[0].over().is_cancelled());
    }

    #[test]
    fn a_certificate_is_one_client_or_nobody() {
        let with = |name: &str, certificate: &str| ClientKey {
            token_sha256: None,
            certificate: Some(certificate.into()),
            ..key(name, "")
        };
        let clients = Clients::new(vec![
            with("ada", "a@x"),
            with("bob", "spiffe://x/b"),
            key("eve", "e"),
        ]);
        let shown = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
            clients
                .shown(&names)
                .and_then(|it| it.name.as_deref().map(str::to_owned))
        };
        assert_eq!(shown(&["other", "a@x"]).as_deref(), Some("ada"));
        assert_eq!(shown(&["a@x", "spiffe://x/b"]), None);
        assert_eq!(shown(&["A@x"]), None);
        assert_eq!(shown(&[]), None);
        assert_eq!(
            asked(&clients, &["Bearer "]),
            Err(UnknownClientError::NoKey)
        );
        assert_eq!(asked(&clients, &["Bearer e"]), Ok(Some("eve".to_owned())));
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
