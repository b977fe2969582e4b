//! The answers to clients whose tokens do not admit them (RFC 6750, RFC 9728).

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sandgate_issuer::TokenError;
use sandgate_wire::challenge::METADATA;

use crate::principals::UnknownClientError;

/// Seconds after which an issuer that is down is asked again.
const AGAIN: HeaderValue = HeaderValue::from_static("10");

/// Where a client learns how to get a token for an endpoint.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The resource's URL without a path.
    pub base: String,
    /// The endpoint's path.
    pub path: String,
}

impl Challenge {
    /// The URL of the endpoint's metadata.
    fn metadata(&self) -> String {
        format!("{}{METADATA}{}", self.base, self.path)
    }

    fn header(&self, error: Option<&str>, scopes: &str) -> Option<HeaderValue> {
        let mut text = format!("Bearer resource_metadata=\"{}\"", self.metadata());
        for (name, value) in [("error", error), ("scope", Some(scopes))] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                text.push_str(&format!(", {name}=\"{value}\""));
            }
        }
        HeaderValue::from_str(&text).ok()
    }

    /// The answer to a request without a token.
    pub fn no_token(&self, unknown: UnknownClientError, scopes: &str) -> Response<String> {
        response(
            StatusCode::UNAUTHORIZED,
            &unknown.to_string(),
            self.header(None, scopes),
        )
    }

    /// The answer to a token that admits nobody.
    pub fn refused(&self, why: &TokenError, scopes: &str) -> Response<String> {
        let (status, header) = match why {
            TokenError::Refused(_) => {
                let header = self.header(Some("invalid_token"), scopes);
                (StatusCode::UNAUTHORIZED, header)
            }
            TokenError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
        };
        let mut response = response(status, &why.to_string(), header);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, AGAIN);
        }
        response
    }

    /// The answer to a request whose token was good until the configuration changed: nothing says any more what it must
    /// grant.
    pub fn withdrawn(&self) -> Response<String> {
        let text = "tokens are not looked at here any more";
        let header = self.header(Some("invalid_token"), "");
        response(StatusCode::UNAUTHORIZED, text, header)
    }

    /// Sets the header of the answer to a token that does not grant enough, a 403. `scopes` are all that the operation
    /// needs.
    pub fn step_up(&self, headers: &mut HeaderMap, scopes: &str) {
        if let Some(header) = self.header(Some("insufficient_scope"), scopes) {
            headers.insert(WWW_AUTHENTICATE, header);
        }
    }

    /// Leaves no challenge in the headers but the gateway's own.
    pub fn keep_own(&self, headers: &mut HeaderMap) {
        let own = format!("Bearer resource_metadata=\"{}\"", self.metadata());
        let value = headers.get(WWW_AUTHENTICATE);
        if value.is_some_and(|value| !value.as_bytes().starts_with(own.as_bytes())) {
            headers.remove(WWW_AUTHENTICATE);
        }
    }
}

fn response(status: StatusCode, why: &str, header: Option<HeaderValue>) -> Response<String> {
    let mut response = Response::new(format!("{why}\n"));
    *response.status_mut() = status;
    if let Some(header) = header {
        response.headers_mut().insert(WWW_AUTHENTICATE, header);
    }
    response
}
