//! A server whose every word the test says, over HTTP or as a child process. What bears no planted text it answers by
//! itself: the gateway has questions of its own.

use std::sync::Arc;
use std::time::Duration;

use sandgate_gateway::{Server, Transport};
use sandgate_message::Era;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::ends::Way;
use crate::house;
use crate::server::{Fake, Says, hello, result};

const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"puppet","version":"1"},"ttlMs":0,"cacheScope":"private"}"#;

/// Hands on what it reads to the test, and what the test writes to the gateway.
const CHILD: &str = r#"
import socket, sys, threading
test = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    for line in sys.stdin.buffer:
        test.sendall(line)
    test.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
for line in test.makefile("rb"):
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"#;

/// A message that the server got, and a way to say something where it is answered.
pub struct Heard {
    pub text: String,
    say: Option<(mpsc::Sender<String>, Way)>,
}

impl Heard {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap()
    }
    pub fn id(&self) -> String {
        self.json()["id"].to_string()
    }
    pub async fn say(&self, message: &str) {
        let (sender, way) = self.say.as_ref().expect("a request");
        let text = match way {
            Way::Http => format!("data: {message}\n\n"),
            Way::Stdio => format!("{message}\n"),
        };
        sender.send(text).await.unwrap();
    }
}

pub struct Puppet {
    pub server: Arc<Server>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Puppet {
    pub async fn new(era: Era, way: Way) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let server = match way {
            Way::Http => over_http(era, sender).await,
            Way::Stdio => as_child(era, sender).await,
        };
        Self { server, heard }
    }

    pub async fn next(&mut self) -> Heard {
        tokio::time::timeout(Duration::from_secs(10), self.heard.recv())
            .await
            .expect("the server gets it")
            .unwrap()
    }

    /// Nothing that bears a planted text came.
    pub fn nothing(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

/// What it says by itself; none where the test is to answer.
fn by_itself(era: Era, text: &str) -> Option<Option<String>> {
    if text.contains("canary") || text.contains("hold") {
        return None;
    }
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let id = json["id"].to_string();
    Some(match (json["method"].as_str(), era) {
        (Some("initialize"), _) => Some(hello(&id)),
        (Some("server/discover"), Era::Modern) => Some(result(&id, DISCOVERED)),
        (Some("server/discover"), Era::Legacy) => Some(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"Method not found"}}}}"#
        )),
        (Some(_), _) if json.get("id").is_some() => Some(result(&id, r#"{"tools":[]}"#)),
        _ => None,
    })
}

async fn over_http(era: Era, heard: mpsc::UnboundedSender<Heard>) -> Arc<Server> {
    let fake = Fake::new(move |got| {
        match got.method.as_str() {
            "POST" => {}
            "DELETE" => return Says::Accepted,
            _ => return Says::Text(405, "no"),
        }
        match by_itself(era, &got.body) {
            Some(Some(answer)) => return Says::Json(answer),
            Some(None) => return Says::Accepted,
            None => {}
        }
        let asks = got.json().get("id").is_some() && !got.rpc().is_empty();
        let (sender, receiver) = mpsc::channel(16);
        let say = asks.then_some((sender, Way::Http));
        let _ = heard.send(Heard {
            text: got.body.clone(),
            say,
        });
        if asks {
            Says::Stream(receiver)
        } else {
            Says::Accepted
        }
    })
    .await;
    house::http("s", &fake)
}

async fn as_child(era: Era, heard: mpsc::UnboundedSender<Heard>) -> Arc<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(lines(era, stream, heard.clone()));
        }
    });
    house::server(
        "s",
        Transport::Stdio {
            command: "python3".into(),
            args: ["-u", "-c", CHILD, &port].map(str::to_owned).into(),
            env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
            cwd: None,
        },
    )
}

async fn lines(era: Era, stream: TcpStream, heard: mpsc::UnboundedSender<Heard>) {
    let (input, mut output) = stream.into_split();
    let (sender, mut receiver) = mpsc::channel::<String>(16);
    tokio::spawn(async move {
        while let Some(text) = receiver.recv().await {
            if output.write_all(text.as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut input = BufReader::new(input).lines();
    while let Ok(Some(text)) = input.next_line().await {
        match by_itself(era, &text) {
            Some(Some(answer)) => sender.send(format!("{answer}\n")).await.unwrap_or_default(),
            Some(None) => {}
            None => {
                let say = Some((sender.clone(), Way::Stdio));
                let _ = heard.send(Heard { text, say });
            }
        }
    }
}
