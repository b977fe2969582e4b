//! Who may call: the clients of the configuration, known by their keys, and who they are to policies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

/// A client that may call, as the configuration has it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Its name, by which policies know it.
    pub name: Arc<str>,
    /// SHA-256 of its token. The token itself is known to the client alone.
    pub token_sha256: [u8; 32],
    /// Its groups.
    pub groups: Arc<[String]>,
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
    listening: AtomicUsize,
}

/// A stream on which a client listens. It counts until it is dropped.
pub(crate) struct Listens(Arc<Principal>);

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unknown {
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
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Arc<Principal>, Unknown> {
        if self.keys.is_empty() {
            return self.principals.first().cloned().ok_or(Unknown::Key);
        }
        let presented: [u8; 32] = Sha256::digest(token(headers)?).into();
        let mut at = u32::MAX;
        for (index, key) in (0u32..).zip(&self.keys) {
            at.conditional_assign(&index, key.token_sha256.ct_eq(&presented));
        }
        let principal = usize::try_from(at)
            .ok()
            .and_then(|at| self.principals.get(at));
        principal.cloned().ok_or(Unknown::Key)
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
            let same = before.keys.iter().position(|one| one == key);
            if let Some(same) = same.and_then(|at| before.principals.get(at)) {
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

impl Principal {
    fn of(key: &ClientKey) -> Self {
        Self {
            name: Some(key.name.clone()),
            groups: key.groups.clone(),
            ..Self::default()
        }
    }

    /// The configuration no longer has them.
    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// A place for one more stream to listen on; none where there are as many as may be.
    pub(crate) fn listen(self: &Arc<Self>, most: usize) -> Option<Listens> {
        let more = |open: usize| (open < most).then_some(open + 1);
        let listening = &self.listening;
        let counted = listening.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        counted.ok().map(|_| Listens(self.clone()))
    }
}

impl Drop for Listens {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The token of a request; one that could be read in two ways is none.
fn token(headers: &HeaderMap) -> Result<&[u8], Unknown> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Unknown::NoKey);
    };
    let (scheme, token) = value.as_bytes().split_at_checked(7).ok_or(Unknown::NoKey)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(Unknown::NoKey);
    }
    let token = token.trim_ascii();
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(Unknown::NoKey);
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
        }
    }

    fn asked(clients: &Clients, values: &[&str]) -> Result<Option<String>, Unknown> {
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
        assert_eq!(asked(&clients, &["Bearer c-token"]), Err(Unknown::Key));
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
            assert_eq!(asked(&clients, values), Err(Unknown::NoKey), "{values:?}");
        }
        assert_eq!(
            asked(&clients, &["Bearer a-token,x"]),
            Err(Unknown::Key),
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
    fn streams_are_counted_until_they_are_dropped() {
        let somebody = Arc::new(Principal::default());
        let first = somebody.listen(1);
        assert!(first.is_some() && somebody.listen(1).is_none());
        drop(first);
        assert!(somebody.listen(1).is_some());
    }
}
