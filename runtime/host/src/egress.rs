//! Outgoing HTTP of guests: to granted hosts only. A host's address is resolved once and checked before the connection
//! is made to it.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::BodyExt;
use sandgate_address::{is_metadata, is_public};
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::simulation::{Canned, Simulation};

/// How long connecting may take. The run's own deadline usually ends it sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A response, and the task that drives its connection.
type OutgoingResponse = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// Sends the HTTP requests of one interceptor to the hosts it was granted. The host follows no redirects: a guest that
/// follows one sends a new request, which is checked again.
pub(crate) struct Egress {
    hosts: Arc<[AllowedHost]>,
    simulation: Option<Arc<Simulation>>,
}

/// One entry of the granted hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    /// The name in lower case. For a wildcard `*.example.com`: `.example.com`.
    name: String,
    wildcard: bool,
    /// `None`: the default port of the request's scheme.
    port: Option<u16>,
    /// Whether the host may resolve to an address that is not public.
    private: bool,
}

impl Egress {
    /// `simulation`: gives the answers instead of the network. `None`: requests go to the network.
    pub(crate) fn new(hosts: &[String], simulation: Option<Arc<Simulation>>) -> Self {
        Self {
            simulation,
            hosts: hosts.iter().map(|host| AllowedHost::parse(host)).collect(),
        }
    }
}

impl AllowedHost {
    fn parse(text: &str) -> Self {
        let (text, listed_private) = match text.strip_prefix("private:") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                (name, port.parse().ok())
            }
            _ => (text, None),
        };
        let name = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        // An operator who writes an address or `localhost` means it, so `private:` is not needed.
        let private = listed_private || name == "localhost" || name.parse::<IpAddr>().is_ok();
        match name.strip_prefix('*') {
            Some(rest) if rest.starts_with('.') => Self {
                name: rest.into(),
                wildcard: true,
                port,
                private,
            },
            _ => Self {
                name,
                wildcard: false,
                port,
                private,
            },
        }
    }

    fn allows(&self, name: &str, port: u16, default_port: u16) -> bool {
        let named = if self.wildcard {
            name.len() > self.name.len() && name.ends_with(&self.name)
        } else {
            name == self.name
        };
        named && port == self.port.unwrap_or(default_port)
    }
}

impl WasiHttpHooks for Egress {
    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        let io = std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>());
        match io || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            true => ErrorCode::ConnectionTerminated,
            false => ErrorCode::HttpProtocolError,
        }
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<OutgoingResponse, Error>> + Send> {
        let hosts = self.hosts.clone();
        let simulation = self.simulation.clone();
        Box::new(async move {
            let destination = Destination::of(&request, &hosts)?;
            let written = simulation.as_ref().and_then(|simulation| {
                simulation.answer(request.method().as_str(), &request.uri().to_string())
            });
            if let Some(Canned { delay, response }) = written {
                if !delay.is_zero() {
                    let waiting = tokio::time::sleep(delay);
                    let waited = tokio::time::timeout(first_byte_timeout(options), waiting).await;
                    waited.map_err(|_| Error::ConnectionReadTimeout)?;
                }
                let done: Box<dyn Future<Output = _> + Send> = Box::new(async { Ok(()) });
                return Ok((response?, done));
            }
            send(destination, request, options).await
        })
    }
}

/// Where a request goes, after it was checked against the granted hosts.
struct Destination {
    tls: bool,
    name: String,
    port: u16,
    /// Whether the host may resolve to an address that is not public.
    private: bool,
}

