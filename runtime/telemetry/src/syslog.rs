//! Messages of syslog: RFC 5424, by UDP, TCP (RFC 6587, counted octets), TLS (RFC 5425) or a Unix datagram socket.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use sandgate_config::{Syslog, SyslogHost};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http_client;

/// The facility of what a program on this machine says: `local0`.
pub const LOCAL0: u8 = 16;
/// The facility of records for an audit.
pub const LOG_AUDIT: u8 = 13;
/// The timeout of one attempt: connecting and sending.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most reads of what the other side says before a connection is used again.
const MOST_READS: usize = 64;

/// Sends messages to one place. A connection is kept until it breaks.
pub struct SyslogClient {
    to: Syslog,
    tls: Option<TlsConnector>,
    stream: Mutex<Option<Stream>>,
}

enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A message of syslog, without its framing. `severity`: 0 (emergency) to 7 (debug).
pub fn message(facility: u8, severity: u8, at: SystemTime, id: &str, text: &str) -> String {
    let at = at.max(SystemTime::UNIX_EPOCH);
    format!(
        "<{}>1 {} {} sandgate {} {id} - {text}",
        facility * 8 + severity.min(7),
        humantime::format_rfc3339_millis(at),
        host(),
        std::process::id(),
    )
}

/// The machine's name, or `-` where it has none.
pub fn host() -> String {
    let host = rustix::system::uname();
    let host: String = host
        .nodename()
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_graphic)
        .take(255)
        .collect();
    match host.is_empty() {
        true => "-".to_owned(),
        false => host,
    }
}

impl SyslogClient {
    /// A client for this place. `ca`: the certificates (PEM) of the authorities that it trusts instead of those that
    /// browsers trust.
    ///
    /// # Errors
    ///
    /// `ca` has no certificate, or one that is none.
    pub fn new(to: Syslog, ca: Option<&[u8]>) -> Result<Self, String> {
        let tls = match to {
            Syslog::Tls(_) => Some(TlsConnector::from(Arc::new(http_client::tls_trusting(ca)?))),
            _ => None,
        };
        let stream = Mutex::default();
        Ok(Self { to, tls, stream })
    }

    /// Sends these messages, in their order. Returns how many were sent before an error, and the error. What a connection
    /// took is sent: syslog has no answer.
    pub async fn send(&self, messages: &[String]) -> (usize, io::Result<()>) {
        let mut sent = 0;
        let all = async {
            match &self.to {
                Syslog::Udp(address) => {
                    let socket = udp(address).await?;
                    for message in messages {
                        socket.send_to(message.as_bytes(), address).await?;
                        sent += 1;
                    }
                    Ok(())
                }
                Syslog::Socket(path) => {
                    let socket = UnixDatagram::unbound()?;
                    socket.connect(path)?;
                    for message in messages {
                        socket.send(message.as_bytes()).await?;
                        sent += 1;
                    }
                    Ok(())
                }
                Syslog::Tcp(host) | Syslog::Tls(host) => self.stream(host, messages).await,
            }
        };
        let result = tokio::time::timeout(TIMEOUT, all).await;
        let result = result.unwrap_or_else(|_| Err(silent()));
        match result {
            Ok(()) => (messages.len(), Ok(())),
            Err(error) => (sent, Err(error)),
        }
    }

    /// Writes the messages to the connection, all of them or none that counts.
    async fn stream(&self, host: &SyslogHost, messages: &[String]) -> io::Result<()> {
        let mut framed = String::new();
        for message in messages {
            let _ = write!(framed, "{} {message}", message.len());
        }
        let mut kept = self.stream.lock().await;
        // Taken out meanwhile, so that one which breaks, or is given up in between, is used no more.
        let mut open = None;
        if let Some(mut stream) = kept.take()
            && stream.is_open().await
        {
            open = Some(stream);
        }
        let mut stream = match open {
            Some(stream) => stream,
            None => self.connect(host).await?,
        };
        let writer = stream.writer();
        writer.write_all(framed.as_bytes()).await?;
        writer.flush().await?;
        *kept = Some(stream);
        Ok(())
    }

    async fn connect(&self, to: &SyslogHost) -> io::Result<Stream> {
        let tcp = TcpStream::connect((to.host.as_str(), to.port)).await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Stream::Tcp(tcp));
        };
        let name = ServerName::try_from(to.host.clone()).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(tls.connect(name, tcp).await?)))
    }
}

impl Stream {
    /// Whether the other side has not closed it. Without this, the first message after that would be lost. What it says is
    /// thrown away: syslog has no answers, and TLS has tickets.
    async fn is_open(&mut self) -> bool {
        let mut bytes = [0; 1024];
        for _ in 0..MOST_READS {
            let read = async {
                match self {
                    Self::Tcp(tcp) => tcp.read(&mut bytes).await,
                    Self::Tls(tls) => tls.read(&mut bytes).await,
                }
            };
            match tokio::time::timeout(Duration::ZERO, read).await {
                Ok(Ok(0) | Err(_)) => return false,
                Ok(Ok(_)) => {}
                Err(_) => return true,
            }
        }
        true
    }

    fn writer(&mut self) -> &mut (dyn AsyncWrite + Unpin + Send) {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Tls(tls) => tls,
        }
    }
}

async fn udp(to: &SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any).await
}

fn silent() -> io::Error {
    let why = format!("it takes nothing in {} s", TIMEOUT.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::AsyncRead;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Sends a message of one letter, and waits until it may have arrived.
    async fn send(client: &SyslogClient, text: &str) {
        let (sent, result) = client.send(&[text.to_owned()]).await;
        assert!(sent == 1 && result.is_ok(), "{result:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut said = [0; 3];
        let read = tokio::time::timeout(TIMEOUT, stream.read_exact(&mut said)).await;
        read.unwrap().unwrap();
        String::from_utf8(said.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_connection_by_tls_is_used_again_and_not_once_it_is_closed() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = SyslogHost {
            host: "localhost".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        let client = SyslogClient::new(Syslog::Tls(to), Some(certificate.pem().as_bytes()));
        let client = client.unwrap();
        let accept = async || {
            let accepted = tokio::time::timeout(TIMEOUT, listener.accept()).await;
            let (tcp, _) = accepted.unwrap().unwrap();
            acceptor.accept(tcp).await.unwrap()
        };
        // The server has sent its tickets by then, which are no end of the connection.
        let ((), mut first) = tokio::join!(send(&client, "a"), accept());
        send(&client, "b").await;
        send(&client, "c").await;
        for expected in ["1 a", "1 b", "1 c"] {
            assert_eq!(read(&mut first).await, expected);
        }
        first.shutdown().await.unwrap();
        drop(first);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let ((), mut next) = tokio::join!(send(&client, "d"), accept());
        assert_eq!(read(&mut next).await, "1 d");
    }

    #[tokio::test]
    async fn a_connection_is_used_again_also_where_the_other_side_speaks_and_not_once_it_is_closed()
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = SyslogHost {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        let client = SyslogClient::new(Syslog::Tcp(to), None).unwrap();
        send(&client, "a").await;
        let (mut first, _) = listener.accept().await.unwrap();
        // As a server of TLS does, with its tickets.
        first.write_all(&[0; 3000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(&client, "b").await;
        assert_eq!(read(&mut first).await, "1 a");
        assert_eq!(read(&mut first).await, "1 b");
        first.write_all(b"bye").await.unwrap();
        drop(first);
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(&client, "c").await;
        let next = tokio::time::timeout(TIMEOUT, listener.accept()).await;
        let (mut next, _) = next.unwrap().unwrap();
        assert_eq!(read(&mut next).await, "1 c");
    }
}
