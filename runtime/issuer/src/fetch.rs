//! Requests to issuers. Nothing is followed: an issuer that redirects has given no answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use sandgate_address::is_loopback;
use sandgate_fetch::{Reach, Request, addresses, client_config};
use url::Url;

/// The longest time of a whole request, from the look-up of the name to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is no JWKS, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 << 10;

/// Reaches one issuer.
pub(crate) struct Fetcher {
    /// The issuer's own host, whose addresses may be private. Hosts that its metadata names must be public.
    own: String,
    /// Whether `http` to loopback may be used.
    loopback_http: bool,
    tls: Arc<ClientConfig>,
}

/// Why an issuer gave no answer that can be used. The text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}")]
pub(crate) struct FetchError {
    url: String,
    why: String,
    /// The status, where there was one.
    pub(crate) status: Option<StatusCode>,
}

impl Fetcher {
    pub(crate) fn new(
        issuer: &str,
        loopback_http: bool,
        roots: Option<&Arc<RootCertStore>>,
    ) -> Self {
        let own = Url::parse(issuer).ok();
        let own = own.and_then(|url| url.host_str().map(str::to_owned));
        let roots = roots.cloned().unwrap_or_else(|| {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            Arc::new(RootCertStore { roots })
        });
        Self {
            own: own.unwrap_or_default(),
            loopback_http,
            tls: client_config(Some(roots)),
        }
    }

    /// Fetches a document of at most `most` bytes.
    ///
    /// # Errors
    ///
    /// The address is not permitted, or there is no such answer with status 200 in time.
    pub(crate) async fn get(&self, url: &str, most: usize) -> Result<Bytes, FetchError> {
        self.ask(url, None, most).await
    }

    /// Posts a form.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub(crate) async fn post(
        &self,
        url: &str,
        authorization: HeaderValue,
        form: String,
    ) -> Result<Bytes, FetchError> {
        self.ask(url, Some((authorization, form)), MAX_ANSWER).await
    }

    async fn ask(
        &self,
        url: &str,
        form: Option<(HeaderValue, String)>,
        most: usize,
    ) -> Result<Bytes, FetchError> {
        let failed = |why: String, status| FetchError {
            url: url.to_owned(),
            why,
            status,
        };
        let to = permitted(url, self.loopback_http).map_err(|why| failed(why, None))?;
        let reach = match to.host_str() == Some(self.own.as_str()) {
            true => Reach::Private,
            false => Reach::Public,
        };
        let mut request = Request {
            tls: Some(self.tls.clone()),
            ..Request::get(&to, PATIENCE)
        };
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(ACCEPT, json);
        if let Some((mut authorization, form)) = form {
            request.method = Method::POST;
            request.body = form.into();
            authorization.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, authorization);
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.insert(CONTENT_TYPE, form);
        }
        let told = |error: sandgate_fetch::FetchError| match error {
            sandgate_fetch::FetchError::NotPermitted => {
                let why = "none of its addresses is permitted: a host that is not the issuer's own must be public";
                failed(why.to_owned(), None)
            }
            error => failed(error.to_string(), None),
        };
        let answer = request.send(addresses(&to, reach)).await.map_err(told)?;
        match answer.status {
            StatusCode::OK => answer.bytes(most).await.map_err(told),
            status if status.is_redirection() => {
                let why = format!("it redirects ({status}), which is not followed");
                Err(failed(why, Some(status)))
            }
            status => Err(failed(format!("it answered {status}"), Some(status))),
        }
    }
}

/// The URL, if requests may go there: `https`, or `http` to loopback where that is permitted.
pub(crate) fn permitted(url: &str, loopback_http: bool) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it has a user name or a fragment".into());
    }
    let loopback = url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback && loopback_http => Ok(url),
        "http" if loopback => {
            Err("it is http: for development on this machine write `loopback-http = true`".into())
        }
        _ => Err("it is not https".into()),
    }
}
