//! HTTP/1.1 by hand: sends exactly the bytes it is given, and reads a reply as it arrives.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const SILENCE: Duration = Duration::from_secs(60);

/// A reply whose body is still on its way.
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    body: BufReader<Body<BufReader<TcpStream>>>,
}

/// One event of a stream, as a client reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The field `event`.
    pub event: Option<String>,
    /// The field `id`.
    pub id: Option<String>,
    /// The field `retry`.
    pub retry: Option<String>,
    /// The `data` lines, joined by LF.
    pub data: Option<Vec<u8>>,
    /// The comment lines, without their colon.
    pub comments: Vec<String>,
}

/// Sends one request on a connection of its own. `Host` and `Content-Length` are added unless given.
///
/// # Panics
/// Where no reply comes.
pub fn request(verb: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Exchange {
    try_request(verb, url, headers, body).unwrap_or_else(|error| panic!("{verb} {url}: {error}"))
}

/// The same where a reply need not come.
///
/// # Errors
/// Nobody listens, or the connection ends or is silent for a minute before there is a head of a reply.
pub fn try_request(
    verb: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Exchange> {
    let (authority, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut connection = TcpStream::connect(authority)?;
    connection.set_read_timeout(Some(SILENCE))?;
    let given = |name: &str| {
        headers
            .iter()
            .any(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let mut head = format!("{verb} /{path} HTTP/1.1\r\nConnection: close\r\n");
    if !given("host") {
        head += &format!("Host: {authority}\r\n");
    }
    if !given("content-length") && !given("transfer-encoding") && !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    // Who refuses a body need not read it to its end.
    let _ = connection.write_all(&[head.as_bytes(), b"\r\n", body].concat());
    Exchange::read(BufReader::new(connection))
}

impl Exchange {
    fn read(mut input: BufReader<TcpStream>) -> io::Result<Self> {
        let mut line = String::new();
        input.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status =
            status.ok_or_else(|| io::Error::other(format!("not a status line: {line:?}")))?;
        let headers = read_headers(&mut input)?;
        let find = |name: &str| {
            headers
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let body = match find("content-length") {
            Some(length) => Body {
                left: length.parse().unwrap(),
                framing: Framing::Length,
                input,
            },
            None if find("transfer-encoding") == Some("chunked") => Body::chunked(input),
            None => Body {
                left: u64::MAX,
                framing: Framing::Length,
                input,
            },
        };
        Ok(Self {
            status,
            headers,
            body: BufReader::new(body),
        })
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The whole body.
    ///
    /// # Panics
    /// Where it is cut off or does not end within a minute.
    pub fn body(mut self) -> Vec<u8> {
        let mut body = Vec::new();
        self.body.read_to_end(&mut body).unwrap();
        body
    }

    /// The next event; `None` where the stream has ended, or was cut (an event that is not whole is no event).
    ///
    /// # Panics
    /// Where it stays silent for a minute.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.try_next_event();
        event.unwrap_or_else(|error| panic!("reading events: {error}"))
    }

    fn try_next_event(&mut self) -> io::Result<Option<Event>> {
        let (mut event, mut any) = (Event::default(), false);
        loop {
            let mut line = Vec::new();
            match self.body.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            }
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                if any {
                    return Ok(Some(event));
                }
                continue;
            }
            any = true;
            let colon = line.iter().position(|&byte| byte == b':');
            let (field, value) = colon.map_or((line, &b""[..]), |colon| {
                (&line[..colon], &line[colon + 1..])
            });
            let value = value.strip_prefix(b" ").unwrap_or(value);
            let text = || Some(String::from_utf8(value.to_vec()).unwrap());
            match field {
                b"" => event.comments.extend(text()),
                b"event" => event.event = text(),
                b"id" => event.id = text(),
                b"retry" => event.retry = text(),
                b"data" => match &mut event.data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => event.data = Some(value.to_vec()),
                },
                _ => {}
            }
        }
    }

    /// Every event to the end of the stream, without the line ends inside its data, which a gateway may have to leave
    /// out, and without data where that is empty, which means the same.
    pub fn events(mut self) -> Vec<Event> {
        let data =
            |data: Vec<u8>| Some(crate::without_line_ends(&data)).filter(|data| !data.is_empty());
        let events = std::iter::from_fn(|| self.next_event());
        events
            .map(|event| Event {
                data: event.data.and_then(data),
                ..event
            })
            .collect()
    }

    /// Every message of the reply: one where it is JSON, each event's where it is a stream, none where there is none.
    ///
    /// # Panics
    /// As [`Self::body`] and [`Self::next_event`].
    pub fn messages(self) -> Vec<Vec<u8>> {
        self.try_messages()
            .unwrap_or_else(|error| panic!("reading the reply: {error}"))
    }

    /// The same where the reply may be cut off.
    ///
    /// # Errors
    /// A body is cut off, or there is silence for a minute.
    pub fn try_messages(mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut messages = Vec::new();
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            while let Some(event) = self.try_next_event()? {
                messages.extend(event.data);
            }
            return Ok(messages);
        }
        let mut body = Vec::new();
        self.body.read_to_end(&mut body)?;
        messages.extend(Some(body).filter(|body| !body.is_empty()));
        Ok(messages)
    }
}

pub(crate) fn read_headers(input: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()))
            }
            None => return Ok(headers),
        }
    }
}

enum Framing {
    Length,
    /// Between chunks, `left` is 0; the first chunk has no line end before it.
    Chunked {
        first: bool,
    },
}

/// A body, freed of its framing.
pub(crate) struct Body<R> {
    input: R,
    framing: Framing,
    left: u64,
}

impl<R: BufRead> Body<R> {
    pub(crate) fn chunked(input: R) -> Self {
        Self {
            input,
            framing: Framing::Chunked { first: true },
            left: 0,
        }
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let (0, Framing::Chunked { first }) = (self.left, &mut self.framing) {
            let mut line = String::new();
            if !std::mem::take(first) {
                self.input.read_line(&mut line)?;
                line.clear();
            }
            self.input.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16);
            self.left = size.map_err(|_| {
                io::Error::new(io::ErrorKind::UnexpectedEof, "the body was cut off")
            })?;
            if self.left == 0 {
                self.input.read_line(&mut line)?;
                self.framing = Framing::Length;
            }
        }
        if self.left == 0 {
            return Ok(0);
        }
        let most = into
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.input.read(&mut into[..most])?;
        if read == 0 && self.left != u64::MAX {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the body was cut off",
            ));
        }
        if self.left != u64::MAX {
            self.left -= read as u64;
        }
        Ok(read)
    }
}
