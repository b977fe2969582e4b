//! A value of a key-value store, version 2, of HashiCorp Vault or OpenBao.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, Uri};
use rustls::RootCertStore;
use sandgate_fetch::{FetchError, Reach, Request, addresses, client_config};
use url::Url;
use zeroize::Zeroizing;

use crate::value::Value;

/// The time for the connection and the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const LARGEST: usize = 1 << 20;

/// Where a value is kept.
#[derive(Clone, Debug)]
pub struct Vault {
    /// The store: `https`, or `http` where it is this machine.
    pub address: Uri,
    /// Where the key-value store is mounted, for example `secret`.
    pub mount: String,
    /// The path of the secret in it.
    pub path: String,
    /// Its member that is the value.
    pub key: String,
    /// The namespace, where the store has some.
    pub namespace: Option<String>,
    /// The token that may read it.
    pub token: Value,
    /// The authorities that may vouch for the store; `None`: those of the system.
    pub authorities: Option<Arc<RootCertStore>>,
}

/// Why a store gave no value. Never repeats what it said.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum VaultError {
    #[error("{0} has no host")]
    Address(Uri),
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    #[error("{0} did not answer within 10 s")]
    Time(String),
    #[error("{0} answered {1} for {2:?}")]
    Status(String, StatusCode, String),
    #[error("{0} has no text {2:?} in {1:?}")]
    NoKey(String, String, String),
    #[error("the token has a character that no header may have")]
    Token,
}

impl Vault {
    /// Asks the store. Redirects are not followed. Blocks, at most 10 s.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, its certificate is not trusted, it refuses, or has no such text.
    pub fn read(&self) -> Result<Value, VaultError> {
        // A runtime of its own, on a thread of its own: this may be called from within another.
        let asked = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.map_err(|error| self.unreachable(error))?;
            let asked = runtime.block_on(self.ask());
            // A look-up of a name cannot be ended. Dropping the runtime would wait for it, whatever the time.
            runtime.shutdown_background();
            asked
        };
        std::thread::scope(|scope| scope.spawn(asked).join())
            .unwrap_or_else(|_| Err(self.unreachable("the request ended in a panic")))
    }

    async fn ask(&self) -> Result<Value, VaultError> {
        let url = self.url()?;
        let mut request = Request {
            tls: self
                .authorities
                .clone()
                .map(|roots| client_config(Some(roots))),
            ..Request::get(&url, PATIENCE)
        };
        let value = |text: &str| HeaderValue::from_str(text);
        let mut token = value(self.token.expose()).map_err(|_| VaultError::Token)?;
        token.set_sensitive(true);
        request
            .headers
            .insert("x-vault-request", HeaderValue::from_static("true"));
        request.headers.insert("x-vault-token", token);
        if let Some(namespace) = &self.namespace {
            let namespace = value(namespace).map_err(|error| self.unreachable(error))?;
            request.headers.insert("x-vault-namespace", namespace);
        }
        let sent = request.send(addresses(&url, Reach::Private)).await;
        let answer = sent.map_err(|error| self.failed(error))?;
        if answer.status != StatusCode::OK {
            return Err(VaultError::Status(
                self.name(),
                answer.status,
                self.path.clone(),
            ));
        }
        let body = answer
            .bytes(LARGEST)
            .await
            .map_err(|error| self.failed(error))?;
        let missing = || VaultError::NoKey(self.name(), self.path.clone(), self.key.clone());
        let said = serde_json::from_slice::<serde_json::Value>(&body).map_err(|_| missing())?;
        let text = said["data"]["data"][&self.key]
            .as_str()
            .map(|text| Zeroizing::new(text.to_owned()));
        text.map(|text| Value::of(text.to_string()))
            .ok_or_else(missing)
    }

    /// The URL of the secret.
    fn url(&self) -> Result<Url, VaultError> {
        let wrong = |_| VaultError::Address(self.address.clone());
        let mut base = Url::parse(&self.address.to_string()).map_err(wrong)?;
        // Behind a query the secret's path would be a part of it.
        base.set_query(None);
        base.set_fragment(None);
        let base = base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/v1/{}/data/{}", self.mount, self.path)).map_err(wrong)
    }

    fn failed(&self, error: FetchError) -> VaultError {
        match error {
            FetchError::Time(_) => VaultError::Time(self.name()),
            error => self.unreachable(error),
        }
    }

    fn name(&self) -> String {
        self.address
            .authority()
            .map_or_else(String::new, ToString::to_string)
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> VaultError {
        VaultError::Unreachable(self.name(), why.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_path_of_the_secret_is_the_path_that_is_asked() {
        for (address, asked) in [
            (
                "https://vault.example",
                "https://vault.example/v1/kv/data/team/github",
            ),
            (
                "https://vault.example:8200/",
                "https://vault.example:8200/v1/kv/data/team/github",
            ),
            (
                "https://vault.example/behind/a/proxy/?namespace=x",
                "https://vault.example/behind/a/proxy/v1/kv/data/team/github",
            ),
            (
                "https://vault.example?x",
                "https://vault.example/v1/kv/data/team/github",
            ),
        ] {
            let vault = Vault {
                address: address.parse().unwrap(),
                mount: "kv".into(),
                path: "team/github".into(),
                key: "token".into(),
                namespace: None,
                token: Value::of("t".into()),
                authorities: None,
            };
            assert_eq!(vault.url().unwrap().as_str(), asked);
        }
    }
}
