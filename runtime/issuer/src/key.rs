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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// What is signed in `signatures.json`, which was made with Node's `crypto`.
    const SIGNED: &[u8] = b"eyJhbGciOiJ4In0.eyJpc3MiOiJ4In0";

    fn read(keys: &[Value]) -> Result<Keys, String> {
        Keys::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn each_algorithm_knows_its_own_signatures_and_no_others() {
        let all: Vec<Value> = serde_json::from_str(include_str!("signatures.json")).unwrap();
        assert_eq!(all.len(), Algorithm::ALL.len());
        for one in &all {
            let name = one["alg"].as_str().unwrap();
            let algorithm = Algorithm::named(name).unwrap();
            let signature = |one: &Value| {
                let text = one["signature"].as_str().unwrap();
                URL_SAFE_NO_PAD.decode(text).unwrap()
            };
            let keys = read(std::slice::from_ref(&one["jwk"])).unwrap();
            let key = &keys.0[0];
            assert!(key.signed(algorithm, SIGNED, &signature(one)), "{name}");
            assert!(
                !key.signed(algorithm, b"another text", &signature(one)),
                "{name}"
            );
            for other in all.iter().filter(|other| other["alg"] != one["alg"]) {
                assert!(
                    !key.signed(algorithm, SIGNED, &signature(other)),
                    "{name} {other}"
                );
            }
            for other in Algorithm::ALL
                .into_iter()
                .filter(|other| *other != algorithm)
            {
                assert!(
                    !key.signed(other, SIGNED, &signature(one)),
                    "{name} {other:?}"
                );
                assert!(
                    keys.fitting(Some(name), other).is_empty(),
                    "{name} {other:?}"
                );
            }
            // Issuers that write a zero before a number are understood.
            if let Some(n) = one["jwk"]["n"].as_str() {
                let longer = [vec![0], URL_SAFE_NO_PAD.decode(n).unwrap()].concat();
                let mut jwk = one["jwk"].clone();
                jwk["n"] = json!(URL_SAFE_NO_PAD.encode(longer));
                let keys = read(&[jwk]).unwrap();
                assert!(
                    keys.0[0].signed(algorithm, SIGNED, &signature(one)),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_key_for_signatures_is_left_out_and_too_much_is_nothing() {
        let half = "A".repeat(43);
        let good = json!({ "kty": "EC", "crv": "P-256", "kid": "a", "x": half, "y": half });
        let with = |member: &str, value: Value| {
            let mut key = good.clone();
            key[member] = value;
            key
        };
        for odd in [
            with("use", json!("enc")),
            with("key_ops", json!(["sign"])),
            with("alg", json!("HS256")),
            with("alg", json!(7)),
            with("crv", json!("P-521")),
            with("kty", json!("oct")),
            with("x", json!("AA")),
            with("y", json!("+/")),
        ] {
            assert!(read(std::slice::from_ref(&odd)).is_err(), "{odd}");
            assert_eq!(read(&[odd, good.clone()]).unwrap().len(), 1);
        }
        assert!(read(&vec![good.clone(); MAX_KEYS]).is_ok());
        assert!(read(&vec![good.clone(); MAX_KEYS + 1]).is_err());
        assert!(Keys::read(br#"{"keys":[],"keys":[]}"#).is_err());
        // Without an id there must be one key alone that fits.
        let one = read(std::slice::from_ref(&good)).unwrap();
        assert_eq!(one.fitting(None, Algorithm::Es256).len(), 1);
        let two = read(&[good.clone(), with("kid", json!("b"))]).unwrap();
        assert!(two.fitting(None, Algorithm::Es256).is_empty());
        assert_eq!(two.fitting(Some("b"), Algorithm::Es256).len(), 1);
        assert!(two.fitting(Some("c"), Algorithm::Es256).is_empty());
    }
}
