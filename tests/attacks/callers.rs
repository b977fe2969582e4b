//! Two callers of one gateway, of whom one is hostile; and connections by hand.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Exchange, Gateway, Script, Speaker, request};
use serde_json::json;

/// The longest that an honest caller is made to wait.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What a client of Streamable HTTP always sends.
pub(crate) const PLAIN: [(&str, &str); 2] = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
];

/// A server that answers each call with nothing.
pub(crate) fn works() -> Script {
    let fine = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[]}}"#;
    Script::new().on("tools/call", &[fine])
}

/// A gateway that knows two clients by their keys.
pub(crate) struct Callers {
    pub(crate) gateway: Gateway,
    pub(crate) eve: String,
    pub(crate) ada: String,
}

impl Callers {
    /// `limits`: lines of `[gateway.limits]`; `eve`: more lines of the hostile client's table.
    pub(crate) fn start(limits: &str, eve: &str, servers: &str) -> Self {
        let ((eves, eve_lines), (ada, ada_lines)) = (token("eve"), token("ada"));
        let config = format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\n{limits}\n{eve_lines}\n{eve}\n{ada_lines}\n{servers}"
        );
        Self {
            gateway: Gateway::start(&config),
            eve: eves,
            ada,
        }
    }

    pub(crate) fn send(
        &self,
        token: &str,
        server: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Exchange {
        let headers = [&PLAIN[..], &[("authorization", token)], more].concat();
        request("POST", &self.gateway.mcp(server), &headers, body)
    }

    /// A modern call; its status and what came back.
    pub(crate) fn call(&self, token: &str, server: &str, tool: &str) -> (u16, String) {
        let headers = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        let said = self.send(token, server, &headers, &call(tool, ""));
        (
            said.status,
            String::from_utf8_lossy(&said.body()).into_owned(),
        )
    }

    /// A legacy session; none where the gateway has no place for another.
    pub(crate) fn begin(&self, token: &str, server: &str) -> Option<String> {
        let began = self.send(token, server, &[], Speaker::INITIALIZE);
        began.header("mcp-session-id").map(str::to_owned)
    }

    /// Sends a modern call and leaves the connection open, whatever comes.
    pub(crate) fn leave_open(&self, token: &str, server: &str, tool: &str) -> TcpStream {
        self.leave_open_with(token, server, tool, "")
    }

    /// The same, with a text among its arguments.
    pub(crate) fn leave_open_with(
        &self,
        token: &str,
        server: &str,
        tool: &str,
        text: &str,
    ) -> TcpStream {
        let body = call(tool, text);
        let url = self.gateway.mcp(server);
        let (authority, path) = url.trim_start_matches("http://").split_once('/').unwrap();
        let mut stream = connect(&self.gateway, Ipv4Addr::LOCALHOST);
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
             Mcp-Name: {tool}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // A gateway that has closed the connection has answered.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        stream
    }
}

/// A modern `tools/call`.
pub(crate) fn call(tool: &str, text: &str) -> Vec<u8> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": {"text": text}, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        .to_string()
        .into_bytes()
}

/// A token, and the lines that let its client in.
pub(crate) fn token(name: &str) -> (String, String) {
    let made = Command::new(harness::sandgate())
        .args(["token", name])
        .output()
        .unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    let token = text.split("Bearer ").nth(1).unwrap();
    let token = token.lines().next().unwrap();
    let lines = text[text.find("[clients").unwrap()..].to_owned();
    (format!("Bearer {token}"), lines)
}

/// A connection to the gateway from one of loopback's addresses.
pub(crate) fn connect(gateway: &Gateway, from: Ipv4Addr) -> TcpStream {
    use socket2::{Domain, Socket, Type};
    let at: SocketAddr = gateway.url.trim_start_matches("http://").parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from = SocketAddr::new(IpAddr::V4(from), 0);
    socket.bind(&from.into()).unwrap();
    socket.connect_timeout(&at.into(), SOON).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

/// `GET`s a path on a connection of its own; the status, or none where no answer comes soon.
pub(crate) fn get(gateway: &Gateway, from: Ipv4Addr, path: &str) -> Option<u16> {
    let mut stream = connect(gateway, from);
    let host = gateway.url.trim_start_matches("http://");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    said.split(' ').nth(1)?.parse().ok()
}

/// Room for as many open files as this process may have.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < SOON, "not within {SOON:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
