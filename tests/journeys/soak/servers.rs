//! Nine real servers, what they are asked, and what they must answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use harness::{Part, Parts, node, peers};
use serde_json::{Value, json};

/// What a server's name in the configuration is, and whether it speaks 2026-07-28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) modern: bool,
}

/// All of them. The last is the only one over HTTP.
pub(crate) const SERVERS: [Server; 9] = [
    Server {
        name: "time",
        modern: true,
    },
    Server {
        name: "git",
        modern: true,
    },
    Server {
        name: "fetch",
        modern: true,
    },
    Server {
        name: "files",
        modern: false,
    },
    Server {
        name: "everything",
        modern: false,
    },
    Server {
        name: "memory",
        modern: false,
    },
    Server {
        name: "thinking",
        modern: false,
    },
    Server {
        name: "sqlite",
        modern: false,
    },
    REMOTE,
];
/// `server-everything` over HTTP.
pub(crate) const REMOTE: Server = Server {
    name: "remote",
    modern: false,
};

/// What the policy makes of the addresses in files and pages.
const MASKED: &str = "for [email~jjsfkk]";
const TEXT: &str = "for ann@example.org";

/// Until Python has its own handlers, signals that trouble a server would end it.
const UNTROUBLED: &str = r#"trap "" USR1 USR2; exec "$@""#;

/// One call and what must be in the answer.
pub(crate) struct Errand {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    /// Part of the answer's text; `None` where the call must be refused.
    pub(crate) expected: Option<String>,
}

/// What the servers serve.
pub(crate) struct Nine {
    parts: Parts,
    page: String,
    folder: tempfile::TempDir,
}

impl Nine {
    pub(crate) fn new() -> Self {
        let (parts, folder) = (Parts::new(), tempfile::tempdir().unwrap());
        let nine = Self {
            parts,
            page: serve_page(),
            folder,
        };
        std::fs::write(nine.file("letter.txt"), TEXT).unwrap();
        nine
    }

    /// A file in the folder that the file server serves.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.parts.command(Part::Filesystem)[2]).join(name)
    }

    /// The tables of the servers; `remote` is where the one over HTTP listens.
    pub(crate) fn config(&self, remote: u16) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/soak/troubled.py");
        let path = std::env::var("PATH").unwrap();
        let python = peers().join("modern/bin/python");
        let memory = self.folder.path().join("memory.json");
        let times = "list-timeout = \"1m\"\nrequest-timeout = \"10s\"\n";
        let mut tables: Vec<String> = SERVERS[..8]
            .iter()
            .map(|server| {
                let line = self.command(server.name);
                let (python, script) = (python.display().to_string(), script.display().to_string());
                let mut args = vec!["-c".to_owned(), UNTROUBLED.to_owned(), "sh".to_owned()];
                args.extend([python, script, server.name.to_owned()]);
                args.extend(line);
                format!(
                    "[servers.{}]\ncommand = \"sh\"\nargs = {args:?}\n\
                     env = {{ PATH = {path:?}, MEMORY_FILE_PATH = {memory:?} }}\n{times}",
                    server.name
                )
            })
            .collect();
        tables.push(format!(
            "[servers.remote]\nurl = \"http://127.0.0.1:{remote}/mcp\"\n{times}"
        ));
        tables.join("\n")
    }

    /// The program behind `server-everything` over HTTP.
    pub(crate) fn remote(&self) -> Vec<String> {
        let mut line = self.parts.command(Part::Everything);
        line[2] = "streamableHttp".to_owned();
        line
    }

    fn command(&self, name: &str) -> Vec<String> {
        let text = |path: PathBuf| path.display().to_string();
        let script = |name: &str| {
            let package = peers()
                .join("node_modules/@modelcontextprotocol")
                .join(name);
            vec![
                node().display().to_string(),
                text(package.join("dist/index.js")),
            ]
        };
        match name {
            "time" => self.parts.command(Part::Time),
            "git" => self.parts.command(Part::Git),
            "files" => self.parts.command(Part::Filesystem),
            "everything" => self.parts.command(Part::Everything),
            "memory" => script("server-memory"),
            "thinking" => script("server-sequential-thinking"),
            "fetch" => vec![
                text(peers().join("servers/bin/mcp-server-fetch")),
                "--ignore-robots-txt".to_owned(),
                "--allow-private-ips".to_owned(),
            ],
            _ => vec![
                text(peers().join("legacy/bin/mcp-server-sqlite")),
                "--db-path".to_owned(),
                text(self.folder.path().join("soak.db")),
            ],
        }
    }

    /// The `n`-th errand to a server: every tenth must be refused, and the others' answers differ where the tool can.
    pub(crate) fn errand(&self, server: Server, n: u64) -> Errand {
        let errand = |tool, arguments, expected: &str| Errand {
            tool,
            arguments,
            expected: Some(expected.to_owned()),
        };
        let refused = |tool, arguments| Errand {
            tool,
            arguments,
            expected: None,
        };
        let word = format!("word-{n}");
        match (server.name, n % 10) {
            ("time", 9) => refused("convert_time", json!({ "time": 12 })),
            ("time", _) => errand(
                "convert_time",
                json!({ "source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo" }),
                "T21:00:00",
            ),
            ("git", _) => {
                let arguments = self.parts.errand(Part::Git)["call"]["arguments"].clone();
                errand("git_log", arguments, "The first commit")
            }
            ("fetch", _) => {
                let url = format!("{}/{word}", self.page);
                errand(
                    "fetch",
                    json!({ "url": url, "raw": true }),
                    &format!("{word} {MASKED}"),
                )
            }
            ("files", 9) => refused(
                "write_file",
                json!({ "path": self.file("forbidden.txt"), "content": word }),
            ),
            ("files", _) => errand(
                "read_text_file",
                json!({ "path": self.file("letter.txt") }),
                MASKED,
            ),
            ("everything" | "remote", _) => {
                errand("echo", json!({ "message": word }), &format!("Echo: {word}"))
            }
            ("memory", _) => errand("search_nodes", json!({ "query": word }), "\"entities\": []"),
            ("thinking", _) => {
                let thought = json!({
                    "thought": word, "thoughtNumber": n + 1, "totalThoughts": n + 1, "nextThoughtNeeded": false,
                });
                let expected = format!("\"thoughtNumber\": {}", n + 1);
                errand("sequentialthinking", thought, &expected)
            }
            _ => errand(
                "read_query",
                json!({ "query": format!("SELECT '{word}' AS word") }),
                &word,
            ),
        }
    }
}

/// A page that answers every path with the path's last part and an address.
fn serve_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                continue;
            };
            let mut head = [0; 4096];
            let read = connection.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or("/");
            let body = format!("{} {TEXT}", path.trim_start_matches('/'));
            let _ = write!(
                connection,
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{at}")
}
