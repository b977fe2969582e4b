//! `[authorization]`: clients that come with tokens of the organisation's own issuers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway::PublicUrl;
use super::scalar::{Mistake, Scalar, scalar};
use super::secret::ValueOrRef;
use super::view::Target;
use crate::url::Url;

/// The gateway as an OAuth 2.1 resource server: it lets in clients with access tokens of these issuers, beside those of
/// `[clients]`. A client's token goes to no server.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Authorization {
    /// The gateway's address that tokens are meant for (`aud`), without a path: for all of the gateway as it is, for one
    /// endpoint with `/mcp` or `/mcp/NAME` after it. Left out: `gateway.public-url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<PublicUrl>,
    /// Claims of tokens that plugins may see, in the context attribute `claims`.
    #[serde(default)]
    pub claims: Vec<String>,
    /// Who issues the tokens.
    pub issuers: Vec<Issuer>,
    /// What tokens must grant.
    #[serde(default)]
    pub scopes: Scopes,
}

/// An issuer of access tokens. Its keys are found by its metadata.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Issuer {
    /// Its identifier, exactly as its tokens have it in `iss`: an `https` URL.
    pub issuer: IssuerUrl,
    /// The algorithms that its tokens may be signed with.
    #[serde(default = "algorithms")]
    #[schemars(length(min = 1))]
    pub algorithms: Vec<TokenAlgorithm>,
    /// The `typ` of its access tokens. Some issuers have `JWT` in place of `at+jwt`, and the same in their ID tokens, which
    /// are then told apart by `aud` alone.
    #[serde(default = "token_type")]
    pub token_type: TokenType,
    /// What else its tokens may have in `aud`, where it cannot be told to write the gateway's address.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Where a token has the client's name: a JSON pointer into its claims.
    #[serde(default = "subject")]
    pub principal: JsonPointer,
    /// What stands before each client's name. Needed where there are several issuers, so that no two of them can mean one
    /// client.
    #[serde(default)]
    pub prefix: String,
    /// Where a token has the client's groups, a text or a list of texts: a JSON pointer into its claims. Left out: no
    /// groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<JsonPointer>,
    /// Where its keys are. Left out: where its metadata says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Ask the issuer about each token, where its tokens are no JWTs, or must end at once when they are revoked. One issuer
    /// alone may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Introspection>,
    /// File with the certificates (PEM) of the authorities that may vouch for it, instead of those that browsers trust.
    /// Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Reach it by `http` too, on this machine alone. For development.
    #[serde(default)]
    pub loopback_http: bool,
}

/// How an issuer is asked about a token (RFC 7662).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Introspection {
    /// Where it is asked. Left out: where its metadata says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Url>,
    /// The gateway's own client id at the issuer.
    pub client_id: String,
    /// The gateway's own secret at the issuer.
    pub client_secret: ValueOrRef,
}

/// What tokens must grant: `baseline` for every request, and each other key is a scope with the tools, prompts and
/// resources that need it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Scopes {
    /// Scopes that every token needs.
    pub baseline: Vec<String>,
    /// A scope, and what needs it: `SERVER/TOOL`, `prompt:SERVER/PROMPT` or `resource:SERVER/URI`, with globs.
    #[serde(flatten)]
    pub of: BTreeMap<String, Vec<Target>>,
}

/// A signature algorithm (RFC 7518). Those with a shared secret are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are those of the RFC")]
pub enum TokenAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// The `typ` of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TokenType {
    /// As RFC 9068 has it.
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// As older issuers have it.
    #[serde(rename = "JWT")]
    Jwt,
}

/// An issuer's identifier: a URL, of which every character counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(pub String);

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer(pub String);

impl TokenAlgorithm {
    /// The name, as in `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl TokenType {
    /// The type, as in `typ`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

fn algorithms() -> Vec<TokenAlgorithm> {
    vec![TokenAlgorithm::ES256, TokenAlgorithm::RS256]
}

fn token_type() -> TokenType {
    TokenType::AccessToken
}

fn subject() -> JsonPointer {
    JsonPointer("/sub".into())
}

impl Scalar for IssuerUrl {
    const KIND: &'static str = "the URL of an issuer such as \"https://id.example.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let url = Url::read(text)?;
        if url.0.query().is_some() {
            let help = "write it exactly as the issuer's tokens have it in `iss`";
            return Err(Mistake::new("has a query (`?…`)", help));
        }
        Ok(Self(text.to_owned()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Scalar for JsonPointer {
    const KIND: &'static str = "a JSON pointer such as \"/sub\"";
    const PATTERN: Option<&'static str> = Some("^(/([^~/]|~[01])+)+$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write `/` and the claim's name, for example \"/sub\"; `~1` stands for a `/` in a name, `~0` for a `~`";
        let coded = |part: &str| {
            let mut rest = part.split('~');
            let plain = rest
                .next()
                .is_some_and(|first| !part.is_empty() || !first.is_empty());
            plain && rest.all(|rest| rest.starts_with(['0', '1']))
        };
        match text.strip_prefix('/') {
            Some(parts) if parts.split('/').all(coded) => Ok(Self(text.to_owned())),
            _ => Err(Mistake::new("is not a JSON pointer", help)),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

scalar!(IssuerUrl, JsonPointer);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pointer_names_a_claim() {
        for right in [
            "/sub",
            "/realm_access/roles",
            "/https:~1~1example.com~1groups",
        ] {
            assert_eq!(JsonPointer::read(right).unwrap().write(), right);
        }
        for wrong in ["", "sub", "/", "/a//b", "/a~2", "/a~"] {
            assert!(JsonPointer::read(wrong).is_err(), "{wrong}");
        }
    }
}
