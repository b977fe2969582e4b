//! The proxy of one server: connections are taken within their bounds, judged, made and carried.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use sandgate_address::{AllowedHost, Host};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::connection::{Connection, ConnectionLog, Verdict};
use crate::inject::{Ended, Injector, carry};
use crate::pace::Pace;
use crate::policy::{Admitted, Policy};
use crate::reason::Reason;
use crate::relay::{Moved, relay};
use crate::resolve::{Resolver, SystemResolver};
use crate::{head, hello};

/// The most addresses of a name that are tried.
const ADDRESSES: usize = 3;
/// How long a failing listener is left alone.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a refused program may take to read why, and what it still sends is read and thrown away.
const LINGER: Duration = Duration::from_secs(1);
/// Refused connections that have records of their own: at once, and then one after each so much time. A program that
/// tries without end does not fill the log.
const REFUSED: (u32, Duration) = (100, Duration::from_millis(500));

/// The bounds of one server's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at a time.
    pub connections: usize,
    /// Connections beyond them that are told so at a time; further ones are closed unheard.
    pub turned_away: usize,
    /// New connections at once, and then one after each so much time: each of them is recorded.
    pub pace: (u32, Duration),
    /// The time for the head of a request.
    pub head: Duration,
    /// The time for the hello of TLS.
    pub hello: Duration,
    /// The time for resolving a name, and for connecting to each address.
    pub connect: Duration,
    /// The longest time in which nothing moves.
    pub idle: Duration,
}

impl Default for Bounds {
    /// 64 connections and 16 that are told of it, 500 new ones at once and 50 a second, 10 s for the head and the hello
    /// each, 5 s to resolve and to connect, 5 minutes of silence.
    fn default() -> Self {
        Self {
            connections: 64,
            pace: (500, Duration::from_millis(20)),
            turned_away: 16,
            head: Duration::from_secs(10),
            hello: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5 * 60),
        }
    }
}

/// The proxy of one server. All its programs share its bounds, each by a listener of its own.
pub struct Proxy {
    server: Arc<str>,
    policy: Policy,
    /// Puts values into requests to some of the hosts.
    injector: Option<Arc<Injector>>,
    log: Arc<dyn ConnectionLog>,
    resolver: Arc<dyn Resolver>,
    bounds: Bounds,
    places: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    /// Connections that are let through, and records of refused ones.
    new: Mutex<Pace>,
    refused: Mutex<Pace>,
}

impl Proxy {
    /// A proxy with the system's resolver and the default bounds.
    pub fn new(server: impl Into<Arc<str>>, policy: Policy, log: Arc<dyn ConnectionLog>) -> Self {
        Self::with(
            server,
            policy,
            log,
            Arc::new(SystemResolver::default()),
            Bounds::default(),
        )
    }

    /// A proxy with a resolver and bounds of its own.
    pub fn with(
        server: impl Into<Arc<str>>,
        policy: Policy,
        log: Arc<dyn ConnectionLog>,
        resolver: Arc<dyn Resolver>,
        bounds: Bounds,
    ) -> Self {
        Self {
            server: server.into(),
            policy,
            injector: None,
            log,
            resolver,
            bounds,
            places: Arc::new(Semaphore::new(bounds.connections)),
            turned_away: Arc::new(Semaphore::new(bounds.turned_away)),
            new: Mutex::new(Pace::new(bounds.pace.0, bounds.pace.1, Instant::now())),
            refused: Mutex::new(Pace::new(REFUSED.0, REFUSED.1, Instant::now())),
        }
    }

    /// The same proxy, which puts values into requests to some of the hosts.
    #[must_use]
    pub fn injecting(self, injector: Arc<Injector>) -> Self {
        Self {
            injector: Some(injector),
            ..self
        }
    }

    /// What puts values into requests to some of the hosts.
    pub fn injector(&self) -> Option<&Arc<Injector>> {
        self.injector.as_ref()
    }

