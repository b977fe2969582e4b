//! Requests to issuers. Nothing is followed: an issuer that redirects has given no answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use sandgate_address::{is_metadata, is_public};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

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
        Self {
            own: own.unwrap_or_default(),
            loopback_http,
            tls: Arc::new(tls(roots)),
        }
    }

    /// Fetches a document of at most `most` bytes.
    ///
    /// # Errors
    ///
    /// The address is not permitted, or there is no such answer with status 200 in time.
    pub(crate) async fn get(&self, url: &str, most: usize) -> Result<Bytes, FetchError> {
        self.ask(url, Method::GET, None, Bytes::new(), most).await
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
        self.ask(
            url,
            Method::POST,
            Some(authorization),
            form.into(),
            MAX_ANSWER,
        )
        .await
    }

    async fn ask(
        &self,
        url: &str,
        method: Method,
        authorization: Option<HeaderValue>,
        body: Bytes,
        most: usize,
    ) -> Result<Bytes, FetchError> {
        let failed = |(why, status): (String, Option<StatusCode>)| FetchError {
            url: url.to_owned(),
            why,
            status,
        };
        let asked = self.answer(url, method, authorization, body, most);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(failed((
                format!("no answer in {} s", PATIENCE.as_secs()),
                None,
            ))),
        }
    }

    async fn answer(
        &self,
        url: &str,
        method: Method,
        authorization: Option<HeaderValue>,
        body: Bytes,
        most: usize,
    ) -> Result<Bytes, (String, Option<StatusCode>)> {
        let told = |why: String| (why, None);
        let url = permitted(url, self.loopback_http).map_err(told)?;
        let stream = self.connect(&url).await.map_err(told)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        *request.uri_mut() = path.parse().map_err(|_| told("its path is odd".into()))?;
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let headers = request.headers_mut();
        let host = HeaderValue::from_str(host).map_err(|_| told("its host is odd".into()))?;
        headers.insert(HOST, host);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(mut authorization) = authorization {
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
        }
        let response = send(stream, request).await.map_err(told)?;
        let status = response.status();
        if status != StatusCode::OK {
            let why = match status.is_redirection() {
                true => format!("it redirects ({status}), which is not followed"),
                false => format!("it answered {status}"),
            };
            return Err((why, Some(status)));
        }
        let body = Limited::new(response.into_body(), most).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| {
            told(format!(
                "the answer broke off, or has more than {most} bytes"
            ))
        })
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, String> {
        let port = url.port_or_known_default().ok_or("it has no port")?;
        let host = url.host().ok_or("it has no host")?;
        let found: Vec<SocketAddr> = match &host {
            Host::Domain(name) => tokio::net::lookup_host((*name, port))
                .await
                .map_err(|error| format!("its name cannot be looked up: {error}"))?
                .collect(),
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), port)],
        };
        let own = url.host_str() == Some(self.own.as_str());
        let clear = url.scheme() == "http";
        let fits = |address: &SocketAddr| {
            let ip = address.ip().to_canonical();
            match clear {
                true => ip.is_loopback() && self.loopback_http,
                false => !is_metadata(ip) && (own || is_public(ip)),
            }
        };
        let mut why = "none of its addresses is permitted: a host that is not the issuer's own must be public".to_owned();
        for address in found.iter().filter(|address| fits(address)) {
            match TcpStream::connect(address).await {
                Ok(stream) if clear => return Ok(Box::new(stream)),
                Ok(stream) => {
                    let name = match &host {
                        Host::Domain(name) => ServerName::try_from((*name).to_owned())
                            .map_err(|error| error.to_string())?,
                        _ => ServerName::IpAddress(address.ip().into()),
                    };
                    let connector = TlsConnector::from(self.tls.clone());
                    match connector.connect(name, stream).await {
                        Ok(stream) => return Ok(Box::new(stream)),
                        Err(error) => why = format!("TLS: {error}"),
                    }
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }
}

/// A connection, by TLS or in the clear.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Sends one request on a connection of its own, which ends with it.
async fn send(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
) -> Result<http::Response<hyper::body::Incoming>, String> {
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(told)?;
    tokio::spawn(async move {
        // The response's body is read while this runs. A connection that lingers ends with the patience for it.
        let _ = tokio::time::timeout(PATIENCE, connection).await;
    });
    sender.send_request(request).await.map_err(told)
}

/// The URL, if requests may go there: `https`, or `http` to loopback where that is permitted.
pub(crate) fn permitted(url: &str, loopback_http: bool) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it has a user name or a fragment".into());
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback && loopback_http => Ok(url),
        "http" if loopback => {
            Err("it is http: for development on this machine write `loopback-http = true`".into())
        }
        _ => Err("it is not https".into()),
    }
}

fn tls(roots: Option<&Arc<RootCertStore>>) -> ClientConfig {
    let roots = roots.cloned().unwrap_or_else(|| {
        Arc::new(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        })
    });
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .unwrap_or_else(|_| unreachable!("ring speaks every version"))
}
