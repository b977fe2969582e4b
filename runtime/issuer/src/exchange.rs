//! Exchange of a client's token for one that a server behind the gateway takes (RFC 8693).

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use lru::LruCache;
use parking_lot::Mutex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::RootCertStore;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::fetch::{Fetcher, permitted};
use crate::introspection::basic;
use crate::jws::object;
use crate::verifier::MAX_TOKEN;

/// What both tokens are.
const KIND: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How long an exchanged token is used at the most.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// How long one is used whose end is not said.
const KEPT_WITHOUT_END: Duration = Duration::from_secs(60);
/// How long before its end a token is no longer used: a request with it takes its time.
const MARGIN: Duration = Duration::from_secs(10);
/// The tokens that are kept for one server, the longest unused of which gives way.
const MOST: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// The exchanges for one server at a time, and how long one waits for the end of another.
const EXCHANGES: (usize, Duration) = (16, Duration::from_secs(2));

/// How clients' tokens are exchanged for a server.
#[derive(Clone)]
pub struct ExchangeConfig {
    /// The issuer's token endpoint.
    pub token_endpoint: String,
    /// The gateway's client id at the issuer.
    pub client_id: String,
    /// The gateway's secret at the issuer.
    pub client_secret: Zeroizing<String>,
    /// Whom the new token is meant for.
    pub audience: String,
    /// The scopes of the new token; `None` for what the issuer gives.
    pub scope: Option<String>,
    /// Whether the endpoint may be reached by `http` on loopback.
    pub loopback_http: bool,
    /// The authorities that may vouch for the endpoint; `None` for those that browsers trust.
    pub roots: Option<Arc<RootCertStore>>,
}

/// Exchanges clients' tokens for a server's. Two of the same settings are equal.
pub struct Exchange {
    config: ExchangeConfig,
    fetcher: Fetcher,
    /// Headers with exchanged tokens by the hash of the client's own, until when they are used.
    known: Mutex<LruCache<[u8; 32], (HeaderValue, Instant)>>,
    places: Semaphore,
}

/// Why a token was not exchanged. The text is for the operator, and repeats no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExchangeError(String);

impl Exchange {
    /// An exchange that knows no token yet.
    ///
    /// # Errors
    ///
    /// Requests may not go to the endpoint. The error says why.
    pub fn new(config: ExchangeConfig) -> Result<Self, String> {
        permitted(&config.token_endpoint, config.loopback_http)?;
        let ExchangeConfig {
            token_endpoint,
            loopback_http,
            roots,
            ..
        } = &config;
        Ok(Self {
            fetcher: Fetcher::new(token_endpoint, *loopback_http, roots.as_ref()),
            config,
            known: Mutex::new(LruCache::new(MOST)),
            places: Semaphore::new(EXCHANGES.0),
        })
    }

    /// The `Authorization` for the server in place of a client's own.
    ///
    /// # Errors
    ///
    /// The client's is no bearer token, or the issuer gives none for it.
    pub async fn authorization(&self, own: &HeaderValue) -> Result<HeaderValue, ExchangeError> {
        let wrong = |why: &str| ExchangeError(why.to_owned());
        let own = own
            .to_str()
            .map_err(|_| wrong("the client's token is no text"))?;
        let (scheme, own) = own
            .split_once(' ')
            .ok_or_else(|| wrong("the client has no bearer token"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(wrong("the client has no bearer token"));
        }
        let own = own.trim();
        let hash: [u8; 32] = Sha256::digest(own).into();
        if let Some(known) = self.known(&hash) {
            return Ok(known);
        }
        let place = tokio::time::timeout(EXCHANGES.1, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(ExchangeError(format!(
                "{} exchanges are under way",
                EXCHANGES.0
            )));
        };
        // Another request of the same client may have been first.
        if let Some(known) = self.known(&hash) {
            return Ok(known);
        }
        // Boxed because the future is large and rarely needed.
        let (header, kept) = Box::pin(self.ask(own)).await?;
        self.known
            .lock()
            .put(hash, (header.clone(), Instant::now() + kept));
        Ok(header)
    }

    fn known(&self, hash: &[u8; 32]) -> Option<HeaderValue> {
        let mut known = self.known.lock();
        let (header, until) = known.get(hash)?;
        if *until <= Instant::now() {
            known.pop(hash);
            return None;
        }
        Some(header.clone())
    }

    async fn ask(&self, own: &str) -> Result<(HeaderValue, Duration), ExchangeError> {
        let ExchangeConfig {
            token_endpoint,
            client_id,
            client_secret,
            audience,
            scope,
            ..
        } = &self.config;
        let mut members = vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", own),
            ("subject_token_type", KIND),
            ("requested_token_type", KIND),
            ("audience", audience),
        ];
        members.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let form: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let credentials = basic(client_id, client_secret).map_err(ExchangeError)?;
        let answer = self
            .fetcher
            .post(token_endpoint, credentials, form.join("&"))
            .await;
        let answer = answer.map_err(|error| ExchangeError(error.to_string()))?;
        let wrong = |why: &str| ExchangeError(format!("{token_endpoint}: {why}"));
        let said = object(answer.to_vec()).ok_or_else(|| wrong("the answer is no JSON object"))?;
        let text = |member: &str| said.get(member).and_then(Value::as_str);
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(wrong("the new token is no bearer token"));
        }
        let token = text("access_token").unwrap_or_default();
        let plain = !token.is_empty()
            && token.len() <= MAX_TOKEN
            && token.bytes().all(|b| b.is_ascii_graphic());
        if !plain {
            return Err(wrong("the answer has no token that can be sent"));
        }
        if token == own {
            return Err(wrong(
                "the new token is the client's own, which no server may get",
            ));
        }
        let kept = match said["expires_in"].as_u64().map(Duration::from_secs) {
            Some(left) => left.saturating_sub(MARGIN).min(KEPT),
            None => KEPT_WITHOUT_END,
        };
        let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|error| wrong(&error.to_string()))?;
        header.set_sensitive(true);
        Ok((header, kept))
    }
}

impl PartialEq for Exchange {
    fn eq(&self, other: &Self) -> bool {
        let fields = |it: &Self| {
            let ExchangeConfig {
                token_endpoint,
                client_id,
                client_secret,
                audience,
                scope,
                loopback_http,
                roots,
            } = it.config.clone();
            let roots = roots.map(|roots| roots.roots.clone());
            (
                token_endpoint,
                client_id,
                client_secret,
                audience,
                scope,
                loopback_http,
                roots,
            )
        };
        fields(self) == fields(other)
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Exchange({:?} at {:?})",
            self.config.audience, self.config.token_endpoint
        )
    }
}