    /// What the server may reach.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Serves the connections of one listener. Dropping the future ends them.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((client, _)) = accepted else {
                // No descriptors are left, for example.
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let (place, crowded) = match self.places.clone().try_acquire_owned() {
                Ok(place) => (place, false),
                Err(_) => match self.turned_away.clone().try_acquire_owned() {
                    Ok(place) => (place, true),
                    Err(_) => {
                        self.begin().refused(Reason::TooMany);
                        continue;
                    }
                },
            };
            let proxy = self.clone();
            connections.spawn(async move {
                proxy.carry(client, crowded).await;
                drop(place);
            });
        }
    }

    /// One connection, from its beginning to its end.
    async fn carry(&self, mut client: TcpStream, crowded: bool) {
        let mut told = self.begin();
        let mut established = false;
        let opened = self
            .open(&mut client, &mut told, crowded, &mut established)
            .await;
        match opened {
            Ok((Opened::Ended(host, ended), first)) => {
                let moved = told.moved.clone();
                let times = (self.bounds.hello, self.bounds.idle);
                Box::pin(carry(client, first, *host, ended, &moved, times)).await;
            }
            Ok((Opened::Whole(mut host), first)) => {
                let moved = told.moved.clone();
                relay(&mut client, &mut host, &first, &moved, self.bounds.idle).await;
            }
            Err(reason) => {
                let text = self.words(reason, &told.connection);
                told.refused(reason);
                let _ = timeout(LINGER, answer(&mut client, reason, established, &text)).await;
            }
        }
    }

    /// Everything that comes before the first byte goes on: the host it asks for, whether it may, the address, the
    /// connection, and the name in its TLS. Returns the connection, and what the program said already.
    async fn open<'a>(
        &'a self,
        client: &mut TcpStream,
        told: &mut Told<'_>,
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
        told: &mut Told<'_>,
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

    fn begin(&self) -> Told<'_> {
        Told {
            proxy: self,
            connection: Connection {
                id: id(),
                server: self.server.clone(),
                began: SystemTime::now(),
                host: None,
                port: None,
                address: None,
                sni: None,
                verdict: Verdict::Failed,
                reason: None,
                up: 0,
                down: 0,
                took: Duration::ZERO,
                left_out: false,
                others: 0,
            },
            began: Instant::now(),
            moved: Arc::new(Moved::new()),
        }
    }

    /// The answer to a refused request, in one line.
    fn words(&self, reason: Reason, connection: &Connection) -> String {
        let (target, server) = (connection.target(), &self.server);
        let meaning = reason.meaning();
        let help = match reason {
            Reason::HostNotListed | Reason::PortNotListed => {
                format!(" (`egress` of `[servers.{server}]`)")
            }
            Reason::PrivateAddress => {
                format!(
                    " (`egress` of `[servers.{server}]` allows such with `private:` before the host)"
                )
            }
            _ => String::new(),
        };
        format!(
            "sandgate: {target} is refused: {meaning}{help} [{}]\n",
            reason.as_str()
        )
    }
}

/// A connection to a host.
enum Opened<'a> {
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

/// Two proxies are the same if the server may reach the same.
impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let injector = |one: &Self| one.injector.as_ref().map(Arc::as_ptr);
        (&self.server, &self.policy, self.bounds) == (&other.server, &other.policy, other.bounds)
            && injector(self) == injector(other)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("server", &self.server)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A connection that the log is told of when it ends, however that comes about.
struct Told<'a> {
    proxy: &'a Proxy,
    connection: Connection,
    began: Instant,
    moved: Arc<Moved>,
}

impl Told<'_> {
    fn opened(&mut self, verdict: Verdict) -> Result<(), Reason> {
        self.connection.took = self.began.elapsed();
        let connection = Connection {
            verdict,
            ..self.connection.clone()
        };
        self.proxy.log.opened(&connection).map_err(|error| {
            tracing::warn!(server = %self.proxy.server, "a connection is refused: {error}");
            Reason::Unlogged
        })?;
        self.connection.verdict = verdict;
        Ok(())
    }

    fn refused(mut self, reason: Reason) {
        self.connection.verdict = reason.verdict();
        self.connection.reason = Some(reason);
        // Dropped here, so that the record is written before the program knows.
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let connection = &mut self.connection;
        let let_through = matches!(connection.verdict, Verdict::Allowed | Verdict::Audited);
        if !let_through {
            connection.reason.get_or_insert(Reason::ClientLeft);
            match self.proxy.refused.lock().next(Instant::now()) {
                Some(others) => connection.others = others,
                None => connection.left_out = true,
            }
        }
        connection.took = self.began.elapsed();
        connection.up = self.moved.up.load(Ordering::Relaxed);
        connection.down = self.moved.down.load(Ordering::Relaxed);
        self.proxy.log.ended(connection);
    }
}

/// Tells a program that it is refused: before the tunnel is there in HTTP, then by an alert of TLS.
async fn answer(
    client: &mut TcpStream,
    reason: Reason,
    established: bool,
    text: &str,
) -> io::Result<()> {
    if established {
        client.write_all(&hello::ALERT).await?;
    } else if reason != Reason::ClientLeft {
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            reason.status(),
            text.len()
        );
        client.write_all((head + text).as_bytes()).await?;
    }
    client.shutdown().await?;
    // What is not read would reset the connection, and the answer with it.
    let mut rest = [0; 1024];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

/// An id that no other connection of this machine's gateways has.
fn id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = now.unwrap_or_default().as_micros();
    format!("{micros:x}-{:x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests;
