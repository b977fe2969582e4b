//! One issuer: its settings, and its judgement of a token.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::bearer::Bearer;
use crate::config::IssuerConfig;
use crate::discovery::{Metadata, discover};
use crate::error::{RefusedTokenError, TokenError};
use crate::fetch::Fetcher;
use crate::introspection::Introspection;
use crate::jws::Jws;
use crate::key::{Keys, MAX_BYTES};
use crate::key_cache::{Health, KeyCache};

/// The tokens about which an issuer is asked at a time.
const QUESTIONS: usize = 16;
/// How long a question waits for the end of another.
const WAIT: Duration = Duration::from_secs(2);

/// An issuer, with what is known of it.
pub struct Issuer {
    config: IssuerConfig,
    fetcher: Fetcher,
    keys: KeyCache,
    /// The introspection endpoint, once the metadata has named it, and how the last questions went.
    asked: Mutex<(Option<Arc<str>>, Health)>,
    questions: Semaphore,
}

impl Issuer {
    /// An issuer of which nothing is known yet.
    pub fn new(config: IssuerConfig) -> Self {
        Self {
            fetcher: Fetcher::new(&config.issuer, config.loopback_http, config.roots.as_ref()),
            config,
            keys: KeyCache::default(),
            asked: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
        }
    }

    /// Its settings.
    pub fn config(&self) -> &IssuerConfig {
        &self.config
    }

    /// Its condition.
    pub fn health(&self) -> Health {
        match &self.config.introspection {
            None => self.keys.health(),
            Some(_) => self.asked.lock().1.clone(),
        }
    }

    /// Fetches its keys, or finds its endpoint, before the first token comes.
    pub async fn prepare(&self) {
        match &self.config.introspection {
            None => {
                self.keys.current(&|| self.fetch_keys()).await;
            }
            Some(introspection) => {
                let found = self.endpoint(introspection).await;
                self.note(found.map(drop));
            }
        }
    }

    /// Judges a token that it has signed, or that it is asked about.
    ///
    /// # Errors
    ///
    /// The token is not this issuer's, is not valid now, or cannot be judged now.
    pub(crate) async fn judge(&self, token: &str) -> Result<Bearer, TokenError> {
        match &self.config.introspection {
            None => self.verify(token).await,
            Some(introspection) => self.ask(introspection, token).await,
        }
    }

    async fn verify(&self, token: &str) -> Result<Bearer, TokenError> {
        let jws = Jws::read(token)?;
        if jws.claims["iss"].as_str() != Some(self.config.issuer.as_str()) {
            return Err(RefusedTokenError::Issuer.into());
        }
        let (algorithm, id) = jws.algorithm(&self.config.typ, &self.config.algorithms)?;
        let keys = self.keys.fitting(id, algorithm, || self.fetch_keys()).await;
        let keys = keys.ok_or_else(|| self.unavailable())?;
        let fitting = keys.fitting(id, algorithm);
        if fitting.is_empty() {
            return Err(RefusedTokenError::Key.into());
        }
        let signed = |key: &&crate::key::Key| key.signed(algorithm, jws.signed, &jws.signature);
        if !fitting.iter().any(signed) {
            return Err(RefusedTokenError::Signature.into());
        }
        Ok(Bearer::of(&self.config, &jws.claims, SystemTime::now())?)
    }

    async fn ask(&self, introspection: &Introspection, token: &str) -> Result<Bearer, TokenError> {
        let place = tokio::time::timeout(WAIT, self.questions.acquire()).await;
        let Ok(Ok(_place)) = place else {
            return Err(self.unavailable());
        };
        let asked = async {
            let endpoint = self.endpoint(introspection).await?;
            introspection.ask(&self.fetcher, &endpoint, token).await
        };
        let said: Value = match asked.await {
            Ok(said) => {
                self.note(Ok(()));
                said?
            }
            Err(why) => {
                self.note(Err(why));
                return Err(self.unavailable());
            }
        };
        if said
            .get("iss")
            .is_some_and(|iss| iss.as_str() != Some(self.config.issuer.as_str()))
        {
            return Err(RefusedTokenError::Issuer.into());
        }
        Ok(Bearer::of(&self.config, &said, SystemTime::now())?)
    }

    async fn endpoint(&self, introspection: &Introspection) -> Result<Arc<str>, String> {
        if let Some(endpoint) = &introspection.endpoint {
            return Ok(endpoint.as_str().into());
        }
        if let Some(endpoint) = &self.asked.lock().0 {
            return Ok(endpoint.clone());
        }
        let named = self.discover().await?.introspection_endpoint;
        let named = named.ok_or("its metadata has no `introspection_endpoint`")?;
        let endpoint: Arc<str> = named.into();
        self.asked.lock().0 = Some(endpoint.clone());
        Ok(endpoint)
    }

    async fn fetch_keys(&self) -> Result<Keys, String> {
        let place = match &self.config.jwks_uri {
            Some(place) => place.clone(),
            None => {
                let named = self.discover().await?.jwks_uri;
                named.ok_or("its metadata has no `jwks_uri`")?
            }
        };
        let text = self.fetcher.get(&place, MAX_BYTES).await;
        let text = text.map_err(|error| error.to_string())?;
        Keys::read(&text).map_err(|why| format!("{place}: {why}"))
    }

    async fn discover(&self) -> Result<Metadata, String> {
        discover(&self.fetcher, &self.config.issuer).await
    }

    fn note(&self, answered: Result<(), String>) {
        let health = &mut self.asked.lock().1;
        match answered {
            Ok(()) => health.answers(),
            Err(why) => health.fails(why),
        }
    }

    fn unavailable(&self) -> TokenError {
        TokenError::Unavailable(self.config.issuer.clone())
    }
}
