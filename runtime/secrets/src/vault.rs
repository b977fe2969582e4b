//! A value of a key-value store, version 2, of HashiCorp Vault or OpenBao.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::trust::client_config;
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
            runtime.block_on(async {
                let asked = tokio::time::timeout(PATIENCE, self.ask()).await;
                asked.unwrap_or_else(|_| Err(VaultError::Time(self.name())))
            })
        };
        std::thread::scope(|scope| scope.spawn(asked).join())
            .unwrap_or_else(|_| Err(self.unreachable("the request ended in a panic")))
    }

    async fn ask(&self) -> Result<Value, VaultError> {
        let host = self
            .address
            .host()
            .ok_or_else(|| VaultError::Address(self.address.clone()))?;
        let is_tls = self.address.scheme_str() == Some("https");
        let port = self
            .address
            .port_u16()
            .unwrap_or(if is_tls { 443 } else { 80 });
        let bare = host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((bare, port)).await;
        let stream = stream.map_err(|error| self.unreachable(error))?;
        if !is_tls {
            return self.ask_on(stream).await;
        }
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|error| self.unreachable(error))?;
        let connector = TlsConnector::from(client_config(self.authorities.clone()));
        let stream = connector.connect(name, stream).await;
        self.ask_on(stream.map_err(|error| self.unreachable(error))?)
            .await
    }

    async fn ask_on(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Value, VaultError> {
        let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(error))?;
        tokio::spawn(connection);
        let mut token =
            http::HeaderValue::from_str(self.token.expose()).map_err(|_| VaultError::Token)?;
        token.set_sensitive(true);
        let base = self.address.path().trim_end_matches('/');
        let mut request = Request::get(format!("{base}/v1/{}/data/{}", self.mount, self.path))
            .header(
                "host",
                self.address.authority().map_or("", |one| one.as_str()),
            )
            .header("x-vault-request", "true")
            .header("x-vault-token", token);
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let request = request
            .body(Empty::<Bytes>::new())
            .map_err(|error| self.unreachable(error))?;
        let response = send
            .send_request(request)
            .await
            .map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(VaultError::Status(self.name(), status, self.path.clone()));
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| self.unreachable(error))?.to_bytes();
        let missing = || VaultError::NoKey(self.name(), self.path.clone(), self.key.clone());
        let said = serde_json::from_slice::<serde_json::Value>(&body).map_err(|_| missing())?;
        let text = said["data"]["data"][&self.key]
            .as_str()
            .map(|text| Zeroizing::new(text.to_owned()));
        text.map(|text| Value::of(text.to_string()))
            .ok_or_else(missing)
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
