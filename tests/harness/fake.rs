//! Servers that write down what reaches them and answer byte for byte, over HTTP (in this process, a thread a
//! connection) and over stdio (the program `fake-server`).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use parking_lot::Mutex;

use crate::{Envelope, Over, Pipe, Script, place};

/// Nothing in a journey is silent for longer.
const SILENCE: Duration = Duration::from_secs(60);

/// A request, or a line, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// `POST`, `GET`, `DELETE`; empty over stdio.
    pub verb: String,
    /// The path of the URL; empty over stdio.
    pub path: String,
    /// Names in lower case; empty over stdio.
    pub headers: Vec<(String, String)>,
    /// The message.
    pub body: Vec<u8>,
}

impl Heard {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A part of a stream's body.
pub enum Chunk {
    /// Bytes, sent at once as a chunk of their own.
    Bytes(Vec<u8>),
    /// Nothing, until the other end says so or is dropped.
    Wait(Receiver<()>),
    /// The connection is cut: the body has no proper end.
    Cut,
}

/// What the server over HTTP answers.
pub enum Reply {
    /// A JSON body, as it is.
    Json(Vec<u8>),
    /// A stream of events, as it is.
    Stream(Vec<Chunk>),
    /// Another status, a content type, a body.
    Status(u16, &'static str, Vec<u8>),
    /// The same as JSON, with headers besides.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
}

type Answer = dyn Fn(&Heard) -> Reply + Send + Sync;

enum Place {
    Http {
        url: String,
        heard: Arc<Mutex<Vec<Heard>>>,
        ended: Arc<AtomicBool>,
    },
    Stdio(tempfile::TempDir),
}

/// A running server, or one that the gateway will start. Stops listening on drop.
pub struct FakeServer(Place);

impl FakeServer {
    /// Over HTTP, by a script: JSON where one message answers, events where several do. A session id is given, GET is
    /// a 405.
    pub fn http(script: Script) -> Self {
        Self::http_with(scripted(script))
    }

    /// The same at an address that was chosen before.
    ///
    /// # Panics
    /// Where the address is taken.
    pub fn http_at(address: SocketAddr, script: Script) -> Self {
        Self::listening(TcpListener::bind(address).unwrap(), scripted(script))
    }

    /// Over the transport named, by a script.
    pub fn over(over: Over, script: Script) -> Self {
        match over {
            Over::Http => Self::http(script),
            Over::Stdio => Self::stdio(&script),
        }
    }

    /// Over HTTP: answers the first `tools/call` with a stream of these chunks, and all else as the empty script does.
    pub fn streaming(chunks: Vec<Chunk>) -> Self {
        let chunks = Mutex::new(Some(chunks));
        Self::http_with(
            move |heard| match Envelope::of_request(&heard.body).as_deref() {
                Some("tools/call") => match chunks.lock().take() {
                    Some(chunks) => Reply::Stream(chunks),
                    None => Reply::Status(500, "text/plain", b"called twice".to_vec()),
                },
                Some(_) => match Script::new().answer(&heard.body).pop() {
                    Some(message) => Reply::Json(message),
                    None => Reply::Status(202, "text/plain", Vec::new()),
                },
                None => Reply::Status(405, "text/plain", Vec::new()),
            },
        )
    }

    /// Over HTTP, by a function.
    pub fn http_with(answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    fn listening(
        listener: TcpListener,
        answer: impl Fn(&Heard) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (answer, record, end): (Arc<Answer>, _, _) =
            (Arc::new(answer), heard.clone(), ended.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, record) = (answer.clone(), record.clone());
                std::thread::spawn(move || {
                    // A gateway that goes away is no concern of the server.
                    let _ = serve(connection, &record, &*answer);
                });
            }
        });
        Self(Place::Http { url, heard, ended })
    }

    /// Over stdio, by a script.
    pub fn stdio(script: &Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.json"), script.to_json()).unwrap();
        Self(Place::Stdio(folder))
    }

    /// Its table of the gateway's configuration.
    pub fn config(&self, name: &str) -> String {
        match &self.0 {
            Place::Http { url, .. } => format!("[servers.{name}]\nurl = {url:?}\n"),
            Place::Stdio(folder) => {
                let (program, folder) = (place::binary("fake-server"), folder.path());
                format!("[servers.{name}]\ncommand = {program:?}\nargs = [{folder:?}]\n")
            }
        }
    }

    /// Starts it without a gateway, over stdio, as a client would.
    ///
    /// # Panics
    /// Over HTTP.
    pub fn pipe(&self) -> Pipe {
        let Place::Stdio(folder) = &self.0 else {
            panic!("a server over HTTP has no pipe")
        };
        let mut command = Command::new(place::binary("fake-server"));
        Pipe::start(command.arg(folder.path()), None)
    }

    /// Everything it heard, oldest first.
    pub fn heard(&self) -> Vec<Heard> {
        match &self.0 {
            Place::Http { heard, .. } => heard.lock().clone(),
            Place::Stdio(folder) => {
                let lines = std::fs::read(folder.path().join("heard")).unwrap_or_default();
                let lines = lines
                    .split(|&byte| byte == b'\n')
                    .filter(|line| !line.is_empty());
                lines
                    .map(|line| Heard {
                        verb: String::new(),
                        path: String::new(),
                        headers: Vec::new(),
                        body: line.to_vec(),
                    })
                    .collect()
            }
        }
    }

