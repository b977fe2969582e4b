//! One request to one address, its answer bounded in bytes and time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sandgate_fetch::{FetchError, Request};
use url::{Position, Url};

use super::{RegistryError, address};

/// The longest time of a whole request of few bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    /// The media types that the answer may have.
    pub(crate) accept: &'a str,
    /// What is sent, and its media type.
    pub(crate) body: Option<(&'static str, Bytes)>,
    /// The most bytes of the answer.
    pub(crate) most: usize,
}

impl<'a> Question<'a> {
    /// A question that sends nothing.
    pub(crate) fn get(accept: &'a str, most: usize) -> Self {
        Self {
            method: Method::GET,
            accept,
            body: None,
            most,
        }
    }

    /// The longest time of the whole: what is large takes longer, at a MiB a second or more.
    fn patience(&self) -> Duration {
        let sent = self.body.as_ref().map_or(0, |(_, body)| body.len());
        let mebibytes = self.most.max(sent) >> 20;
        PATIENCE + Duration::from_secs(mebibytes as u64)
    }
}

/// Asks one address. Nothing is followed here.
///
/// # Errors
///
/// The address may not be asked, or no whole answer of at most `question.most` bytes comes in time.
pub(crate) async fn ask(
    url: &Url,
    own: &Url,
    question: &Question<'_>,
    authorization: Option<&HeaderValue>,
) -> Result<Answer, RegistryError> {
    let failed = |error: FetchError| match error {
        FetchError::TooLarge(most) => RegistryError::TooLarge {
            url: shown(url),
            most,
        },
        error => RegistryError::Unreachable {
            url: shown(url),
            why: error.to_string(),
        },
    };
    address::check(url, own).map_err(|why| failed(FetchError::Refused(why)))?;
    let mut request = Request {
        method: question.method.clone(),
        ..Request::get(url, question.patience())
    };
    let accept = HeaderValue::from_str(question.accept);
    let accept = accept.map_err(|_| failed(FetchError::Odd("media type")))?;
    request.headers.insert(ACCEPT, accept);
    if let Some((kind, body)) = &question.body {
        let kind = HeaderValue::from_static(kind);
        request.headers.insert(CONTENT_TYPE, kind);
        request.body = body.clone();
    }
    if let Some(authorization) = authorization {
        request.headers.insert(AUTHORIZATION, authorization.clone());
    }
    let sent = request.send(address::permitted(url, own)).await;
    let answer = sent.map_err(failed)?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let body = answer.bytes(question.most).await.map_err(failed)?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// An address for people: without its query, which is often a credential.
pub(crate) fn shown(url: &Url) -> String {
    url[..Position::AfterPath].to_owned()
}
