//! How many allocations a call costs the gateway where no interceptor looks at it, from the client's socket to the
//! server's and back.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
// The one way to count allocations is to be the allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sandgate_gateway::{
    CallLog, CallLogError, Edition, Ended, Forwarded, Gateway, GatewayConfig, LeftOut, Registry,
    Server, ServerConfig, Transport,
};
use sandgate_message::Limits;
use sandgate_pipeline::Chain;
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Allocations that a call may make. 69 are made.
const ALLOCATIONS: u64 = 75;
/// Bytes of them, of which 16 KiB are hyper's two read buffers. Request and reply have 2.4 KB together.
const BYTES: u64 = 43 << 10;
const CALLS: u64 = 200;

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}
static COUNT: AtomicU64 = AtomicU64::new(0);
static SIZE: AtomicU64 = AtomicU64::new(0);

struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTED.with(Cell::get) {
            COUNT.fetch_add(1, Ordering::Relaxed);
            SIZE.fetch_add(layout.size() as u64, Ordering::Relaxed);
        }
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_call_that_no_interceptor_looks_at_keeps_its_budget_of_allocations() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            std::thread::spawn(move || answer(stream.unwrap()));
        }
    });
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(|| COUNTED.with(|counted| counted.set(true)))
        .build()
        .unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let transport = Transport::Http {
        url: format!("http://{to}/mcp").parse().unwrap(),
        headers: http::HeaderMap::new(),
    };
    let config = ServerConfig {
        request_timeout: Duration::from_secs(30),
        ..ServerConfig::new("desk", transport)
    };
    let chain = Chain::new(1, Vec::new(), None, Limits::default());
    let registry = Registry::new(Edition::new(chain, vec![Server::new(config)]).unwrap());
    let gateway = Gateway::new(GatewayConfig::default(), registry, Arc::new(Nowhere));
    runtime.spawn(async move { gateway.serve(listener, CancellationToken::new()).await });

    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut buffer = Vec::new();
    let request = call(port);
    let mut run = |calls| {
        for _ in 0..calls {
            client.write_all(request.as_bytes()).unwrap();
            let (head, body) = message(&mut client, &mut buffer).unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            assert!(body.contains("order 1007"), "{body}");
        }
    };
    // Connections, definitions and pools are made at the first calls.
    run(20);
    let (count, size) = (COUNT.load(Ordering::SeqCst), SIZE.load(Ordering::SeqCst));
    run(CALLS);
    let allocations = (COUNT.load(Ordering::SeqCst) - count) / CALLS;
    let bytes = (SIZE.load(Ordering::SeqCst) - size) / CALLS;
    println!("{allocations} allocations of {bytes} bytes a call");
    assert!(
        allocations <= ALLOCATIONS && bytes <= BYTES,
        "{allocations} allocations of {bytes} bytes"
    );
    // A count of none would mean that the wrong thread is counted.
    assert!(allocations > 10, "{allocations} allocations");
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"count","version":"1"}}"#;

fn call(port: u16) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"look_up","arguments":{{"customer":"c-1"}},{META}}}}}"#
    );
    let length = body.len();
    format!(
        "POST /mcp/desk HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
         mcp-method: tools/call\r\nmcp-name: look_up\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// Reads one HTTP message with a length: its head and its body. `None`: the connection is closed.
fn message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, String)> {
    let mut piece = [0; 16 << 10];
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length: usize = head
                .to_ascii_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let body = String::from_utf8_lossy(&buffer[end + 4..whole]).into_owned();
                buffer.drain(..whole);
                return Some((head, body));
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&piece[..read]),
        }
    }
}

/// The server: 2 KB for each call.
fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some((_, body)) = message(&mut stream, &mut buffer) {
        let id: serde_json::Value = serde_json::from_str(&body).unwrap();
        let result = match id["method"].as_str().unwrap() {
            "server/discover" => r#""capabilities":{"tools":{}},"supportedVersions":["2026-07-28"],"serverInfo":{"name":"desk","version":"1"}"#.into(),
            "tools/list" => r#""tools":[{"name":"look_up","inputSchema":{"type":"object"}}],"ttlMs":0,"cacheScope":"private""#.into(),
            _ => {
                let text = "Customer 07: user07.name@example07.org, order 1007, all fine with it; ".repeat(28);
                format!(r#""content":[{{"type":"text","text":"{text}"}}]"#)
            }
        };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"resultType":"complete",{result}}}}}"#,
            id["id"]
        );
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
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
