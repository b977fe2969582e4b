//! One request to one address, its answer bounded in bytes and time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

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
    let failed = |why: String| RegistryError::Unreachable {
        url: shown(url),
        why,
    };
    let most = question.most;
    let asked = async {
        let response = send(url, own, question, authorization)
            .await
            .map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, most).collect().await;
        let body = body.map_err(
            |error| match error.is::<http_body_util::LengthLimitError>() {
                true => RegistryError::TooLarge {
                    url: shown(url),
                    most,
                },
                false => failed(format!("the answer broke off: {error}")),
            },
        )?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    let patience = question.patience();
    match tokio::time::timeout(patience, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(failed(format!("no answer in {} s", patience.as_secs()))),
    }
}

/// An address for people: without its query, which is often a credential.
pub(crate) fn shown(url: &Url) -> String {
    url[..Position::AfterPath].to_owned()
}

async fn send(
    url: &Url,
    own: &Url,
    question: &Question<'_>,
    authorization: Option<&HeaderValue>,
) -> Result<http::Response<hyper::body::Incoming>, String> {
    address::check(url, own)?;
    let stream = connect(url, own).await?;
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let body = question.body.clone();
    let kind = body.as_ref().map(|(kind, _)| *kind);
    let body = body.map(|(_, body)| body).unwrap_or_default();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = question.method.clone();
    *request.uri_mut() = path.parse().map_err(|_| "its path is odd")?;
    let headers = request.headers_mut();
    headers.insert(
        HOST,
        HeaderValue::from_str(host).map_err(|_| "its host is odd")?,
    );
    headers.insert(
        ACCEPT,
        HeaderValue::from_str(question.accept).map_err(|_| "odd")?,
    );
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let agent = HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, agent);
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    let patience = question.patience();
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        let _ = tokio::time::timeout(patience, connection).await;
    });
    sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())
}

/// A connection, by TLS or in the clear.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to an address that was judged, and to no other.
async fn connect(url: &Url, own: &Url) -> Result<Box<dyn Stream>, String> {
    let mut why = String::new();
    for found in address::permitted(url, own).await? {
        let stream = match TcpStream::connect(found).await {
            Ok(stream) => stream,
            Err(error) => {
                why = error.to_string();
                continue;
            }
        };
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?
            }
            _ => ServerName::IpAddress(found.ip().into()),
        };
        match TlsConnector::from(tls()?).connect(name, stream).await {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => why = format!("TLS: {error}"),
        }
    }
    Err(why)
}

/// What the system trusts, as the engines do.
fn tls() -> Result<Arc<ClientConfig>, String> {
    static TLS: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    let made = TLS.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_native_roots()
            .map_err(|error| format!("the system's certificates: {error}"))?;
        Ok(Arc::new(config.with_no_client_auth()))
    });
    made.clone()
}
