//! Answers, with the headers that every one of them has.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use maud::Markup;

/// An answer's body.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
/// An answer.
pub(crate) type Answer = Response<Body>;

/// What a page may load and do: its own stylesheet, script, images and forms, and nothing that is written into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The largest page, in bytes. Pages have bounds of their own; this one is the last.
const LARGEST: usize = 4 << 20;

pub(crate) fn page(status: StatusCode, markup: Markup) -> Answer {
    let text = markup.into_string();
    match text.len() <= LARGEST {
        true => answer(status, "text/html; charset=utf-8", text.into()),
        false => plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this page is too large to be shown",
        ),
    }
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Answer {
    answer(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

pub(crate) fn json(text: String) -> Answer {
    answer(StatusCode::OK, "application/json", text.into())
}

/// To a page of the console, by GET.
pub(crate) fn see(path: &str) -> Answer {
    let mut answer = plain(StatusCode::SEE_OTHER, "");
    if let Ok(path) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
    answer
}

pub(crate) fn only(methods: &'static str) -> Answer {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "not by this method");
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// The same answer, after which the connection ends.
pub(crate) fn closing(mut answer: Answer) -> Answer {
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

pub(crate) fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

/// A file of the binary, whose name changes with its content.
pub(crate) fn asset(kind: &'static str, content: &'static str) -> Answer {
    let mut answer = answer(StatusCode::OK, kind, Bytes::from_static(content.as_bytes()));
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(CACHE_CONTROL, kept);
    answer
}

pub(crate) fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    of_body(status, kind, Full::new(body).boxed_unsync())
}

pub(crate) fn of_body(status: StatusCode, kind: &'static str, body: Body) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value))
    };
    put(CONTENT_TYPE, kind);
    put(CACHE_CONTROL, "no-store");
    put(CONTENT_SECURITY_POLICY, POLICY);
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(X_FRAME_OPTIONS, "DENY");
    put(REFERRER_POLICY, "no-referrer");
    put(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    put(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    put(
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    );
    put(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    response
}
