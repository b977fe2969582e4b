//! Opens a connection: everything that comes before its first byte goes on.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime};

use rustls::pki_types::ServerName;
use sandgate_address::{AllowedHost, Host};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Proxy;
use crate::connection_record::ConnectionRecord;
use crate::inject::Ended;
use crate::policy::Admitted;
use crate::reason::Reason;
use crate::verdict::Verdict;
use crate::{head, hello};

/// The most addresses of a name that are tried.
const ADDRESSES: usize = 3;

impl Proxy {
    /// Everything that comes before the first byte goes on: the host it asks for, whether it may, the address, the
    /// connection, and the name in its TLS. Returns the connection, and what the program said already.
    pub(crate) async fn open<'a>(
        &'a self,
        client: &mut TcpStream,
        told: &mut ConnectionRecord<'_>,
        crowded: bool,
        established: &mut bool,
    ) -> Result<(Opened<'a>, Vec<u8>), Reason> {
        let bounds = &self.bounds;
        let asked = timeout(bounds.head, head::read(client)).await;
        let asked = asked.map_err(|_| Reason::HeadTooSlow)??;
        told.connection.host = Some(asked.host.to_string());
        told.connection.port = Some(asked.port);
        if crowded {
            return Err(Reason::TooMany);
        }
        let now = SystemTime::now();
        let Admitted { by, audited } = self.policy.judge(&asked.host, asked.port, now)?;
        if self.new.lock().next(Instant::now()).is_none() {
            return Err(Reason::TooMany);
        }
        let addresses = self.addresses(&asked.host, &by, told).await?;
        let (host, address) = self.dial(&addresses, asked.port).await?;
        told.connection.address = Some(address);
        let reply = b"HTTP/1.1 200 Connection established\r\n\r\n";
        client
            .write_all(reply)
            .await
            .map_err(|_| Reason::ClientLeft)?;
        *established = true;
        let mut first = asked.rest;
        let named = timeout(bounds.hello, hello::read(client, &mut first)).await;
        let named = named.map_err(|_| Reason::HelloTooSlow)??;
        match (named, &asked.host) {
            (None, Host::Ip(_)) => {}
            (None, Host::Name(_)) => return Err(Reason::NoSni),
            (Some(name), host) => {
                if Host::parse(&name).as_ref() != Ok(host) {
                    told.connection.sni = Some(name);
                    return Err(Reason::SniMismatch);
                }
            }
        }
        let ending = self.injector.as_ref();
        let opened = match ending.and_then(|one| one.ending(&asked.host, asked.port)) {
            Some(ended) => {
                let stream = timeout(bounds.connect, trusted(&ended, host)).await;
                let stream = stream.map_err(|_| Reason::Unreachable)??;
                Opened::Ended(Box::new(stream), ended)
            }
            None => Opened::Whole(host),
        };
        told.opened(match audited {
            true => Verdict::Audited,
            false => Verdict::Allowed,
        })?;
        Ok((opened, first))
    }

    /// The addresses that may be connected to. The name is resolved here, and nowhere else: a second look-up could give
    /// another address than the checked one.
    async fn addresses(
        &self,
        host: &Host,
        by: &AllowedHost,
        told: &mut ConnectionRecord<'_>,
    ) -> Result<Vec<IpAddr>, Reason> {
        let found = match host {
            Host::Ip(address) => vec![*address],
            Host::Name(name) => {
                let resolved = timeout(self.bounds.connect, self.resolver.resolve(name)).await;
                let found = resolved.map_err(|_| Reason::Unresolved)?;
                found.map_err(|why| match why.kind() {
                    io::ErrorKind::ResourceBusy => Reason::TooMany,
                    _ => Reason::Unresolved,
                })?
            }
        };
        let first = found.first().ok_or(Reason::Unresolved)?;
        told.connection.address = Some(*first);
        let admitted: Vec<IpAddr> = found
            .iter()
            .copied()
            .filter(|address| by.admits(*address))
            .take(ADDRESSES)
            .collect();
        match admitted.is_empty() {
            true => Err(Reason::PrivateAddress),
            false => Ok(admitted),
        }
    }

    async fn dial(&self, addresses: &[IpAddr], port: u16) -> Result<(TcpStream, IpAddr), Reason> {
        for address in addresses {
            let made = TcpStream::connect(SocketAddr::new(*address, port));
            if let Ok(Ok(stream)) = timeout(self.bounds.connect, made).await {
                let _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
        }
        Err(Reason::Unreachable)
    }
}

/// A connection to a host.
pub(crate) enum Opened<'a> {
    /// The program's TLS goes on as it is.
    Whole(TcpStream),
    /// The proxy's own TLS with the host.
    Ended(Box<TlsStream<TcpStream>>, Ended<'a>),
}

/// TLS with a host, whose certificate is one that is trusted for its name.
async fn trusted(ended: &Ended<'_>, host: TcpStream) -> Result<TlsStream<TcpStream>, Reason> {
    let name = match &ended.host {
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Reason::Untrusted)?,
        Host::Ip(address) => ServerName::IpAddress((*address).into()),
    };
    let connector = TlsConnector::from(ended.client.clone());
    connector
        .connect(name, host)
        .await
        .map_err(|_| Reason::Untrusted)
}
