//! What the gateway costs on the way, HTTP in and HTTP out without interceptors, beside a bare reverse proxy: one run, one
//! server behind both, the same clients, rounds of the two in turn.
//!
//! The clients (one thread), the proxy (one thread) and the server (one thread) share the machine, so requests per second
//! say what a machine does that runs all three. The proxy's own share is its thread's processor time for each request.
//! Words after `--` choose whom to measure (`cargo bench -p sandgate-gateway --bench proxy -- gateway`), a number how many
//! requests a round has.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sandgate_gateway::{
    CallLog, CallLogError, Edition, Ended, Forwarded, Gateway, GatewayConfig, LeftOut, Registry,
    Server, ServerConfig, Transport,
};
use sandgate_message::Limits;
use sandgate_pipeline::Chain;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: u8 = 16;
const ROUNDS: usize = 9;
const REQUESTS: usize = 8_000;
/// No round takes longer.
const ROUND: Duration = Duration::from_secs(4);
/// Ids have two digits and stand at the same place in every message, so that the server need not look for them.
const FIRST_ID: u8 = 10;
const ID_OF_INITIALIZE: u8 = 99;
const ID_AT: usize = r#"{"jsonrpc":"2.0","id":"#.len();
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let requests = words
        .iter()
        .find_map(|word| word.parse().ok())
        .unwrap_or(REQUESTS);
    let chosen = |name: &str| {
        let named = words.iter().filter(|word| word.parse::<usize>().is_err());
        named.clone().count() == 0 || named.clone().any(|word| name.contains(word.as_str()))
    };

    let clients = Builder::new_current_thread().enable_all().build().unwrap();
    let behind = thread("server");
    let proxy = Proxy::new();
    let server = behind.block_on(listen());
    behind.spawn(serve(server.1, answer));
    let bare = proxy.runtime.block_on(start_bare(server.0));
    let gateway = proxy.runtime.block_on(start_gateway(server.0));
    let session = clients.block_on(initialize(&gateway));
    let loads = [
        Load::modern("bare modern", &bare),
        Load::modern("gateway modern", &gateway),
        Load::legacy("bare legacy", &bare, &session),
        Load::legacy("gateway legacy", &gateway, &session),
    ];
    let loads: Vec<&Load> = loads.iter().filter(|load| chosen(load.name)).collect();

    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); loads.len()];
    for round in 0..=ROUNDS {
        for (load, figures) in loads.iter().zip(&mut figures) {
            let measured = clients.block_on(load.run(requests, &proxy));
            // The first warms up.
            if round > 0 {
                figures.push(measured);
            }
        }
    }

    println!("{CONNECTIONS} connections, {ROUNDS} rounds of {requests} requests, medians");
    println!("                   requests/s   p50 µs   p99 µs   processor µs a request");
    for (load, figures) in loads.iter().zip(&figures) {
        let [rate, p50, p99, processor] = median(figures);
        println!(
            "{:<18} {rate:>10.0} {p50:>8.0} {p99:>8.0} {processor:>10.1}",
            load.name
        );
    }
    for era in ["modern", "legacy"] {
        let of = |name: &str| {
            let at = loads
                .iter()
                .position(|load| load.name == format!("{name} {era}"))?;
            Some(&figures[at])
        };
        if let (Some(bare), Some(gateway)) = (of("bare"), of("gateway")) {
            let ratios: Vec<Figures> = (bare.iter().zip(gateway))
                .map(|(bare, gateway)| std::array::from_fn(|n| gateway[n] / bare[n]))
                .collect();
            let [rate, p50, p99, processor] = median(&ratios);
            println!(
                "gateway / bare, {era}: requests/s {rate:.2}, p50 {p50:.2}, p99 {p99:.2}, processor {processor:.2}"
            );
        }
    }
}

/// Requests a second, p50 and p99 in µs, processor time of the proxy in µs a request.
type Figures = [f64; 4];

