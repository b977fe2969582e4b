//! A gateway in this process, and the log that it writes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::{
    CallLog, CallLogError, Decision, Edition, Ended, Forwarded, Gateway, GatewayConfig, LeftOut,
    Observer, Registry, Server, ServerConfig, Transport,
};
use sandgate_message::{Direction, Era, Limits};
use sandgate_pipeline::{Chain, Globs, Step};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::server::{CHILD, Fake};

/// A record, as far as tests ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Forwarded {
        id: String,
        method: String,
        server: String,
        target: Option<String>,
        params: String,
    },
    Ended {
        id: String,
        method: String,
        decision: Decision,
        version: u64,
        reply: Option<String>,
        direction: Direction,
        session: Option<String>,
        client_target: Option<String>,
        era: Era,
    },
}

#[derive(Default)]
pub struct Log {
    pub records: Mutex<Vec<Record>>,
    pub full: AtomicBool,
    pub full_at_end: AtomicBool,
    pub left_out: AtomicU64,
}

impl CallLog for Log {
    fn forwarded(&self, record: &Forwarded<'_>) -> Result<(), CallLogError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(CallLogError("no space left".into()));
        }
        let call = record.call;
        self.records.lock().push(Record::Forwarded {
            id: call.id.to_string(),
            method: call.method.to_string(),
            server: call.server.to_string(),
            target: call.target.as_deref().map(str::to_owned),
            params: record.params.as_str().to_owned(),
        });
        Ok(())
    }
    fn left_out(&self, record: &LeftOut<'_>) -> Result<(), CallLogError> {
        self.left_out
            .fetch_add(record.notifications, Ordering::SeqCst);
        Ok(())
    }
    fn ended(&self, record: &Ended<'_>) -> Result<(), CallLogError> {
        if self.full.load(Ordering::SeqCst) || self.full_at_end.load(Ordering::SeqCst) {
            return Err(CallLogError("no space left".into()));
        }
        let call = record.call;
        self.records.lock().push(Record::Ended {
            id: call.id.to_string(),
            method: call.method.to_string(),
            decision: record.decision,
            version: record.trail.version,
            reply: record.reply.map(|reply| reply.as_str().to_owned()),
            direction: call.direction,
            session: call.session.as_deref().map(str::to_owned),
            client_target: call.client_target.as_deref().map(str::to_owned),
            era: call.era,
        });
        Ok(())
    }
}

impl Log {
    /// What became of the calls of one method.
    pub fn decisions(&self, wanted: &str) -> Vec<Decision> {
        let of = |record: &Record| match record {
            Record::Ended {
                method, decision, ..
            } if method == wanted => Some(*decision),
            _ => None,
        };
        self.records.lock().iter().filter_map(of).collect()
    }

    pub fn forwarded(&self, wanted: &str) -> usize {
        self.records
            .lock()
            .iter()
            .filter(|record| matches!(record, Record::Forwarded { method, .. } if method == wanted))
            .count()
    }

    pub async fn wait_for(&self, method: &str, decision: Decision) {
        for _ in 0..500 {
            if self.decisions(method).contains(&decision) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "no {method} ended as {decision:?}: {:?}",
            self.records.lock()
        );
    }
}

pub struct House {
    pub gateway: Arc<Gateway>,
    pub log: Arc<Log>,
    pub at: SocketAddr,
    pub stop: CancellationToken,
    _stop: DropGuard,
}

pub fn http(name: &str, fake: &Fake) -> Arc<Server> {
    server(
        name,
        Transport::Http {
            url: fake.url().parse().unwrap(),
            headers: http::HeaderMap::new(),
        },
    )
}

pub fn child(name: &str, verbatim: &str) -> Arc<Server> {
    let args = vec!["-u".into(), "-c".into(), CHILD.into(), verbatim.into()];
    let env = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
    server(
        name,
        Transport::Stdio {
            command: "python3".into(),
            args,
            env,
            cwd: None,
        },
    )
}

pub fn server(name: &str, transport: Transport) -> Arc<Server> {
    Server::new(ServerConfig {
        request_timeout: Duration::from_secs(15),
        ..ServerConfig::new(name, transport)
    })
}

pub fn edition(version: u64, steps: Vec<Step>, servers: Vec<Arc<Server>>) -> Edition {
    // Methods of the servers of these tests, which the protocol does not know.
    let own = Globs::new(["ask", "echo", "verbatim"]).unwrap();
    let chain = Chain::new(version, steps, None, Limits::default()).extended(own);
    Edition::new(chain, servers).unwrap()
}

pub async fn gateway(steps: Vec<Step>, servers: Vec<Arc<Server>>) -> House {
    configured(GatewayConfig::default(), steps, servers).await
}

pub async fn configured(
    config: GatewayConfig,
    steps: Vec<Step>,
    servers: Vec<Arc<Server>>,
) -> House {
    watched(config, steps, servers, None).await
}

pub async fn watched(
    config: GatewayConfig,
    steps: Vec<Step>,
    servers: Vec<Arc<Server>>,
    observer: Option<Arc<dyn Observer>>,
) -> House {
    let log = Arc::new(Log::default());
    let registry = Registry::new(edition(1, steps, servers));
    let gateway = Gateway::observed(config, registry, log.clone(), observer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (served, told) = (gateway.clone(), stop.clone());
    tokio::spawn(async move { served.serve(listener, told).await });
    House {
        gateway,
        log,
        at,
        _stop: stop.clone().drop_guard(),
        stop,
    }
}
