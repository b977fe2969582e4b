//! `[authorization]`: clients that come with tokens of the organisation's own issuers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sandgate_text::suggest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway::PublicUrl;
use super::issue::Issue;
use super::rule::is_true;
use super::scalar::{Mistake, Scalar, scalar};
use super::secret::ValueOrRef;
use super::server::is_loopback;
use super::server_rules::forwarding;
use super::tree::{Entry, Table};
use super::view::Target;
use super::wording::named;
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

/// Checks what no schema can say of `[authorization]`.
pub(crate) fn check(tree: &Table, authorization: &Entry, issues: &mut Vec<Issue>) {
    let Some(table) = authorization.table() else {
        return;
    };
    let public = tree
        .table("gateway")
        .and_then(|gateway| gateway.get("public-url"));
    if table.get("resource").is_none() && public.is_none() {
        let why = "`authorization` does not say which address tokens are meant for";
        let issue = Issue::error(Some(authorization.span.clone()), why);
        issues.push(issue.help(
            "add `resource = \"https://mcp.example.com\"` to it, or `public-url` to [gateway]: the address that clients use",
        ));
    }
    check_issuers(table, issues);
    if let Some(scopes) = table.table("scopes") {
        check_scopes(tree, scopes, issues);
    }
    for (name, key) in forwarding(tree.table("servers")) {
        let place = named(&format!("/servers/{}/forward-authorization", name.name));
        let why = format!(
            "{place} cannot be `true` where there is [authorization]: the token is meant for the gateway, and no server \
             may get it"
        );
        issues.push(Issue::error(Some(key.span.clone()), why).help(
            "leave it out, and give the gateway's own credentials in the server's `headers`",
        ));
    }
}

fn check_issuers(table: &Table, issues: &mut Vec<Issue>) {
    let issuers = table.get("issuers").and_then(Entry::list).unwrap_or(&[]);
    if let (Some(value), true) = (table.get("issuers"), issuers.is_empty()) {
        let issue = Issue::error(Some(value.span.clone()), "`authorization.issuers` is empty");
        issues.push(issue.help("add an issuer: [[authorization.issuers]] with its `issuer`"));
    }
    let tables: Vec<&Table> = issuers.iter().filter_map(Entry::table).collect();
    let text =
        |table: &Table, key: &str| -> Option<String> { Some(table.get(key)?.text()?.to_owned()) };
    let mut asked = false;
    for (index, (issuer, entry)) in tables.iter().zip(issuers).enumerate() {
        let place = named(&format!("/authorization/issuers/{index}"));
        let span = |key: &str| {
            issuer
                .get(key)
                .map_or(entry.span.clone(), |value| value.span.clone())
        };
        let mut report = |key: &str, why: String, help: &str| {
            issues.push(Issue::error(Some(span(key)), why).help(help.to_owned()));
        };
        let own = text(issuer, "issuer");
        let before = &tables[..index];
        if own.is_some() && before.iter().any(|one| text(one, "issuer") == own) {
            report(
                "issuer",
                format!("{place} is the same issuer as one before it"),
                "keep one of them",
            );
        }
        let loopback = issuer.get("loopback-http").is_some_and(is_true);
        let introspection = issuer.table("introspection");
        let endpoint = introspection.and_then(|table| text(table, "endpoint"));
        for (key, url) in [
            ("issuer", own.clone()),
            ("jwks-uri", text(issuer, "jwks-uri")),
            ("introspection", endpoint),
        ] {
            let Some(url) = url.filter(|url| url.starts_with("http://")) else {
                continue;
            };
            let own = url.parse().is_ok_and(|url| is_loopback(&url));
            if !(loopback && own) {
                report(
                    key,
                    format!(
                        "{place} is reached by http, where anybody on the way may answer in its place"
                    ),
                    "write https; for development, an issuer on this machine may have `loopback-http = true`",
                );
            }
        }
        let prefix = |table: &Table| text(table, "prefix").unwrap_or_default();
        let own = prefix(issuer);
        let fits = |c: char| c.is_alphanumeric() || "-_.@+|:/=~".contains(c);
        if own.len() > 64 || !own.chars().all(fits) {
            report(
                "prefix",
                format!("the prefix {own:?} of {place} cannot be used"),
                "use letters, digits and any of `-_.@+|:/=~`, at most 64",
            );
        }
        let clash = |other: &&&Table| {
            let other = prefix(other);
            other.starts_with(&own) || own.starts_with(&other)
        };
        if let Some(other) = before.iter().find(clash) {
            report(
                "prefix",
                format!(
                    "{place} and {:?} can name one client: the one's `prefix` begins with the other's",
                    text(other, "issuer").unwrap_or_default()
                ),
                "give each issuer a `prefix` of its own, for example \"staff:\" and \"partner:\"",
            );
        }
        if introspection.is_some() && std::mem::replace(&mut asked, true) {
            report(
                "introspection",
                format!("{place} is the second issuer that is asked about tokens"),
                "keep `introspection` at one issuer: a token that says nothing of its issuer must go to nobody else",
            );
        }
    }
}

fn check_scopes(tree: &Table, scopes: &Table, issues: &mut Vec<Issue>) {
    let servers: Vec<String> = tree
        .table("servers")
        .into_iter()
        .flatten()
        .map(|(key, _)| key.name.clone())
        .collect();
    let mut check_name = |scope: &str, span: std::ops::Range<usize>| {
        let fits = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
        let (why, help) = match scope {
            "offline_access" => (
                "asks for refresh tokens, which are between client and issuer",
                "leave it out",
            ),
            _ if scope.is_empty() || scope.len() > 128 || !scope.bytes().all(fits) => (
                "is no scope",
                "use visible ASCII characters but `\"` and `\\`, at most 128",
            ),
            _ => return,
        };
        let issue = Issue::error(Some(span), format!("the scope {scope:?} {why}"));
        issues.push(issue.help(help));
    };
    for (key, value) in scopes {
        if key.name != "baseline" {
            check_name(&key.name, key.span.clone());
            continue;
        }
        for scope in value.list().into_iter().flatten() {
            if let Some(text) = scope.text() {
                check_name(text, scope.span.clone());
            }
        }
    }
    for (key, value) in scopes {
        if key.name == "baseline" {
            continue;
        }
        let targets = value.list().unwrap_or(&[]);
        if targets.is_empty() {
            let why = format!("nothing needs the scope {:?}", key.name);
            let issue = Issue::error(Some(value.span.clone()), why);
            issues.push(
                issue.help(
                    "add what needs it, for example [\"crm/update_*\"], or leave the scope out",
                ),
            );
        }
        for value in targets {
            let Some(target) = value.text().and_then(|text| Target::read(text).ok()) else {
                continue;
            };
            if !servers.iter().any(|server| target.server.matches(server)) {
                let server = target.server.as_str();
                let why = format!(
                    "the scope {:?}: no server fits {server:?} of {:?}",
                    key.name,
                    target.as_str()
                );
                let help = suggest(server, servers.iter().map(String::as_str))
                    .replace("the keys are", "the servers are");
                issues.push(Issue::error(Some(value.span.clone()), why).help(help));
            }
        }
    }
}

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
