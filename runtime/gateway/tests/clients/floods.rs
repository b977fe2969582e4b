//! HTTP/2 clients that mean harm, frame by frame.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{SOON, send};
use crate::house::{self, House, http};
use crate::server::{Fake, Says};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `POST /mcp/s`, in HPACK without its tables but for the fixed one.
fn head(house: &House) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let mut literal = |name: &str, value: &str| {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    };
    literal(":path", "/mcp/s");
    literal(":authority", &house.at.to_string());
    literal("content-type", "application/json");
    literal("accept", "*/*");
    block
}

async fn connect(house: &House) -> TcpStream {
    let mut stream = TcpStream::connect(house.at).await.unwrap();
    let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    start.extend(frame(SETTINGS, 0, 0, &[]));
    stream.write_all(&start).await.unwrap();
    stream
}

/// Frames until one of this kind, or the end.
async fn until(stream: &mut TcpStream, kind: u8) -> bool {
    let wait = async {
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).await.is_err() {
                return false;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            if stream.read_exact(&mut payload).await.is_err() {
                return false;
            }
            if head[3] == kind {
                return true;
            }
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("a frame or the end")
}

/// The others are served all the while.
async fn healthy(house: &House) {
    assert_eq!(
        send(house.at, "GET", "/healthz", &[], b"").await.status,
        200
    );
}

async fn house() -> (Fake, House) {
    let fake = Fake::legacy(|_| Says::Accepted).await;
    let config = sandgate_gateway::GatewayConfig {
        max_streams: 8,
        body_timeout: Duration::from_millis(300),
        ..Default::default()
    };
    let house = house::configured(config, vec![], vec![http("s", &fake)]).await;
    (fake, house)
}

/// Writes until the other end has had enough, at most so often.
async fn flood(stream: &mut TcpStream, times: usize, piece: impl Fn(usize) -> Vec<u8>) -> usize {
    for n in 0..times {
        let written = tokio::time::timeout(SOON, stream.write_all(&piece(n))).await;
        if !matches!(written, Ok(Ok(()))) {
            return n;
        }
    }
    times
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let (fake, house) = house().await;
    let mut stream = connect(&house).await;
    let head = head(&house);
    flood(&mut stream, 20_000, |n| {
        let id = 2 * n as u32 + 1;
        let mut both = frame(HEADERS, END_HEADERS, id, &head);
        both.extend(frame(RESET, 0, id, &8u32.to_be_bytes()));
        both
    })
    .await;
    // Told to go away, or cut: in either case it is over.
    while until(&mut stream, GOAWAY).await {}
    healthy(&house).await;
    assert!(fake.got.lock().is_empty());
}

#[tokio::test]
async fn more_streams_than_allowed_are_refused() {
    let (_fake, house) = house().await;
    let mut stream = connect(&house).await;
    let head = head(&house);
    flood(&mut stream, 9, |n| {
        frame(HEADERS, END_HEADERS, 2 * n as u32 + 1, &head)
    })
    .await;
    assert!(until(&mut stream, RESET).await, "the ninth was taken");
    healthy(&house).await;
}

#[tokio::test]
async fn a_flood_of_empty_pieces_is_no_body_that_goes_on_for_ever() {
    let (fake, house) = house().await;
    let mut stream = connect(&house).await;
    let mut start = frame(HEADERS, END_HEADERS, 1, &head(&house));
    start.extend(frame(DATA, 0, 1, b"{"));
    stream.write_all(&start).await.unwrap();
    let many: Vec<u8> = frame(DATA, 0, 1, &[]).repeat(1000);
    let flooding = async {
        let sent = flood(&mut stream, 20_000, |_| many.clone()).await;
        // Answered (408), reset or cut, whatever it went on to send.
        if sent == 20_000 {
            assert!(until(&mut stream, HEADERS).await);
        }
    };
    tokio::time::timeout(SOON, flooding).await.expect("an end");
    healthy(&house).await;
    assert!(fake.got.lock().is_empty());
}
