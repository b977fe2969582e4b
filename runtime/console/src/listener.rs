//! The listener, and one connection of a browser.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use sandgate_config::{Loaded, Report, Side};
use sandgate_daemon::invitation::Invitation;
use sandgate_daemon::operator::{Console, Operator};
use sandgate_telemetry::accept;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Role, TICKET, secret};
use crate::desk::Desk;
use crate::guard::Hosts;
use crate::live::Live;
use crate::response::closing;
use crate::router::Router;

/// The most connections at a time. Further ones wait.
const MOST: usize = 128;
/// How long a request's headers may take, and how long a connection may be idle.
const HEADERS: Duration = Duration::from_secs(15);
/// How long a connection may last that has shown no session yet.
const UNKNOWN: Duration = Duration::from_secs(30);
/// How often it is looked whose session is over.
const SWEEP: Duration = Duration::from_secs(5);
/// How long a connection may last. A slow reader does not keep its place; live figures connect again.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The console of one gateway.
pub struct WebConsole {
    listeners: Mutex<Vec<TcpListener>>,
    hosts: Hosts,
    /// Whether the console has loopback's other address, too: browsers may lead its own name there.
    owns_both: bool,
    /// The cookie's name. It has the port, since cookies of one host do not know ports.
    cookie: String,
    access: Arc<Access>,
    desk: Arc<dyn Desk>,
}

impl WebConsole {
    /// Binds the listener, if the configuration has a console.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, most often because another program listens there.
    pub async fn bind(loaded: &Loaded, desk: Arc<dyn Desk>) -> Result<Option<Arc<Self>>, Report> {
        let Some(console) = &loaded.config.console else {
            return Ok(None);
        };
        let address = console.listen.0;
        let failed = |error: std::io::Error| {
            let why = format!("the console cannot listen on {address}: {error}");
            let issue = loaded.error("/console/listen", Side::Value, why);
            let help = "give each gateway a port of its own (0 takes a free one), or stop the other program";
            loaded.report(vec![issue.help(help)])
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut listeners = vec![listener];
        let owns_both = match other_loopback(address) {
            // Browsers lead the own name to none but these two.
            None => false,
            Some(other) => match TcpListener::bind(other).await {
                Ok(listener) => {
                    listeners.push(listener);
                    true
                }
                // Where the machine has no such address, nobody has it.
                Err(error) if is_nowhere(&error) => true,
                Err(error) => {
                    tracing::warn!(
                        "links into the console are by address, since another program may have {other}: {error}"
                    );
                    false
                }
            },
        };
        tracing::info!("the console is on {address}; `sandgate console` prints a link into it");
        Ok(Some(Arc::new(Self::new(
            listeners, address, owns_both, desk,
        ))))
    }

    fn new(
        listeners: Vec<TcpListener>,
        address: SocketAddr,
        owns_both: bool,
        desk: Arc<dyn Desk>,
    ) -> Self {
        let port = address.port();
        Self {
            listeners: Mutex::new(listeners),
            owns_both,
            hosts: Hosts {
                own: format!("sandgate-{}.localhost:{port}", &secret()[..16]),
                address: address.to_string(),
                localhost: format!("localhost:{port}"),
            },
            cookie: format!("sandgate-console-{port}"),
            access: Arc::default(),
            desk,
        }
    }
}

impl Console for WebConsole {
    fn invite(&self, read_only: bool, uid: u32) -> Result<Invitation, String> {
        let role = match read_only {
            true => Role::Viewer,
            false => Role::Operator,
        };
        let ticket = self.access.ticket(role, uid, Instant::now());
        let url = |host: &str| format!("http://{host}/enter?ticket={ticket}");
        Ok(Invitation {
            url: match self.owns_both {
                true => url(&self.hosts.own),
                false => url(&self.hosts.address),
            },
            by_address: url(&self.hosts.address),
            seconds: TICKET.as_secs(),
        })
    }

    fn serve(
        self: Arc<Self>,
        operator: Operator,
        end: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let listeners = std::mem::take(&mut *self.listeners.lock());
        Box::pin(async move {
            let live = Live::start(operator.clone(), end.clone());
            let router = Arc::new(Router {
                operator,
                access: self.access.clone(),
                desk: self.desk.clone(),
                live,
                // Deeds that take long, one at a time, from which no look keeps its place.
                looks: Arc::new(Semaphore::new(2)),
                deeds: Arc::new(Semaphore::new(1)),
                reads: Arc::new(Semaphore::new(4)),
                hosts: Hosts {
                    own: self.hosts.own.clone(),
                    address: self.hosts.address.clone(),
                    localhost: self.hosts.localhost.clone(),
                },
                cookie: self.cookie.clone(),
                end: end.clone(),
            });
            let places = Arc::new(Semaphore::new(MOST));
            let accepting = listeners.into_iter().map(|listener| {
                let router = router.clone();
                accept(
                    listener,
                    "console",
                    places.clone(),
                    end.clone(),
                    move |stream| connection(stream, router.clone()),
                )
            });
            let sweeping = sweep(router.clone(), end.clone());
            futures_util::future::join(futures_util::future::join_all(accepting), sweeping).await;
        })
    }
}

/// Records whose session is over, until the gateway ends and all are.
async fn sweep(router: Arc<Router>, end: CancellationToken) {
    while !end.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = end.cancelled() => router.access.end_all(),
        }
        router.record_ended();
    }
}

/// Whether the machine has no such address.
fn is_nowhere(error: &std::io::Error) -> bool {
    let family = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    matches!(
        error.kind(),
        ErrorKind::AddrNotAvailable | ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(family)
}

/// The same port of loopback's other address. `None`: this is not one of the two.
fn other_loopback(address: SocketAddr) -> Option<SocketAddr> {
    let other = match address.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return None,
    };
    Some(SocketAddr::new(other, address.port()))
}

async fn connection(stream: TcpStream, router: Arc<Router>) {
    let _ = stream.set_nodelay(true);
    // Whether a request showed a session.
    let known = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| {
        let (router, known) = (router.clone(), known.clone());
        async move {
            let answer = router.answer(request, &known).await;
            let is_out = matches!(
                answer.status(),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            );
            Ok::<_, Infallible>(match is_out {
                true => closing(answer),
                false => answer,
            })
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    let over = async {
        tokio::time::sleep(UNKNOWN).await;
        if known.load(Ordering::Relaxed) {
            tokio::time::sleep(LONGEST.saturating_sub(UNKNOWN)).await;
        }
    };
    tokio::select! {
        served = served => {
            if let Err(error) = served {
                tracing::debug!("console: {error}");
            }
        }
        () = over => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_an_address_family_has_no_such_address() {
        let errno = |errno: rustix::io::Errno| std::io::Error::from(errno);
        assert!(is_nowhere(&errno(rustix::io::Errno::AFNOSUPPORT)));
        assert!(is_nowhere(&errno(rustix::io::Errno::ADDRNOTAVAIL)));
        assert!(!is_nowhere(&errno(rustix::io::Errno::ADDRINUSE)));
    }
}
