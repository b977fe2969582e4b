//! The metadata of servers' protected resources (RFC 9728), with the gateway as the resource: a client compares the
//! address in it with the one that it called.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode, Uri};
use sandgate_access::Endpoint;
use sandgate_message::{Json, Kind, Limits, Node};

use super::http_rules::nothing_here;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::registry::Edition;
use sandgate_wire::challenge::{METADATA, metadata_path};

/// The URL of an endpoint's metadata; `own` is the gateway's address. `None` for the merged endpoint.
pub(super) fn metadata_url(endpoint: &Endpoint, own: &str) -> Option<String> {
    match endpoint {
        Endpoint::Server(name) => Some(format!("{own}{}", metadata_path(name))),
        Endpoint::Merged => None,
    }
}

/// Answers a request for the metadata. It needs no token, since the metadata says where to get one.
pub(super) async fn resource(
    edition: &Edition,
    method: &Method,
    path: &str,
    own: &str,
) -> ClientResponse {
    if let Some(authorization) = edition.authorization() {
        let place = path.strip_prefix(METADATA);
        let Some(metadata) = place.and_then(|place| authorization.metadata(place)) else {
            return nothing_here();
        };
        return match method == Method::GET {
            true => json(metadata),
            false => get_it(),
        };
    }
    let mut servers = edition.servers().iter();
    let server = servers.find(|server| {
        server.config().forward_authorization && metadata_path(server.name()) == path
    });
    let Some(server) = server else {
        return nothing_here();
    };
    if method != Method::GET {
        return get_it();
    }
    match server.protected_resource().await {
        Ok(Some(given)) => match reworded(&given, &format!("{own}/mcp/{}", server.name())) {
            Some(metadata) => json(metadata.as_str().to_owned()),
            None => ClientResponse::text(
                StatusCode::BAD_GATEWAY,
                "what the server says of itself cannot be used\n",
            ),
        },
        Ok(None) => nothing_here(),
        Err(error) => {
            tracing::warn!("{}", error.detail());
            ClientResponse::text(StatusCode::BAD_GATEWAY, format!("{error}\n"))
        }
    }
}

fn json(text: impl Into<Bytes>) -> ClientResponse {
    let mut response = ClientResponse::new(StatusCode::OK, ClientResponseBody::Raw(text.into()));
    let json = HeaderValue::from_static("application/json");
    response.headers.insert(CONTENT_TYPE, json);
    response
}

fn get_it() -> ClientResponse {
    let mut response = ClientResponse::text(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
    response
        .headers
        .insert(ALLOW, HeaderValue::from_static("GET"));
    response
}

/// A check of a member's value, or of each element of an array.
type Fits = fn(Node<'_>) -> bool;

/// Members that hold one or several addresses.
const ADDRESSES: [&str; 5] = [
    "authorization_servers",
    "jwks_uri",
    "resource_documentation",
    "resource_policy_uri",
    "resource_tos_uri",
];
/// Members that hold protocol keywords or booleans.
const WORDS: [&str; 7] = [
    "scopes_supported",
    "bearer_methods_supported",
    "resource_signing_alg_values_supported",
    "tls_client_certificate_bound_access_tokens",
    "authorization_details_types_supported",
    "dpop_signing_alg_values_supported",
    "dpop_bound_access_tokens_required",
];

/// Rebuilds the metadata with the gateway as the resource and the server's authorization servers. Other members are
/// dropped: signed metadata would override what is said here, and no policy has judged free text. `None` if an address
/// is not a plain one, since clients have handed such addresses to a browser or a shell.
fn reworded(given: &Json, resource: &str) -> Option<Json> {
    let mut text = format!(r#"{{"resource":{}"#, Json::string(resource).as_str());
    for (members, fits) in [(&ADDRESSES[..], is_address as Fits), (&WORDS, is_word)] {
        for member in members {
            let Some(value) = given.root().get(member) else {
                continue;
            };
            let fine = match value.kind() {
                Kind::Array => value.elements().all(fits),
                _ => fits(value),
            };
            if !fine {
                return None;
            }
            text.push_str(&format!(r#","{member}":{}"#, value.as_str()));
        }
    }
    text.push('}');
    Json::parse(text, &Limits::default()).ok()
}

fn is_word(value: Node<'_>) -> bool {
    matches!(value.kind(), Kind::String | Kind::Bool)
}

/// Whether a value is an `http` or `https` URL without characters that a shell, a script engine or a reader could
/// misread.
fn is_address(value: Node<'_>) -> bool {
    let Some(text) = value.string() else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]%,=+".contains(&b);
    let url = text.bytes().all(plain).then(|| text.parse::<Uri>().ok());
    url.flatten().is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_resource_is_the_gateways_and_who_gives_tokens_stays() {
        let given = r#"{"resource":"https://s.example/mcp","authorization_servers":["https://a.example"],"signed_metadata":"x.y.z","resource_name":"free text","odd":1.0,"scopes_supported":["a:b", "c"]}"#;
        let given = Json::parse(given.to_owned(), &Limits::default()).unwrap();
        let said = reworded(&given, "https://g.example/mcp/s").unwrap();
        assert_eq!(
            said.as_str(),
            r#"{"resource":"https://g.example/mcp/s","authorization_servers":["https://a.example"],"scopes_supported":["a:b", "c"]}"#
        );
    }

    #[test]
    fn an_address_is_plainly_one() {
        let reads = |address: &str| {
            let given = format!(r#"{{"authorization_servers":["https://a.example",{address}]}}"#);
            let given = Json::parse(given, &Limits::default()).unwrap();
            reworded(&given, "https://g.example/mcp/s").is_some()
        };
        for address in [
            "https://a.example/realms/x%20y?tenant=1",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
        ] {
            assert!(reads(&format!("{address:?}")), "{address}");
        }
        for address in [
            r#""javascript:alert(1)""#,
            r#""file:///bin/sh""#,
            r#""a:b""#,
            r#""https://a.example/$(calc)""#,
            r#""https://a.example/&calc""#,
            r#""https://u:p@a.example/""#,
            r#""https:///x""#,
            r#""//a.example""#,
            r#""\u0000https://a.example""#,
            r#"{"javascript:alert(1)":1}"#,
            "7",
        ] {
            assert!(!reads(address), "{address}");
        }
    }
}
