//! Answers to requests whose body is still on its way, over HTTP/2: frame by frame, since libraries hide what breaks
//! others.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::Gateway;

use super::token;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

struct Http2(TcpStream);

/// Type, flags and payload.
type Frame = (u8, u8, Vec<u8>);

impl Http2 {
    /// A connection, and a POST without a key on its first stream whose body is to come.
    fn post(gateway: &Gateway) -> Self {
        let at = gateway.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(at).unwrap();
        let limit = Duration::from_millis(300);
        stream.set_read_timeout(Some(limit)).unwrap();
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        let mut this = Self(stream);
        this.send(4, 0, 0, &[]);
        // POST and http are in HPACK's table; the others are literals.
        let mut block = vec![0x83, 0x86];
        for (name, value) in [
            (":path", "/mcp/gone"),
            (":authority", at),
            ("content-type", "application/json"),
        ] {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend_from_slice(text.as_bytes());
            }
        }
        this.send(HEADERS, END_HEADERS, 1, &block);
        this
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).unwrap();
    }

    /// The next frame of the stream; none where nothing comes for a while.
    fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            match self.0.read_exact(&mut head) {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(error) => panic!("{error}"),
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).unwrap();
            if head[5..] == [0, 0, 0, 1] && matches!(head[3], DATA | HEADERS | RST_STREAM) {
                return Some((head[3], head[4], payload));
            }
        }
    }
}

/// One with a key that nobody gives.
fn gateway() -> Gateway {
    let (_, clients) = token("ada");
    let gone = "[servers.gone]\nurl = \"http://127.0.0.1:1/mcp\"\n";
    Gateway::start(&format!("{gone}\n{clients}"))
}

#[test]
fn a_body_is_read_to_its_end_before_its_request_is_turned_away() {
    let gateway = gateway();
    let mut client = Http2::post(&gateway);
    client.send(DATA, 0, 1, &[b'x'; 16_000]);
    assert_eq!(client.next(), None, "an answer before the end of the body");
    client.send(DATA, 0, 1, &[b'x'; 16_000]);
    client.send(DATA, END_STREAM, 1, b"x");
    let (kind, ..) = client.next().unwrap();
    assert_eq!(kind, HEADERS);
    let (kind, flags, text) = client.next().unwrap();
    assert_eq!((kind, flags & END_STREAM), (DATA, END_STREAM));
    assert!(String::from_utf8_lossy(&text).contains("known clients only"));
    assert_eq!(client.next(), None, "nothing is reset");
}

#[test]
fn a_body_that_is_too_large_is_read_to_its_end_before_that_is_said() {
    let gateway = Gateway::start(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n[gateway.limits]\nmax-body = \"20KiB\"\n\
         [servers.gone]\nurl = \"http://127.0.0.1:1/mcp\"\n",
    );
    let mut client = Http2::post(&gateway);
    for _ in 0..2 {
        client.send(DATA, 0, 1, &[b'x'; 16_000]);
        assert_eq!(client.next(), None, "an answer before the end of the body");
    }
    client.send(DATA, END_STREAM, 1, b"x");
    let (kind, ..) = client.next().unwrap();
    assert_eq!(kind, HEADERS);
    let (kind, flags, text) = client.next().unwrap();
    assert_eq!((kind, flags & END_STREAM), (DATA, END_STREAM));
    assert!(String::from_utf8_lossy(&text).contains("at most 20480 bytes"));
    assert_eq!(client.next(), None, "nothing is reset");
}

#[test]
fn a_body_that_does_not_end_is_not_waited_for() {
    let gateway = gateway();
    let mut client = Http2::post(&gateway);
    let before = Instant::now();
    let answer = loop {
        client.send(DATA, 0, 1, b"x");
        if let Some(frame) = client.next() {
            break frame;
        }
        assert!(before.elapsed() < Duration::from_secs(20));
    };
    assert_eq!(answer.0, HEADERS);
    let (kind, flags, _) = client.next().unwrap();
    assert_eq!((kind, flags & END_STREAM), (DATA, END_STREAM));
    // RFC 9113, 8.1: whatever else the client would send is not needed.
    let reset = client.next().unwrap();
    assert_eq!(reset, (RST_STREAM, 0, vec![0; 4]));
}
