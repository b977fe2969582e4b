//! The metadata of the resource that a server protects (RFC 9728): where its clients get their tokens.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use sandgate_message::{Json, Limits};

use crate::Budget;
use crate::ServerError;
use crate::challenge::METADATA;
use crate::http::client::HttpClient;
use crate::http::headers;

/// The largest that is passed on, in bytes.
const LARGEST: usize = 64 << 10;
/// Arrays and objects within one another: in RFC 9728 there are two.
const DEPTH: usize = 16;

/// Where the server itself said it stands; else where RFC 9728 says, with the path of the resource and without.
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
        .exchange_at(Some(place), Method::GET, headers, Bytes::new(), wait)
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
    let found = body.and_then(|(body, _)| Json::parse(body, &limits).ok());
    Ok(found.filter(|found| found.get("authorization_servers").is_some()))
}
