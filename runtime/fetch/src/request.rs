//! A request, on a connection of its own that ends with its answer.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::{FetchError, trust};

/// The most bytes of an answer's head.
const MAX_HEAD: usize = 64 << 10;

/// A request by HTTP/1.1.
pub struct Request<'a> {
    /// Where it goes, by `https` or `http`.
    pub url: &'a Url,
    /// `GET`, unless something else is set.
    pub method: Method,
    /// Its headers, but for `Host` and `User-Agent`, which are set when it is sent.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// Whom the connection trusts; `None`: whom the system trusts.
    pub tls: Option<Arc<ClientConfig>>,
    /// The longest time of the whole, from the look-up of the name to the last byte of the answer.
    pub patience: Duration,
}

/// An answer whose body is still to be read.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Incoming,
    deadline: Instant,
    patience: Duration,
}

impl<'a> Request<'a> {
    /// A request that sends nothing.
    pub fn get(url: &'a Url, patience: Duration) -> Self {
        Self {
            url,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            tls: None,
            patience,
        }
    }

    /// Sends the request to the first of the addresses that can be reached, and to no other. They are found and judged
    /// within the request's time: [`addresses`](crate::addresses) is for those without rules of their own.
    ///
    /// # Errors
    ///
    /// There is no such address, none of them can be reached, or no head of an answer comes in time.
    pub async fn send(
        self,
        addresses: impl Future<Output = Result<Vec<SocketAddr>, FetchError>>,
    ) -> Result<Answer, FetchError> {
        let (patience, deadline) = (self.patience, Instant::now() + self.patience);
        let sent = async {
            let stream = self.connect(&addresses.await?).await?;
            let (head, body) = self.exchange(stream, deadline).await?.into_parts();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
                deadline,
                patience,
            })
        };
        let sent = timeout_at(deadline, sent).await;
        sent.unwrap_or(Err(FetchError::Time(patience)))
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<Box<dyn Stream>, FetchError> {
        let mut last = FetchError::NotPermitted;
        for address in addresses {
            let stream = match TcpStream::connect(address).await {
                Ok(stream) => stream,
                Err(error) => {
                    last = FetchError::Connect(error);
                    continue;
                }
            };
            if self.url.scheme() == "http" {
                return Ok(Box::new(stream));
            }
            let name = match self.url.host() {
                Some(Host::Domain(name)) => {
                    ServerName::try_from(name.to_owned()).map_err(|_| FetchError::Odd("host"))?
                }
                _ => ServerName::IpAddress(address.ip().into()),
            };
            let tls = match &self.tls {
                Some(tls) => tls.clone(),
                None => trust::of_the_system()?,
            };
            let connector = TlsConnector::from(tls);
            match connector.connect(name, stream).await {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(error) => last = FetchError::Tls(error),
            }
        }
        Err(last)
    }

    async fn exchange(
        self,
        stream: Box<dyn Stream>,
        deadline: Instant,
    ) -> Result<http::Response<Incoming>, FetchError> {
        let path = &self.url[Position::BeforePath..Position::AfterQuery];
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| FetchError::Odd("host"))?;
        let mut request = http::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = path.parse().map_err(|_| FetchError::Odd("path"))?;
        *request.headers_mut() = self.headers;
        let agent = HeaderValue::from_static(concat!("sandgate/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, agent);
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        // The answer's body is read while this runs. A connection that lingers ends with the time of its request.
        tokio::spawn(timeout_at(deadline, connection));
        Ok(sender.send_request(request).await?)
    }
}

impl Answer {
    /// The body, of at most `most` bytes.
    ///
    /// # Errors
    ///
    /// The body has more bytes, breaks off, or does not end within the request's time.
    pub async fn bytes(self, most: usize) -> Result<Bytes, FetchError> {
        let body = Limited::new(self.body, most).collect();
        match timeout_at(self.deadline, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge(most)),
            Ok(Err(error)) => Err(FetchError::BrokeOff(error.to_string())),
            Err(_) => Err(FetchError::Time(self.patience)),
        }
    }
}

/// A connection, by TLS or in the clear.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[cfg(test)]
mod tests;
