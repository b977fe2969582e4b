//! The answers to clients whose tokens do not admit them (RFC 6750, RFC 9728).

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use sandgate_issuer::TokenError;
use sandgate_wire::challenge::METADATA;

use crate::auth::principals::UnknownClientError;
use crate::call::response::ClientResponse;

/// Seconds after which an issuer that is down is asked again.
const AGAIN: HeaderValue = HeaderValue::from_static("10");

/// Where a client learns how to get a token for an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    /// The resource's URL without a path.
    pub(crate) base: String,
    /// The endpoint's path.
    pub(crate) path: String,
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
    pub(crate) fn no_token(&self, unknown: UnknownClientError, scopes: &str) -> ClientResponse {
        self.response(
            StatusCode::UNAUTHORIZED,
            &unknown.to_string(),
            self.header(None, scopes),
        )
    }

    /// The answer to a token that admits nobody.
    pub(crate) fn refused(&self, why: &TokenError, scopes: &str) -> ClientResponse {
        let (status, header) = match why {
            TokenError::Refused(_) => {
                let header = self.header(Some("invalid_token"), scopes);
                (StatusCode::UNAUTHORIZED, header)
            }
            TokenError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
        };
        let mut response = self.response(status, &why.to_string(), header);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers.insert(RETRY_AFTER, AGAIN);
        }
        response
    }

    /// The answer to a request whose token was good until the configuration changed: nothing says any more what it must
    /// grant.
    pub(crate) fn withdrawn(&self) -> ClientResponse {
        let text = "tokens are not looked at here any more";
        let header = self.header(Some("invalid_token"), "");
        self.response(StatusCode::UNAUTHORIZED, text, header)
    }

    /// Makes a response that of a token that does not grant enough. `scopes` are all that the operation needs.
    pub(crate) fn step_up(&self, mut response: ClientResponse, scopes: &str) -> ClientResponse {
        response.status = StatusCode::FORBIDDEN;
        if let Some(header) = self.header(Some("insufficient_scope"), scopes) {
            response.headers.insert(WWW_AUTHENTICATE, header);
        }
        response
    }

    /// Leaves no challenge in the headers but the gateway's own.
    pub(crate) fn keep_own(&self, headers: &mut HeaderMap) {
        let own = format!("Bearer resource_metadata=\"{}\"", self.metadata());
        let value = headers.get(WWW_AUTHENTICATE);
        if value.is_some_and(|value| !value.as_bytes().starts_with(own.as_bytes())) {
            headers.remove(WWW_AUTHENTICATE);
        }
    }

    fn response(
        &self,
        status: StatusCode,
        why: &str,
        header: Option<HeaderValue>,
    ) -> ClientResponse {
        let mut response = ClientResponse::text(status, format!("{why}\n"));
        if let Some(header) = header {
            response.headers.insert(WWW_AUTHENTICATE, header);
        }
        response
    }
}
