//! Asking an issuer about a token (RFC 7662), where its tokens say nothing themselves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::RefusedTokenError;
use crate::fetch::Fetcher;
use crate::jws::object;

/// How the gateway makes itself known to an issuer that it asks about tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Introspection {
    /// The endpoint; `None` for the one in the issuer's metadata.
    pub endpoint: Option<String>,
    /// The gateway's client id at the issuer.
    pub client_id: String,
    /// The gateway's secret at the issuer.
    pub client_secret: Zeroizing<String>,
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            endpoint,
            client_id,
            ..
        } = self;
        write!(f, "Introspection({endpoint:?}, {client_id:?})")
    }
}

impl Introspection {
    /// Asks about a token. Returns what the issuer says of it.
    ///
    /// # Errors
    ///
    /// The outer error says why the issuer gave no answer; the inner one that the token is not active.
    pub(crate) async fn ask(
        &self,
        fetcher: &Fetcher,
        endpoint: &str,
        token: &str,
    ) -> Result<Result<Value, RefusedTokenError>, String> {
        let coded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = format!("token={}&token_type_hint=access_token", coded(token));
        let credentials = basic(&self.client_id, &self.client_secret)?;
        let answer = fetcher.post(endpoint, credentials, form).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let said = object(answer.to_vec())
            .ok_or_else(|| format!("{endpoint}: the answer is no JSON object"))?;
        Ok(match said["active"].as_bool() {
            Some(true) => Ok(said),
            Some(false) => Err(RefusedTokenError::Inactive),
            None => return Err(format!("{endpoint}: the answer has no `active`")),
        })
    }
}

/// Credentials by which the gateway makes itself known, each coded as in a form (RFC 6749, 2.3.1).
pub(crate) fn basic(id: &str, secret: &str) -> Result<HeaderValue, String> {
    let coded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let both = format!("{}:{}", coded(id), coded(secret));
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(both)))
        .map_err(|error| error.to_string())
}
