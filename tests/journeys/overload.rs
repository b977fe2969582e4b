//! More callers than the gateway's processors can serve: as many calls are served as with few, the others are told to come
//! again, and no policy is passed by. And less address space than it would like.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and this one prints its figures"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::AddAssign;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{FakeServer, Gateway, Script};
use serde_json::Value;
use tempfile::TempDir;

const FEW: usize = 6;
const MANY: usize = 64;
const TIME: Duration = Duration::from_millis(1500);
/// A machine that does something else meanwhile does it at some time only.
const ATTEMPTS: usize = 3;

/// What became of the calls of some callers.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Policies judged them: they were carried out, or refused as forbidden.
    judged: usize,
    /// They were turned away with a time to come again.
    away: usize,
}

/// One connection that is kept.
struct Caller(BufReader<TcpStream>);

#[test]
fn many_callers_get_as_much_done_as_few_and_pass_no_policy_timed() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&config(&server, &folder));
    let mut enough = false;
    for _ in 0..ATTEMPTS {
        let few = load(&gateway, FEW);
        let many = load(&gateway, MANY);
        println!("{FEW} callers: {few:?}; {MANY} callers: {many:?}");
        assert!(few.judged > 0 && many.judged > 0, "nothing was done");
        enough = many.judged * 10 >= few.judged * 8;
        if enough {
            break;
        }
    }
    assert!(enough, "the more callers, the less was done");
    let heard = server.heard_with("forbidden");
    assert!(heard.is_empty(), "{} forbidden calls passed", heard.len());
    let log = gateway.process.log();
    assert!(!log.contains("interceptor failed"), "{log}");

    let told: Value = serde_json::from_str(&gateway.command(&["status", "--json"]).output).unwrap();
    assert_eq!(told["waiting"], 0, "{told}");
    for policy in told["interceptors"].as_array().unwrap() {
        assert_eq!(policy["faults"], 0, "{policy}");
    }
}

#[test]
fn with_little_address_space_it_says_so_and_serves() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start_as(&config(&server, &folder), |command| {
        let mut limited = Command::new("sh");
        limited
            .args(["-c", r#"ulimit -v 4000000 && exec "$@""#, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            limited.current_dir(folder);
        }
        *command = limited;
    });
    assert!(load(&gateway, FEW).judged > 0);
    assert!(server.heard_with("forbidden").is_empty());
    let log = gateway.process.log();
    assert!(log.contains("little address space"), "{log}");
    assert!(!log.contains("interceptor failed"), "{log}");
}

/// Three policies that need some milliseconds each, and would let calls pass if they failed.
fn config(server: &FakeServer, folder: &TempDir) -> String {
    let guest = folder.path().join("burns.wasm");
    std::fs::write(&guest, sandgate_guests::find("burns").unwrap().bytes).unwrap();
    let policy = |n| {
        format!("[[interceptors]]\nname = \"burns-{n}\"\nplugin = {guest:?}\nfail-open = true\n")
    };
    let policies: String = (0..3).map(policy).collect();
    let gateway = "[gateway]\nlisten = \"127.0.0.1:0\"\n";
    format!("{gateway}{}{policies}", server.config("desk"))
}

/// Each caller calls again as soon as it has an answer.
fn load(gateway: &Gateway, callers: usize) -> Tally {
    let until = Instant::now() + TIME;
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let calling: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    let (mut caller, mut tally) = (Caller::of(gateway), Tally::default());
                    let mut tools = ["open", "open", "open", "forbidden"].into_iter().cycle();
                    while Instant::now() < until {
                        tally += caller.call(tools.next().unwrap());
                    }
                    tally
                })
            })
            .collect();
        for one in calling {
            all += one.join().unwrap();
        }
    });
    all
}

impl Caller {
    fn of(gateway: &Gateway) -> Self {
        let at = gateway.url.trim_start_matches("http://");
        let stream = TcpStream::connect(at).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn call(&mut self, tool: &str) -> Tally {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}},"misbehave":true,"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let head = format!(
            "POST /mcp/desk HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.0
            .get_mut()
            .write_all((head + &body).as_bytes())
            .unwrap();
        let (head, said) = self.answer();
        let said: Value = serde_json::from_slice(&said).unwrap_or_else(|_| panic!("{head}"));
        if head.starts_with("HTTP/1.1 503 ") {
            assert!(head.contains("retry-after: 1\r\n"), "{head}");
            assert_eq!(said["error"]["code"], -32000, "{said}");
            let text = said["error"]["message"].as_str().unwrap();
            assert!(text.contains("overloaded"), "{said}");
            return Tally { judged: 0, away: 1 };
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}{said}");
        let refusal = &said["result"]["_meta"]["sandgate/refusal"]["code"];
        match tool {
            "forbidden" => assert_eq!(refusal, "forbidden", "{said}"),
            _ => assert_eq!(said["result"]["content"][0]["text"], "it is open", "{said}"),
        }
        Tally { judged: 1, away: 0 }
    }

    fn answer(&mut self) -> (String, Vec<u8>) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "it ended: {head}");
        }
        let head = head.to_lowercase().replacen("http", "HTTP", 1);
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.split('\r').next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (head, body)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.judged += other.judged;
        self.away += other.away;
    }
}

fn server() -> FakeServer {
    let open = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"complete","content":[{"type":"text","text":"it is open"}]}}"#;
    FakeServer::http(Script::new().on("tools/call", &[open]))
}
