//! The metadata of a server's protected resource (RFC 9728), which says where clients get tokens.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use sandgate_message::{Json, Limits};

use crate::ServerError;
use crate::http::client::HttpClient;
use crate::http::headers;
use crate::redacted;
use sandgate_wire::Budget;
use sandgate_wire::challenge::METADATA;

/// The largest metadata document, in bytes.
const LARGEST: usize = 64 << 10;
/// The deepest nesting of arrays and objects; RFC 9728 uses two levels.
const DEPTH: usize = 16;

/// Fetches the metadata from where the server said it is, else from the places in RFC 9728: with the resource's path,
/// and without.
///
/// # Errors
///
/// The server cannot be reached, or its response breaks off.
pub(crate) async fn fetch(remote: &HttpClient) -> Result<Option<Json>, ServerError> {
    let path = remote.url().path().trim_end_matches('/');
    let usual = [format!("{METADATA}{path}"), METADATA.to_owned()];
    let usual = usual.iter().filter_map(|path| path.parse().ok());
    for place in remote.metadata().into_iter().chain(usual) {
        if let Some(found) = at(remote, place).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn at(remote: &HttpClient, place: PathAndQuery) -> Result<Option<Json>, ServerError> {
    let mut headers = headers::base();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let wait = remote.config.connect_timeout;
    let response = remote
        .send_to(Some(place), Method::GET, headers, Bytes::new(), wait)
        .await?;
    if response.status() != StatusCode::OK {
        return Ok(None);
    }
    let body = remote
        .collect(response.into_body(), LARGEST, &Budget::unbounded())
        .await?;
    let limits = Limits {
        bytes: LARGEST,
        depth: DEPTH,
    };
    let redactor = &remote.config.redactor;
    let found = body.and_then(|(body, _)| redacted::json(body, &limits, redactor).ok());
    Ok(found.filter(|found| found.get("authorization_servers").is_some()))
}