    /// The messages it heard that hold a text, oldest first.
    pub fn heard_with(&self, needle: &str) -> Vec<Vec<u8>> {
        let holds = |body: &[u8]| {
            body.windows(needle.len())
                .any(|part| part == needle.as_bytes())
        };
        self.heard()
            .into_iter()
            .map(|heard| heard.body)
            .filter(|body| holds(body))
            .collect()
    }

    /// As `heard_with`, once there are so many, or ten seconds later: for what is sent without waiting for a reply.
    pub fn wait_for(&self, needle: &str, count: usize) -> Vec<Vec<u8>> {
        for _ in 0..1000 {
            let heard = self.heard_with(needle);
            if heard.len() >= count {
                return heard;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.heard_with(needle)
    }

    /// Where it listens, over HTTP.
    ///
    /// # Panics
    /// Over stdio.
    pub fn url(&self) -> &str {
        match &self.0 {
            Place::Http { url, .. } => url,
            Place::Stdio(_) => panic!("a server on stdio has no URL"),
        }
    }
}

/// By a script: JSON where one message answers, events where several do.
fn scripted(script: Script) -> impl Fn(&Heard) -> Reply + Send + Sync + 'static {
    move |heard| {
        if heard.verb != "POST" {
            let status = if heard.verb == "DELETE" { 200 } else { 405 };
            return Reply::Status(status, "text/plain", Vec::new());
        }
        let mut messages = script.answer(&heard.body);
        match messages.len() {
            0 => Reply::Status(202, "text/plain", Vec::new()),
            1 => Reply::Json(messages.remove(0)),
            _ => Reply::Stream(
                messages
                    .into_iter()
                    .map(|message| {
                        let data = crate::without_line_ends(&message);
                        Chunk::Bytes([b"data: ".as_slice(), &data, b"\n\n"].concat())
                    })
                    .collect(),
            ),
        }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        if let Place::Http { url, ended, .. } = &self.0 {
            ended.store(true, Ordering::SeqCst);
            // Wakes the listener.
            let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
            let _ = TcpStream::connect(address);
        }
    }
}

fn serve(
    connection: TcpStream,
    record: &Mutex<Vec<Heard>>,
    answer: &Answer,
) -> std::io::Result<()> {
    connection.set_read_timeout(Some(SILENCE))?;
    connection.set_nodelay(true)?;
    let mut input = BufReader::new(connection.try_clone()?);
    let mut output = connection;
    while let Some(heard) = read_request(&mut input)? {
        record.lock().push(heard.clone());
        // Spans, not messages.
        let protobuf = heard.header("content-type") == Some("application/x-protobuf");
        let session = match heard.body.is_empty()
            || protobuf
            || Envelope::of(&heard.body).method.as_deref() != Some("initialize")
        {
            true => "",
            false => "mcp-session-id: fake-session\r\n",
        };
        let mut more = String::new();
        let (status, kind, body) = match answer(&heard) {
            Reply::Json(body) => (200, "application/json", body),
            Reply::Status(status, kind, body) => (status, kind, body),
            Reply::With(status, headers, body) => {
                more.extend(
                    headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {value}\r\n")),
                );
                (status, "application/json", body)
            }
            Reply::Stream(chunks) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";
                output.write_all(format!("{head}{session}\r\n").as_bytes())?;
                if !stream(&mut output, chunks)? {
                    return Ok(());
                }
                continue;
            }
        };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{session}{more}\r\n"
        );
        output.write_all(&[head.into_bytes(), body].concat())?;
    }
    Ok(())
}

/// False where the connection is to be cut.
fn stream(output: &mut TcpStream, chunks: Vec<Chunk>) -> std::io::Result<bool> {
    for chunk in chunks {
        match chunk {
            Chunk::Bytes(bytes) => {
                output.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                output.write_all(&[&bytes, b"\r\n".as_slice()].concat())?;
            }
            Chunk::Wait(gate) => {
                let _ = gate.recv_timeout(SILENCE);
            }
            Chunk::Cut => return Ok(false),
        }
    }
    output.write_all(b"0\r\n\r\n")?;
    Ok(true)
}

fn read_request(input: &mut impl BufRead) -> std::io::Result<Option<Heard>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (verb, path) = (words.next(), words.next());
    let headers = crate::wire::read_headers(input)?;
    let heard = Heard {
        verb: verb.unwrap_or_default(),
        path: path.unwrap_or_default(),
        headers,
        body: Vec::new(),
    };
    let length = heard
        .header("content-length")
        .map(|length| length.parse().unwrap());
    let chunked = heard.header("transfer-encoding") == Some("chunked");
    let mut body = Vec::new();
    match (length, chunked) {
        (Some(length), _) => {
            input.take(length).read_to_end(&mut body)?;
        }
        (None, true) => {
            crate::wire::Body::chunked(input).read_to_end(&mut body)?;
        }
        (None, false) => {}
    }
    Ok(Some(Heard { body, ..heard }))
}
