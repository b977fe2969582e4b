//! An issuer's public keys (JWKS, RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use sandgate_message::{Json, Limits};
use serde_json::Value;

use crate::algorithm::{Algorithm, Family};

/// The largest JWKS, in bytes.
pub(crate) const MAX_BYTES: usize = 256 << 10;
/// The most keys in a JWKS.
pub(crate) const MAX_KEYS: usize = 100;

/// An issuer's keys that can be used here.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

/// A public key.
#[derive(Debug)]
pub(crate) struct Key {
    id: Option<String>,
    /// The one algorithm that the issuer uses it with, where it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The point or key as the algorithm reads it.
    Curve(Family, Vec<u8>),
}

impl Keys {
    /// Reads a JWKS. Keys of other kinds, and those that are not for signatures, are left out.
    ///
    /// # Errors
    ///
    /// The text is no JWKS, has too many keys, or none that can be used. The error says why.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let limits = Limits {
            bytes: MAX_BYTES,
            depth: 16,
        };
        let json = Json::parse(text.to_vec(), &limits).map_err(|error| error.to_string())?;
        let read: Value = serde_json::from_str(json.as_str()).map_err(|error| error.to_string())?;
        let keys = read["keys"].as_array().ok_or("it has no `keys`")?;
        if keys.len() > MAX_KEYS {
            return Err(format!("it has {} keys, more than {MAX_KEYS}", keys.len()));
        }
        let usable: Vec<Key> = keys.iter().filter_map(Key::read).collect();
        match usable.is_empty() {
            true => Err("it has no key that can be used".into()),
            false => Ok(Self(usable)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys that may have signed: those of this id, or, without one, the only key that fits the algorithm.
    pub(crate) fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<&Key> {
        let fits = |key: &&Key| {
            key.material.family() == algorithm.family()
                && key.algorithm.is_none_or(|only| only == algorithm)
                && id.is_none_or(|id| key.id.as_deref() == Some(id))
        };
        let found: Vec<_> = self.0.iter().filter(fits).collect();
        match id {
            None if found.len() > 1 => Vec::new(),
            _ => found,
        }
    }
}

impl Key {
    fn read(jwk: &Value) -> Option<Self> {
        let bytes = |member: &str| URL_SAFE_NO_PAD.decode(jwk[member].as_str()?).ok();
        if jwk["use"].as_str().is_some_and(|used| used != "sig") {
            return None;
        }
        if let Some(operations) = jwk["key_ops"].as_array()
            && !operations.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::named(name.as_str()?)?),
        };
        let point = |family, size: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let whole = x.len() == size && y.len() == size;
            whole.then(|| Material::Curve(family, [vec![4], x, y].concat()))
        };
        let material = match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("RSA", _) => Material::Rsa {
                n: stripped(bytes("n")?),
                e: stripped(bytes("e")?),
            },
            ("EC", Some("P-256")) => point(Family::P256, 32)?,
            ("EC", Some("P-384")) => point(Family::P384, 48)?,
            ("OKP", Some("Ed25519")) => Material::Curve(Family::Ed25519, bytes("x")?),
            _ => return None,
        };
        Some(Self {
            id: jwk["kid"].as_str().map(str::to_owned),
            algorithm,
            material,
        })
    }

    /// Whether the signature over `signed` is this key's.
    pub(crate) fn signed(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.material, algorithm.rsa(), algorithm.curve()) {
            (Material::Rsa { n, e }, Some(parameters), _) => RsaPublicKeyComponents { n, e }
                .verify(parameters, signed, signature)
                .is_ok(),
            (Material::Curve(family, key), _, Some(curve)) if *family == algorithm.family() => {
                UnparsedPublicKey::new(curve, key)
                    .verify(signed, signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}

impl Material {
    fn family(&self) -> Family {
        match self {
            Self::Rsa { .. } => Family::Rsa,
            Self::Curve(family, _) => *family,
        }
    }
}

/// A number without the zeros before it, which some issuers write and ring refuses.
fn stripped(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}
