//! An issuer as the operator describes it.

use std::sync::Arc;

use rustls::RootCertStore;

use crate::algorithm::Algorithm;
use crate::fetch::permitted;
use crate::introspection::Introspection;

/// An issuer as the operator describes it.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// Its identifier, an `https` URL, which its tokens have in `iss`.
    pub issuer: String,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The `typ` of its access tokens, by default `at+jwt` (RFC 9068).
    pub typ: String,
    /// What its tokens may have in `aud` beside the gateway's own resources.
    pub audiences: Vec<String>,
    /// Where a token has its principal's name (RFC 6901).
    pub principal: String,
    /// What stands before each principal's name, so that two issuers cannot mean one principal.
    pub prefix: String,
    /// Where a token has its groups (RFC 6901); `None` for no groups.
    pub groups: Option<String>,
    /// The claims that plugins may see.
    pub claims: Vec<String>,
    /// Where its keys are; `None` for the place in its metadata.
    pub jwks_uri: Option<String>,
    /// How it is asked about tokens; `None` for tokens that it signs.
    pub introspection: Option<Introspection>,
    /// Whether it may be reached by `http` on loopback.
    pub loopback_http: bool,
    /// The authorities that may vouch for it; `None` for those that browsers trust.
    pub roots: Option<Arc<RootCertStore>>,
}

impl PartialEq for IssuerConfig {
    fn eq(&self, other: &Self) -> bool {
        let roots = |config: &Self| config.roots.as_ref().map(|roots| roots.roots.clone());
        let rest = |config: &Self| Self {
            roots: None,
            ..config.clone()
        };
        let fields = |config: &Self| {
            let Self {
                issuer,
                algorithms,
                typ,
                audiences,
                principal,
                prefix,
                groups,
                claims,
                jwks_uri,
                introspection,
                loopback_http,
                roots: _,
            } = rest(config);
            (
                (issuer, algorithms, typ, audiences, principal, prefix),
                (groups, claims, jwks_uri, introspection, loopback_http),
            )
        };
        roots(self) == roots(other) && fields(self) == fields(other)
    }
}

impl IssuerConfig {
    /// Checks the addresses.
    ///
    /// # Errors
    ///
    /// Requests may not go to an address. The error names the key of it, and says why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let endpoint = self
            .introspection
            .as_ref()
            .and_then(|it| it.endpoint.as_ref());
        let all = [
            ("issuer", Some(&self.issuer)),
            ("jwks-uri", self.jwks_uri.as_ref()),
            ("introspection/endpoint", endpoint),
        ];
        for (key, url) in all {
            if let Some(url) = url {
                permitted(url, self.loopback_http).map_err(|why| (key, why))?;
            }
        }
        Ok(())
    }
}
