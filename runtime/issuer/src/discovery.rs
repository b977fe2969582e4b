//! What an issuer says of itself (RFC 8414, OpenID Connect Discovery).

use http::StatusCode;
use serde_json::Value;
use url::Url;

use crate::fetch::{Fetcher, MAX_ANSWER};
use crate::jws::object;

/// The members of the metadata that are used.
pub(crate) struct Metadata {
    pub(crate) jwks_uri: Option<String>,
    pub(crate) introspection_endpoint: Option<String>,
}

/// Fetches the metadata of an issuer.
///
/// # Errors
///
/// There is none, or it is another issuer's. The error says why, for the operator.
pub(crate) async fn discover(fetcher: &Fetcher, issuer: &str) -> Result<Metadata, String> {
    let mut missing = String::new();
    for place in places(issuer)? {
        let text = match fetcher.get(&place, MAX_ANSWER).await {
            Ok(text) => text,
            Err(error) if error.status == Some(StatusCode::NOT_FOUND) => {
                missing = error.to_string();
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        let read = object(text.to_vec()).ok_or_else(|| format!("{place}: it is no JSON object"))?;
        if read["issuer"].as_str() != Some(issuer) {
            return Err(format!(
                "{place}: it is the metadata of another issuer: its `issuer` is {}",
                read["issuer"]
            ));
        }
        let text = |member: &str| read.get(member).and_then(Value::as_str).map(str::to_owned);
        return Ok(Metadata {
            jwks_uri: text("jwks_uri"),
            introspection_endpoint: text("introspection_endpoint"),
        });
    }
    Err(missing)
}

/// Where the metadata may be: RFC 8414 has its path before the issuer's, OpenID Connect after it.
fn places(issuer: &str) -> Result<[String; 2], String> {
    let url = Url::parse(issuer).map_err(|error| format!("{issuer}: {error}"))?;
    let origin = &url[..url::Position::BeforePath];
    let path = url.path().trim_end_matches('/');
    Ok([
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ])
}
