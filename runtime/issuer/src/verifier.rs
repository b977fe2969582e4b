//! The issuers of a gateway, and the tokens that they have vouched for a moment ago.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::bearer::Bearer;
use crate::error::{RefusedTokenError, TokenError};
use crate::issuer::Issuer;
use crate::jws::Jws;
use crate::key_cache::Health;

/// The longest token, in bytes.
pub const MAX_TOKEN: usize = 8 << 10;
/// How long a token that an issuer signed is believed without looking again.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// How long an issuer's answer about a token is believed: as long as a revoked token may be used.
const KEPT_ANSWER: Duration = Duration::from_secs(30);
/// The tokens that are kept, the longest unused of which gives way: good ones, and refused ones, of which anybody can make
/// as many as he likes.
const MOST: (NonZeroUsize, NonZeroUsize) = (
    NonZeroUsize::new(4096).unwrap(),
    NonZeroUsize::new(512).unwrap(),
);

/// Judges tokens by their issuers.
pub struct Verifier {
    issuers: Vec<Arc<Issuer>>,
    known: Mutex<Known>,
}

/// Judgements by the token's hash, until when they hold. The tokens themselves are not kept.
struct Known {
    good: LruCache<[u8; 32], (Arc<Bearer>, Instant)>,
    refused: LruCache<[u8; 32], (RefusedTokenError, Instant)>,
}

type Judgement = Result<Arc<Bearer>, RefusedTokenError>;

impl Verifier {
    /// A verifier for these issuers, of which at most one is asked about tokens.
    pub fn new(issuers: Vec<Arc<Issuer>>) -> Self {
        Self {
            issuers,
            known: Mutex::new(Known {
                good: LruCache::new(MOST.0),
                refused: LruCache::new(MOST.1),
            }),
        }
    }

    /// The issuers.
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// The condition of each issuer, by its identifier.
    pub fn health(&self) -> impl Iterator<Item = (&str, Health)> {
        let issuers = self.issuers.iter();
        issuers.map(|issuer| (issuer.config().issuer.as_str(), issuer.health()))
    }

    /// The bearer of a token that is meant for one of these resources.
    ///
    /// # Errors
    ///
    /// No issuer vouches for the token, it is meant for another resource, or its issuer cannot be asked.
    pub async fn bearer(&self, token: &str, resources: &[&str]) -> Result<Arc<Bearer>, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(RefusedTokenError::TooLong.into());
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        let bearer = match self.known(&hash) {
            Some(judgement) => judgement?,
            // Boxed because the future is large and rarely needed.
            None => Box::pin(self.judge(token, hash)).await?,
        };
        let issuer = self
            .issuers
            .iter()
            .find(|one| one.config().issuer == *bearer.issuer);
        let own = issuer
            .into_iter()
            .flat_map(|issuer| &issuer.config().audiences);
        let resources = resources.iter().copied().chain(own.map(String::as_str));
        match bearer.is_for(resources) {
            true => Ok(bearer),
            false => Err(RefusedTokenError::Audience.into()),
        }
    }

    async fn judge(&self, token: &str, hash: [u8; 32]) -> Result<Arc<Bearer>, TokenError> {
        let issuer = self.issuer_of(token)?;
        let asked = issuer.config().introspection.is_some();
        let judgement = match issuer.judge(token).await {
            Ok(bearer) => Ok(Arc::new(bearer)),
            Err(TokenError::Refused(refused)) => Err(refused),
            Err(unavailable) => return Err(unavailable),
        };
        // A refusal is kept only where looking again costs the issuer something.
        if asked || judgement.is_ok() {
            let kept = if asked { KEPT_ANSWER } else { KEPT };
            let until = Instant::now() + kept;
            self.known.lock().put(hash, judgement.clone(), until);
        }
        Ok(judgement?)
    }

    /// The issuer that a token names; for one that names none, the issuer that is asked about tokens.
    fn issuer_of(&self, token: &str) -> Result<&Arc<Issuer>, RefusedTokenError> {
        let Ok(jws) = Jws::read(token) else {
            let mut issuers = self.issuers.iter();
            let asked = issuers.find(|issuer| issuer.config().introspection.is_some());
            return asked.ok_or(RefusedTokenError::Malformed);
        };
        let named = jws.claims["iss"].as_str();
        let mut issuers = self.issuers.iter();
        let found = issuers.find(|issuer| Some(issuer.config().issuer.as_str()) == named);
        found.ok_or(RefusedTokenError::Issuer)
    }

    fn known(&self, hash: &[u8; 32]) -> Option<Judgement> {
        self.known.lock().get(hash)
    }
}

impl Known {
    fn put(&mut self, hash: [u8; 32], judgement: Judgement, until: Instant) {
        match judgement {
            Ok(bearer) => drop(self.good.put(hash, (bearer, until))),
            Err(refused) => drop(self.refused.put(hash, (refused, until))),
        }
    }

    fn get(&mut self, hash: &[u8; 32]) -> Option<Judgement> {
        let now = Instant::now();
        if let Some((bearer, until)) = self.good.get(hash) {
            if bearer.until > SystemTime::now() && *until > now {
                return Some(Ok(bearer.clone()));
            }
            self.good.pop(hash);
        }
        let (refused, until) = self.refused.get(hash)?;
        if *until > now {
            return Some(Err(*refused));
        }
        self.refused.pop(hash);
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn refused_tokens_do_not_push_out_good_ones() {
        let verifier = Verifier::new(Vec::new());
        let until = Instant::now() + KEPT;
        let bearer = Arc::new(Bearer {
            issuer: "https://id.example.com".into(),
            name: "ada".into(),
            groups: Arc::from([]),
            claims: None,
            scopes: Arc::from([]),
            audiences: Vec::new(),
            until: SystemTime::now() + KEPT,
        });
        let hash = |at: u64| -> [u8; 32] { Sha256::digest(at.to_be_bytes()).into() };
        let mut known = verifier.known.lock();
        known.put(hash(0), Ok(bearer.clone()), until);
        for at in 1..10_000 {
            known.put(hash(at), Err(RefusedTokenError::Inactive), until);
        }
        assert_eq!(known.get(&hash(0)), Some(Ok(bearer)));
        assert_eq!(
            known.get(&hash(9999)),
            Some(Err(RefusedTokenError::Inactive))
        );
        assert_eq!(known.get(&hash(1)), None);
        assert_eq!(known.refused.len(), MOST.1.get());
    }
}