fn median(rounds: &[Figures]) -> Figures {
    std::array::from_fn(|n| {
        let mut values: Vec<f64> = rounds.iter().map(|figures| figures[n]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    })
}

fn thread(name: &str) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs whatever lies between clients and server, on one thread.
struct Proxy {
    runtime: Runtime,
    /// Where Linux counts the thread's nanoseconds on a processor.
    clock: String,
}

impl Proxy {
    fn new() -> Self {
        let runtime = thread("proxy");
        let myself = async { std::fs::read_link("/proc/thread-self").unwrap() };
        let task = runtime.block_on(runtime.spawn(myself)).unwrap();
        let clock = format!("/proc/{}/schedstat", task.display());
        Self { runtime, clock }
    }

    fn micros(&self) -> f64 {
        let text = std::fs::read_to_string(&self.clock).unwrap_or_default();
        let nanos = text
            .split(' ')
            .next()
            .and_then(|first| first.parse::<f64>().ok());
        nanos.map_or(f64::NAN, |nanos| nanos / 1e3)
    }
}

/// What the clients send, and to whom.
struct Load {
    name: &'static str,
    to: Uri,
    headers: HeaderMap,
    params: &'static str,
}

impl Load {
    fn modern(name: &'static str, to: &Uri) -> Self {
        let mut load = Self::new(name, to, "2026-07-28");
        load.params = r#"{"name":"lookup_customer","arguments":{"id":"C-1001","fields":["name","tier","tickets"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}}"#;
        let mirrored = [
            ("mcp-method", "tools/call"),
            ("mcp-name", "lookup_customer"),
        ];
        for (name, value) in mirrored {
            load.headers.insert(name, HeaderValue::from_static(value));
        }
        load
    }

    fn legacy(name: &'static str, to: &Uri, session: &HeaderValue) -> Self {
        let mut load = Self::new(name, to, "2025-11-25");
        load.params = r#"{"name":"lookup_customer","arguments":{"id":"C-1001","fields":["name","tier","tickets"]}}"#;
        load.headers.insert(SESSION, session.clone());
        load
    }

    fn new(name: &'static str, to: &Uri, version: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        let host = to.authority().unwrap().as_str();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        let fixed = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("user-agent", "bench/1.0"),
            ("mcp-protocol-version", version),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self {
            name,
            to: to.clone(),
            headers,
            params: "{}",
        }
    }

    async fn run(&self, requests: usize, proxy: &Proxy) -> Figures {
        let each = requests / usize::from(CONNECTIONS);
        let mut senders = Vec::new();
        for number in 0..CONNECTIONS {
            senders.push((
                connect(&self.to).await,
                call(FIRST_ID + number, "tools/call", self.params),
            ));
        }
        let (began, busy) = (Instant::now(), proxy.micros());
        let clients = senders.into_iter().map(|(mut sender, body)| async move {
            let mut waits = Vec::with_capacity(each);
            while waits.len() < each && began.elapsed() < ROUND {
                sender.ready().await.unwrap();
                let sent = Instant::now();
                let response = sender
                    .send_request(self.request(body.clone()))
                    .await
                    .unwrap();
                let status = response.status();
                let reply = response.into_body().collect().await.unwrap().to_bytes();
                waits.push(sent.elapsed());
                assert!(
                    status == 200 && reply[ID_AT..ID_AT + 2] == body[ID_AT..ID_AT + 2],
                    "{reply:?}"
                );
            }
            waits
        });
        let mut waits: Vec<Duration> = join_all(clients).await.concat();
        let (took, busy) = (began.elapsed(), proxy.micros() - busy);
        waits.sort_unstable();
        let count = waits.len() as f64;
        let at = |share: f64| waits[((count - 1.0) * share) as usize].as_secs_f64() * 1e6;
        [count / took.as_secs_f64(), at(0.5), at(0.99), busy / count]
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::post(self.to.path()).body(Full::new(body)).unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

async fn connect(to: &Uri) -> Sender {
    let stream = TcpStream::connect(to.authority().unwrap().as_str())
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn call(id: u8, method: &str, params: &str) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#).into()
}

/// A session of the gateway's; one client's hands may hold many requests at once.
async fn initialize(gateway: &Uri) -> HeaderValue {
    let params = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1.0.0"}}"#;
    let mut load = Load::legacy("", gateway, &HeaderValue::from_static("none"));
    load.headers.remove(SESSION);
    let body = call(ID_OF_INITIALIZE, "initialize", params);
    let response = connect(gateway)
        .await
        .send_request(load.request(body))
        .await
        .unwrap();
    response.headers()[SESSION].clone()
}

async fn listen() -> (u16, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

async fn serve<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answered = answer(request);
            async { Ok::<_, Infallible>(answered.await) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// The server behind: the same 1.9 KB for everybody, under the request's own id.
async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let id = std::str::from_utf8(&body[ID_AT..ID_AT + 2]).unwrap();
    let initialize = id == ID_OF_INITIALIZE.to_string();
    let result = if initialize {
        r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"desk","version":"1"}}"#
    } else {
        LOOKED_UP
    };
    let reply = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
    let mut response = Response::new(Full::new(reply.into()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if initialize {
        response
            .headers_mut()
            .insert(SESSION, HeaderValue::from_static("behind"));
    }
    response
}

/// What a reverse proxy cannot do without: the body read whole, passed on over a kept connection, the reply's likewise.
async fn start_bare(server: u16) -> Uri {
    let (port, listener) = listen().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let to: Uri = format!("http://127.0.0.1:{server}/mcp").parse().unwrap();
    let forward = move |request: Request<Incoming>| {
        let (client, to) = (client.clone(), to.clone());
        async move {
            let (mut parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            parts.uri = to;
            parts.headers.remove(HOST);
            let response = client
                .request(Request::from_parts(parts, Full::new(body)))
                .await
                .unwrap();
            let (mut parts, body) = response.into_parts();
            parts.headers.remove(CONTENT_LENGTH);
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(parts, Full::new(body))
        }
    };
    tokio::spawn(serve(listener, forward));
    format!("http://127.0.0.1:{port}/mcp").parse().unwrap()
}

async fn start_gateway(server: u16) -> Uri {
    let (port, listener) = listen().await;
    let second = Duration::from_secs(1);
    let transport = Transport::Http {
        url: format!("http://127.0.0.1:{server}/mcp").parse().unwrap(),
        headers: HeaderMap::new(),
    };
    let server = Server::new(ServerConfig {
        connect_timeout: second,
        request_timeout: 30 * second,
        ..ServerConfig::new("desk", transport)
    });
    let chain = Chain::new(1, Vec::new(), None, Limits::default());
    let registry = Registry::new(Edition::new(chain, vec![server]).unwrap());
    let gateway = Gateway::new(GatewayConfig::default(), registry, Arc::new(Nowhere));
    tokio::spawn(async move { gateway.serve(listener, CancellationToken::new()).await });
    format!("http://127.0.0.1:{port}/mcp/desk").parse().unwrap()
}

/// Where records go is the program's affair, not the gateway's.
struct Nowhere;

impl CallLog for Nowhere {
    fn forwarded(&self, _: &Forwarded<'_>) -> Result<(), CallLogError> {
        Ok(())
    }
    fn ended(&self, _: &Ended<'_>) -> Result<(), CallLogError> {
        Ok(())
    }
    fn left_out(&self, _: &LeftOut<'_>) -> Result<(), CallLogError> {
        Ok(())
    }
}

const LOOKED_UP: &str = r#"{"content":[{"type":"text","text":"Customer C-1001, Anna Schmidt, tier gold, since 2019-04-02. Open tickets:\nT-2041 (high): The export of invoices stops at 500 lines; the rest is missing without any message.\nT-2057 (normal): Asks whether \"single sign-on\" can be limited to one department.\nT-2063 (low): The German translation of the settings page says »Speichern« twice.\nLast contact 2026-11-14 by phone, 12 minutes, about T-2041; a workaround was sent by mail."}],"structuredContent":{"customer":{"id":"C-1001","name":"Anna Schmidt","tier":"gold","since":"2019-04-02","balance":-12.5,"active":true},"tickets":[{"id":"T-2041","priority":"high","state":"open","subject":"Export of invoices stops at 500 lines","created":"2026-11-03T09:11:00Z","assignee":"Jonas Weber","comments":3},{"id":"T-2049","priority":"normal","state":"open","subject":"Single sign-on for one department","created":"2026-11-06T09:12:00Z","assignee":"Mei Tanaka","comments":4},{"id":"T-2057","priority":"low","state":"open","subject":"Settings page: translation","created":"2026-11-09T09:13:00Z","assignee":"Jonas Weber","comments":5},{"id":"T-2065","priority":"normal","state":"open","subject":"Report shows last year's figures in the header","created":"2026-11-12T09:14:00Z","assignee":"Aisha Diallo","comments":6},{"id":"T-2073","priority":"low","state":"open","subject":"Asks for a dark theme","created":"2026-11-15T09:15:00Z","assignee":"Mei Tanaka","comments":7},{"id":"T-2081","priority":"high","state":"open","subject":"Password reset mail arrives after an hour","created":"2026-11-18T09:16:00Z","assignee":"Aisha Diallo","comments":8},{"id":"T-2089","priority":"normal","state":"waiting","subject":"Wants the contract as a signed PDF","created":"2026-11-20T09:17:00Z","assignee":"Jonas Weber","comments":9},{"id":"T-2097","priority":"low","state":"open","subject":"Typing error","created":"2026-11-21T09:18:00Z","assignee":"Mei Tanaka"}],"next":null},"isError":false}"#;
