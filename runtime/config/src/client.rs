//! `[clients.NAME]`: the clients that may call, each known by a key.

use std::num::NonZeroU32;

use sandgate_text::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::egress::Moment;
use super::scalar::{Mistake, Scalar, scalar};

/// A client that may call, known by its token. With any client, a request without a known token is answered 401.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Client {
    /// SHA-256 of its token, in hexadecimal; never the token itself. `sandgate token` makes both, or
    /// `printf %s TOKEN | sha256sum`. This or `certificate` has to be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<TokenHash>,
    /// The key that it had before, good beside the new one until a moment: so nobody is locked out while keys are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousKey>,
    /// The name in its certificate, by which it is known without a token: an alternative name that is a URI, a mail
    /// address or a host name, or, where the certificate has none, the common name. Needs `gateway.tls.client-ca`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Its groups, for the `groups` of interceptors.
    #[serde(default)]
    pub groups: Vec<String>,
    /// HTTP requests that it may make in a second, as `"100/s"`; a further one is answered 429. After silence those of one
    /// second may come at once. Left out: as many as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RatePerSecond>,
}

/// A client's key that is about to end.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PreviousKey {
    /// SHA-256 of the token, in hexadecimal.
    pub token_sha256: TokenHash,
    /// Until when it is good.
    pub until: Moment,
}

/// A SHA-256 hash in 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// A number of requests in a second: a whole number and `/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePerSecond(pub NonZeroU32);

/// The help text if something else stands in place of a hash.
const REMEDY: &str = "write the token's hash, never the token itself: `printf %s TOKEN | sha256sum` prints it, and `sandgate token` \
                      makes a new token with its hash";

/// SHA-256 of nothing, which is what `sha256sum` prints if the token was an empty variable.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Checks a client's name, by which interceptors, logs and people know the client.
pub(crate) fn check_name(name: &str) -> Result<(), Mistake> {
    let help = "use letters, digits and any of `-_.@+`, at most 128";
    let fits = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
    if name.is_empty() || name.len() > 128 {
        return Err(Mistake::new("is not 1 to 128 bytes long", help));
    }
    match name.chars().find(|&c| !fits(c)) {
        Some(c) => Err(Mistake::new(
            format!("has the character `{}`", c.escape_default()),
            help,
        )),
        None => Ok(()),
    }
}

impl TokenHash {
    /// The hash in hexadecimal.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}

impl Scalar for TokenHash {
    const KIND: &'static str = "a SHA-256 hash in 64 hexadecimal digits";
    const PATTERN: Option<&'static str> = Some("^[0-9A-Fa-f]{64}$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let hash = hex::decode(text).and_then(|hash| hash.try_into().ok());
        let hash = hash
            .ok_or_else(|| Mistake::new("is not a SHA-256 hash (64 hexadecimal digits)", REMEDY))?;
        if text.eq_ignore_ascii_case(OF_NOTHING) {
            return Err(Mistake::new("is the hash of an empty token", REMEDY));
        }
        Ok(Self(hash))
    }

    fn write(&self) -> String {
        self.hex()
    }
}

impl Scalar for RatePerSecond {
    const KIND: &'static str = "a rate such as \"100/s\"";
    const PATTERN: Option<&'static str> = Some("^[1-9][0-9]*/s$");
    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write a whole number, at least 1, and `/s`, for example \"100/s\"";
        let count = text.strip_suffix("/s").and_then(|count| count.parse().ok());
        count
            .map(Self)
            .ok_or_else(|| Mistake::new("is not a rate", help))
    }
    fn write(&self) -> String {
        format!("{}/s", self.0)
    }
}

scalar!(TokenHash, RatePerSecond);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_is_64_hexadecimal_digits_in_either_case() {
        let text = "00ff".repeat(16);
        let hash = TokenHash::read(&text).unwrap();
        assert_eq!(hash.0[..2], [0, 255]);
        assert_eq!(hash.write(), text);
        assert_eq!(TokenHash::read(&text.to_uppercase()), Ok(hash));
        for wrong in [
            "",
            "my-token",
            &text[1..],
            &text.replace('f', "g"),
            OF_NOTHING,
        ] {
            let mistake = TokenHash::read(wrong).unwrap_err();
            assert!(mistake.help.contains("sha256sum"));
            assert!(wrong.is_empty() || !format!("{mistake:?}").contains(wrong));
        }
    }

    #[test]
    fn a_rate_is_a_number_of_requests_in_a_second() {
        assert_eq!(RatePerSecond::read("100/s").unwrap().write(), "100/s");
        for wrong in ["", "100", "0/s", "-1/s", "1.5/s", "100/m", "5000000000/s"] {
            assert!(RatePerSecond::read(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn a_name_is_readable_in_a_log() {
        for name in ["ada", "ada@example.com", "ci-2", "zoë"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a\n", "a*", "{a}", "a\"", &"a".repeat(129)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
