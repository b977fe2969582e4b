//! HTTP requests, to the hosts that the operator grants. Needs the feature `http`, and a manifest that asks for them:
//!
//! ```toml
//! [asks]
//! http = { hosts = ["api.example.com"], why = "looks up what it is asked about" }
//! ```
//!
//! A request takes of the hook's own time and is cut with it; nothing is retried and no redirect is followed. In native
//! tests, [`answer_http`](crate::testing::answer_http) says what comes back.
//!
//! ```
//! use sandgate_sdk::http::{self, Failure, Reply};
//! use sandgate_sdk::testing::answer_http;
//!
//! answer_http("https://api.example.com/v1?q=1", Reply::new(200, r#"{"known":true}"#));
//! let reply = http::get("https://api.example.com/v1?q=1").send()?;
//! assert_eq!((reply.status, reply.text().as_ref()), (200, r#"{"known":true}"#));
//! let nobody = http::post("https://elsewhere.example/", "x").header("x-who", "ada").send();
//! assert_eq!(nobody, Err(Failure::Refused));
//! let asked = sandgate_sdk::testing::http_requests();
//! assert_eq!((asked[1].method.as_str(), asked[1].body.as_slice()), ("POST", b"x".as_slice()));
//! # Ok::<(), Failure>(())
//! ```

use std::borrow::Cow;
use std::time::Duration;

#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(not(target_family = "wasm"))]
use crate::testing::http as wasi;

/// Bytes of a reply's body, unless a request says otherwise.
pub const LIMIT: usize = 1 << 20;

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The operator has not granted this host, or the manifest does not ask for http.
    Denied,
    /// The reply's body has more bytes than this.
    TooLarge(usize),
    /// The URL is none that can be asked: begins with `http://` or `https://` and a host.
    Url,
    /// It took longer than its [`timeout`](Request::timeout), or than connecting may take.
    TimedOut,
    /// Nobody takes the connection: there is no such host, or nothing listens there.
    Refused,
    /// The connection ended before the reply did.
    Cut,
    /// WASI's word for anything else, for example `TLS-certificate-error`.
    Failed(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied => f.write_str("the operator has not granted this host"),
            Self::TooLarge(limit) => write!(f, "the reply has more than {limit} bytes"),
            Self::Url => f.write_str("the URL does not begin with http:// or https:// and a host"),
            Self::TimedOut => f.write_str("the reply did not come in time"),
            Self::Refused => f.write_str("nobody takes the connection"),
            Self::Cut => f.write_str("the connection ended before the reply did"),
            Self::Failed(word) => f.write_str(word),
        }
    }
}

impl std::error::Error for Failure {}

/// What came back, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// As they came, names in small letters.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// For tests: with this status and body, without headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }
    /// The first header of this name, as UTF-8; what is none is replaced.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.headers.iter();
        let mut found = found.filter(|(one, _)| one.eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| String::from_utf8_lossy(value))
    }
    /// The body, as UTF-8; what is none is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
    /// The body, as JSON.
    ///
    /// # Errors
    /// It is none, or not of this shape.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
#[must_use = "nothing is asked before `send`"]
pub struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) limit: usize,
    pub(crate) timeout: Option<Duration>,
}

/// Asks for what is there.
pub fn get(url: &str) -> Request {
    request("GET", url, "")
}

/// Sends something there.
pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Request {
    request("POST", url, body)
}

/// Any other method.
pub fn request(method: &str, url: &str, body: impl Into<Vec<u8>>) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: body.into(),
        limit: LIMIT,
        timeout: None,
    }
}

impl Request {
    /// One more header.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    /// The most bytes that the reply's body may have; [`LIMIT`] unless set.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
    /// How long it may take from [`send`](Self::send) to the last byte of the reply; as long as the hook's own time unless
    /// set. After it there is [`Failure::TimedOut`], and the hook can still decide.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
    /// Asks, and waits for the whole reply.
    ///
    /// # Errors
    /// There is none.
    pub fn send(self) -> Result<Reply, Failure> {
        let reply = wasi::fetch(&self)?;
        if reply.body.len() > self.limit {
            return Err(Failure::TooLarge(self.limit));
        }
        Ok(reply)
    }

    /// Whether it is by TLS, host with port, path with query.
    pub(crate) fn parts(&self) -> Result<(bool, &str, String), Failure> {
        let (secure, rest) = match self.url.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(Failure::Url),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(Failure::Url);
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok((secure, authority, format!("{slash}{path}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_a_fragment_goes_nowhere() {
        let parts = |url: &str| {
            get(url)
                .parts()
                .map(|(secure, authority, path)| (secure, authority.to_owned(), path))
        };
        let is = |secure, authority: &str, path: &str| Ok((secure, authority.into(), path.into()));
        assert_eq!(parts("http://a:8080"), is(false, "a:8080", "/"));
        assert_eq!(parts("https://a/b?c=d#e"), is(true, "a", "/b?c=d"));
        assert_eq!(parts("https://a?c=/d"), is(true, "a", "/?c=/d"));
        for none in ["", "a", "ftp://a/", "https://", "https:///b", "HTTP:/a"] {
            assert_eq!(parts(none), Err(Failure::Url), "{none}");
        }
    }

    #[test]
    fn a_reply_above_the_limit_is_none_and_headers_have_no_case() {
        let mut reply = Reply::new(200, "four");
        reply.headers.push(("x-a".into(), b"1".to_vec()));
        crate::testing::answer_http("http://a/", reply);
        let replied = get("http://a/").limit(4).send();
        assert_eq!(
            replied.as_ref().map(|it| it.header("X-A")),
            Ok(Some("1".into()))
        );
        assert_eq!(get("http://a/").limit(3).send(), Err(Failure::TooLarge(3)));
    }

    #[test]
    fn a_reply_that_is_late_is_none_for_who_does_not_wait() {
        let second = Duration::from_secs(1);
        crate::testing::answer_http_late("http://late/", second, Reply::new(200, "late"));
        let asked = |timeout| get("http://late/").timeout(timeout).send().map(|_| ());
        assert_eq!(asked(second), Err(Failure::TimedOut));
        assert_eq!(asked(second * 2), Ok(()));
        assert_eq!(get("http://late/").send().map(|_| ()), Ok(()));
        crate::testing::fail_http("http://late/", Failure::Cut);
        assert_eq!(asked(second), Err(Failure::Cut));
    }
}
