//! A signed token (JWS in compact form, RFC 7515), read and not yet believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sandgate_message::{Json, Limits};
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::error::RefusedTokenError;

/// The longest `kid`, in bytes.
const MAX_KEY_ID: usize = 256;

/// A token's parts.
pub(crate) struct Jws<'t> {
    header: Value,
    /// What the token says. Nothing of it is true before the signature is checked.
    pub(crate) claims: Value,
    pub(crate) signed: &'t [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Reads a token. Each part is read strictly: two readers cannot find two meanings in it.
    ///
    /// # Errors
    ///
    /// The text is no JWS of two JSON objects, or has two members of one name.
    pub(crate) fn read(token: &'t str) -> Result<Self, RefusedTokenError> {
        let malformed = || RefusedTokenError::Malformed;
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            object(bytes)
        };
        Ok(Self {
            header: object(header).ok_or_else(malformed)?,
            claims: object(claims).ok_or_else(malformed)?,
            signed: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?,
        })
    }

    /// The algorithm, if it is one of these, and the key's id.
    ///
    /// # Errors
    ///
    /// The header asks for an extension, is of another type than `typ`, or names another algorithm.
    pub(crate) fn algorithm(
        &self,
        typ: &str,
        algorithms: &[Algorithm],
    ) -> Result<(Algorithm, Option<&str>), RefusedTokenError> {
        if self.header.get("crit").is_some() || self.header.get("b64").is_some() {
            return Err(RefusedTokenError::Critical);
        }
        let said = self.header["typ"].as_str().unwrap_or_default();
        let short = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.strip_prefix("application/")
                .map(str::to_owned)
                .unwrap_or(name)
        };
        if short(said) != short(typ) {
            return Err(RefusedTokenError::Type);
        }
        let algorithm = self.header["alg"]
            .as_str()
            .and_then(Algorithm::named)
            .filter(|algorithm| algorithms.contains(algorithm))
            .ok_or(RefusedTokenError::Algorithm)?;
        let id = match self.header.get("kid") {
            None => None,
            Some(id) => {
                let id = id.as_str().filter(|id| id.len() <= MAX_KEY_ID);
                Some(id.ok_or(RefusedTokenError::Key)?)
            }
        };
        Ok((algorithm, id))
    }
}

/// A JSON object, read strictly.
pub(crate) fn object(text: Vec<u8>) -> Option<Value> {
    let limits = Limits {
        bytes: 64 << 10,
        depth: 16,
    };
    let json = Json::parse(text, &limits).ok()?;
    let value: Value = serde_json::from_str(json.as_str()).ok()?;
    value.is_object().then_some(value)
}