impl Destination {
    fn of(request: &http::Request<WasiBody>, hosts: &[AllowedHost]) -> Result<Self, Error> {
        let tls = request.uri().scheme() != Some(&http::uri::Scheme::HTTP);
        let authority = request
            .uri()
            .authority()
            .ok_or(Error::HttpRequestUriInvalid)?;
        // A reader and a parser may take different parts of `user@host` for the host.
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let name = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        let default_port = if tls { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(default_port);
        let allowed = hosts
            .iter()
            .find(|host| host.allows(&name, port, default_port))
            .ok_or(Error::HttpRequestDenied)?;
        Ok(Self {
            tls,
            name,
            port,
            private: allowed.private,
        })
    }
}

async fn send(
    destination: Destination,
    mut request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<OutgoingResponse, Error> {
    let Destination {
        tls,
        name,
        port,
        private,
    } = destination;
    let within = options
        .and_then(|o| o.connect_timeout)
        .unwrap_or(CONNECT_TIMEOUT)
        .min(CONNECT_TIMEOUT);
    let stream = tokio::time::timeout(within, connect(&name, port, private))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;

    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    if tls {
        let server = rustls::pki_types::ServerName::try_from(name)
            .map_err(|_| Error::TlsCertificateError)?;
        let stream = tokio_rustls::TlsConnector::from(tls_config())
            .connect(server, stream)
            .await
            .map_err(Error::Tls)?;
        exchange(TokioIo::new(stream), request, options).await
    } else {
        exchange(TokioIo::new(stream), request, options).await
    }
}

/// Resolves a name once, checks the addresses, and connects to one of them. A second look-up could return another
/// address than the checked one.
async fn connect(name: &str, port: u16, private: bool) -> Result<TcpStream, Error> {
    let addresses: Vec<SocketAddr> = match name.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => tokio::net::lookup_host((name, port))
            .await
            .map_err(|_| Error::DnsError {
                rcode: None,
                info_code: None,
            })?
            .collect(),
    };
    let mut last = Error::DestinationIpProhibited;
    for address in addresses
        .into_iter()
        .filter(|address| admits(address.ip(), private))
    {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Error::Connect(error),
        }
    }
    Err(last)
}

/// Whether an address may be connected to. No list lets a plugin have what a cloud tells a machine.
fn admits(ip: IpAddr, private: bool) -> bool {
    is_public(ip) || (private && !is_metadata(ip))
}

async fn exchange<S>(
    io: S,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<OutgoingResponse, Error>
where
    S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    // A task of its own drives the connection. It ends with the response's body.
    let driver = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
    let response = tokio::time::timeout(first_byte_timeout(options), sender.send_request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
    Ok((
        response,
        Box::new(async move {
            driver
                .await
                .map_err(|_| Error::ConnectionTerminated)?
                .map_err(Error::from)
        }),
    ))
}

/// How long a response is waited for. Default: ten minutes, so that the run's own timeout ends the wait.
fn first_byte_timeout(options: Option<RequestOptions>) -> Duration {
    let chosen = options.and_then(|options| options.first_byte_timeout);
    chosen.unwrap_or(Duration::from_secs(600))
}

fn tls_config() -> Arc<rustls::ClientConfig> {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let roots = rustls::RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.into(),
            };
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let versions = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions();
            // ring supports all default versions of TLS.
            #[allow(clippy::expect_used)]
            let builder = versions.expect("ring has TLS 1.2 and 1.3");
            Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
        })
        .clone()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_is_allowed_by_name_and_port() {
        let host = AllowedHost::parse("api.example.com");
        assert!(host.allows("api.example.com", 443, 443));
        assert!(!host.allows("api.example.com", 8443, 443));
        assert!(!host.allows("evil-api.example.com", 443, 443));
        let host = AllowedHost::parse("*.example.com:8443");
        assert!(host.allows("a.b.example.com", 8443, 443));
        assert!(!host.allows("example.com", 8443, 443));
        assert!(!host.allows("evilexample.com", 8443, 443));
        assert!(!AllowedHost::parse("internal.example.com").private);
        assert!(AllowedHost::parse("private:internal.example.com").private);
        assert!(AllowedHost::parse("127.0.0.1:9000").private);
        assert_eq!(
            AllowedHost::parse("[::1]:9000"),
            AllowedHost {
                name: "::1".into(),
                wildcard: false,
                port: Some(9000),
                private: true
            }
        );
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_not_connected_to() {
        let error = connect("localhost", 1, false).await.unwrap_err();
        assert!(matches!(error, Error::DestinationIpProhibited), "{error:?}");
    }

    #[test]
    fn where_clouds_tell_keys_no_list_leads() {
        for (ip, public, listed) in [
            ("8.8.8.8", true, true),
            ("127.0.0.1", false, true),
            ("10.0.0.1", false, true),
            ("169.254.169.254", false, false),
            ("168.63.129.16", false, false),
            ("fd00:ec2::254", false, false),
        ] {
            let ip = ip.parse().unwrap();
            assert_eq!(
                (admits(ip, false), admits(ip, true)),
                (public, listed),
                "{ip}"
            );
        }
    }

    #[test]
    fn an_unlisted_host_is_denied_before_it_is_resolved() {
        let body = http_body_util::Empty::new()
            .map_err(|never: std::convert::Infallible| match never {})
            .boxed_unsync();
        let request = http::Request::get("http://unlisted.invalid/")
            .body(body)
            .unwrap();
        let hosts = [AllowedHost::parse("listed.invalid")];
        assert!(matches!(
            Destination::of(&request, &hosts).map(|_| ()),
            Err(Error::HttpRequestDenied)
        ));
    }
}
