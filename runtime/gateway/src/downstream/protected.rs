//! The metadata of servers' protected resources (RFC 9728), as if the gateway were the resource: a client compares the
//! address in it with the one that it called.

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use sandgate_message::{Edit, Json, Limits, apply};

use super::Endpoint;
use super::http::nothing_here;
use crate::challenge::metadata_path;
use crate::delivery::{Content, Delivery};
use crate::registry::Edition;

/// Where a client finds the metadata of what it called; `own` is the gateway's address.
pub(super) fn metadata_url(endpoint: &Endpoint, own: &str) -> Option<String> {
    match endpoint {
        Endpoint::Server(name) => Some(format!("{own}{}", metadata_path(name))),
        Endpoint::Merged => None,
    }
}

/// Answers a request for it. Needs no token: it says where to get one.
pub(super) async fn resource(
    edition: &Edition,
    method: &Method,
    path: &str,
    own: &str,
) -> Delivery {
    let mut servers = edition.servers().iter();
    let server = servers.find(|server| {
        server.config().forward_authorization && metadata_path(server.name()) == path
    });
    let Some(server) = server else {
        return nothing_here();
    };
    if method != Method::GET {
        let mut delivery = Delivery::text(StatusCode::METHOD_NOT_ALLOWED, "GET it\n");
        delivery
            .headers
            .insert(ALLOW, HeaderValue::from_static("GET"));
        return delivery;
    }
    match server.protected_resource().await {
        Ok(Some(given)) => match reworded(&given, &format!("{own}/mcp/{}", server.name())) {
            Some(metadata) => {
                let mut delivery = Delivery::new(
                    StatusCode::OK,
                    Content::Raw(metadata.as_str().to_owned().into()),
                );
                let json = HeaderValue::from_static("application/json");
                delivery.headers.insert(CONTENT_TYPE, json);
                delivery
            }
            None => Delivery::text(
                StatusCode::BAD_GATEWAY,
                "what the server says of itself cannot be used\n",
            ),
        },
        Ok(None) => nothing_here(),
        Err(error) => {
            tracing::warn!("{}", error.detail());
            Delivery::text(StatusCode::BAD_GATEWAY, format!("{error}\n"))
        }
    }
}

/// The resource is the gateway's; who gives tokens for it is the server's affair. What the server signed says another
/// thing and would go before it, so it stays here.
fn reworded(given: &Json, resource: &str) -> Option<Json> {
    let mut edits = vec![Edit::Set(
        "/resource".into(),
        Json::string(resource).as_str().to_owned(),
    )];
    if given.get("signed_metadata").is_some() {
        edits.push(Edit::Remove("/signed_metadata".into()));
    }
    apply(given, &edits, &Limits::default()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_resource_is_the_gateways_and_who_gives_tokens_stays() {
        let given = r#"{"resource":"https://s.example/mcp","authorization_servers":["https://a.example"],"signed_metadata":"x.y.z","odd":1.0}"#;
        let given = Json::parse(given.to_owned(), &Limits::default()).unwrap();
        let said = reworded(&given, "https://g.example/mcp/s").unwrap();
        assert_eq!(
            said.as_str(),
            r#"{"resource":"https://g.example/mcp/s","authorization_servers":["https://a.example"],"odd":1.0}"#
        );
    }
}
