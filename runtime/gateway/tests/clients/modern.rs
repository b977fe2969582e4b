//! Servers of the modern era, with subscriptions that a test feeds.

use std::sync::Arc;

use sandgate_gateway::{Server, Transport};
use tokio::sync::mpsc;

use crate::client::{Events, Response, SOON, ask_modern, modern};
use crate::house::server;
use crate::server::{Fake, Says, result};

/// The opened subscriptions of a server.
pub type Opened = mpsc::Receiver<Subscribed>;

/// A subscription from the server's side. Dropped, its stream ends.
pub struct Subscribed {
    pub id: String,
    pub params: serde_json::Value,
    pub stream: mpsc::Sender<String>,
}

impl Subscribed {
    pub async fn notify(&self, method: &str, params: &str) {
        let comma = if params.is_empty() { "" } else { "," };
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}{comma}{params}}}}}"#,
            self.id
        ))
        .await;
    }
    pub async fn send(&self, message: &str) {
        self.stream
            .send(format!("data: {message}\n\n"))
            .await
            .unwrap();
    }
}

pub async fn opened(opened: &mut Opened) -> Subscribed {
    tokio::time::timeout(SOON, opened.recv())
        .await
        .expect("nobody subscribed")
        .unwrap()
}

/// Lists `tools`, one resource and one template; acknowledges what it is asked for.
pub async fn subscribable(tools: &'static str, uri: &'static str) -> (Fake, Opened) {
    let (sender, receiver) = mpsc::channel(16);
    let fake = Fake::new(move |got| {
        let said = match got.rpc().as_str() {
            "server/discover" => r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}},"ttlMs":1000,"cacheScope":"public"}"#.to_owned(),
            "tools/list" => format!(r#"{{"resultType":"complete","tools":[{tools}],"ttlMs":1000,"cacheScope":"public"}}"#),
            "resources/list" => format!(r#"{{"resultType":"complete","resources":[{{"uri":"{uri}","name":"r"}}],"ttlMs":5000,"cacheScope":"public"}}"#),
            "resources/templates/list" => format!(r#"{{"resultType":"complete","resourceTemplates":[{{"uriTemplate":"{uri}/{{id}}","name":"t"}}],"ttlMs":5000,"cacheScope":"public"}}"#),
            "subscriptions/listen" => {
                let (stream, events) = mpsc::channel(16);
                let params = got.json()["params"].clone();
                let ack = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}},"notifications":{}}}}}"#,
                    got.id(), params["notifications"]
                );
                stream.try_send(format!("data: {ack}\n\n")).unwrap();
                sender.try_send(Subscribed { id: got.id(), params, stream }).unwrap();
                return Says::Stream(events);
            }
            rpc if rpc.starts_with("notifications/") => return Says::Accepted,
            _ => r#"{"resultType":"complete"}"#.to_owned(),
        };
        Says::Json(result(&got.id(), &said))
    })
    .await;
    (fake, receiver)
}

/// A stdio server of the modern era: `poke` makes it tell every subscription that tools are others, `end` ends them,
/// `subscribed` tells their ids, `cancelled` which requests were cancelled, `die` ends it.
const CHILD: &str = r#"
import json, sys
subscriptions, cancelled = [], []
def say(**m):
    sys.stdout.write(json.dumps({"jsonrpc":"2.0",**m}) + "\n"); sys.stdout.flush()
def mark(id): return {"_meta":{"io.modelcontextprotocol/subscriptionId":id}}
for line in sys.stdin:
    got = json.loads(line)
    method, id, params = got.get("method"), got.get("id"), got.get("params", {})
    if method == "server/discover":
        say(id=id, result={"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":True}},"ttlMs":0,"cacheScope":"private"})
    elif method == "subscriptions/listen":
        subscriptions.append(id)
        say(method="notifications/subscriptions/acknowledged", params={**mark(id),"notifications":params["notifications"]})
    elif method == "notifications/cancelled":
        cancelled.append(params["requestId"])
        if params["requestId"] in subscriptions: subscriptions.remove(params["requestId"])
    elif method == "poke":
        for s in subscriptions: say(method="notifications/tools/list_changed", params=mark(s))
        say(id=id, result={"resultType":"complete"})
    elif method == "end":
        for s in subscriptions: say(method="notifications/cancelled", params={"requestId":s})
        subscriptions = []
        say(id=id, result={"resultType":"complete"})
    elif method == "state":
        say(id=id, result={"resultType":"complete","subscriptions":len(subscriptions),"cancelled":len(cancelled)})
    elif method == "tools/list":
        say(id=id, result={"resultType":"complete","tools":[{"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}],"ttlMs":0,"cacheScope":"private"})
    elif method == "die":
        sys.exit(3)
    elif method == "unheard/of":
        say(id=id, error={"code":-32601,"message":"no such method"})
    elif id is not None:
        say(id=id, result={"resultType":"complete","method":method})
"#;

pub fn modern_child(name: &str) -> Arc<Server> {
    server(
        name,
        Transport::Stdio {
            command: "python3".into(),
            args: vec!["-u".into(), "-c".into(), CHILD.into()],
            env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
            cwd: None,
        },
    )
}

pub const LISTEN: &str = "subscriptions/listen";

/// Opens a subscription; `filter` is what stands in `notifications`.
pub async fn listen(at: std::net::SocketAddr, path: &str, id: &str, filter: &str) -> Response {
    let params = format!(r#""notifications":{{{filter}}}"#);
    let body = modern(id, LISTEN, &params);
    ask_modern(at, path, LISTEN, None, &body).await
}

/// The same, with the acknowledgement that it begins with.
pub async fn subscribe(
    at: std::net::SocketAddr,
    path: &str,
    id: &str,
    filter: &str,
) -> (Events, serde_json::Value) {
    let response = listen(at, path, id, filter).await;
    assert_eq!(response.status, 200);
    let mut events = response.events();
    let first: serde_json::Value = serde_json::from_str(&events.message().await).unwrap();
    assert_eq!(
        first["method"], "notifications/subscriptions/acknowledged",
        "{first}"
    );
    (events, first)
}

pub async fn ask(at: std::net::SocketAddr, path: &str, method: &str) -> serde_json::Value {
    let body = modern("99", method, "");
    let response = ask_modern(at, path, method, None, &body).await;
    serde_json::from_str(&response.message().await).unwrap()
}
