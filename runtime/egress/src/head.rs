//! The head of a request: `CONNECT host:port HTTP/1.1`.

use sandgate_address::Host;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::reason::Reason;

/// The largest head, in bytes.
pub(crate) const MAX_HEAD: usize = 8 << 10;
/// The most headers.
const MAX_HEADERS: usize = 64;

/// What a program asks for, and what it already sent after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) rest: Vec<u8>,
}

/// Reads a request's head to its end.
///
/// # Errors
///
/// It is too large, is no request for a host and a port, or the program left.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Asked, Reason> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let room = MAX_HEAD - bytes.len();
        let read = (&mut *from).take(room as u64).read_buf(&mut bytes).await;
        if !read.is_ok_and(|read| read > 0) {
            return Err(Reason::ClientLeft);
        }
        if let Some(asked) = parse(&bytes)? {
            return Ok(asked);
        }
        if bytes.len() >= MAX_HEAD {
            return Err(Reason::HeadTooLarge);
        }
    }
}

/// Parses what was read so far; `None`: the head has not ended.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Asked>, Reason> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Reason::HeadTooLarge),
        Err(_) => return Err(Reason::Malformed),
    };
    let path = request.path.unwrap_or_default();
    if request.method != Some("CONNECT") {
        let plain = path
            .get(..7)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        return Err(match plain {
            true => Reason::PlainHttp,
            false => Reason::Malformed,
        });
    }
    let (host, port) = path.rsplit_once(':').ok_or(Reason::Malformed)?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port != 0);
    Ok(Some(Asked {
        host: Host::parse(host).map_err(|_| Reason::Malformed)?,
        port: port.ok_or(Reason::Malformed)?,
        rest: bytes[length..].to_vec(),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn asked(text: &str) -> Result<Option<(String, u16)>, Reason> {
        let asked = parse(text.as_bytes())?;
        Ok(asked.map(|asked| (asked.host.to_string(), asked.port)))
    }

    #[test]
    fn a_request_asks_for_a_host_in_one_spelling_and_a_port() {
        for (line, host, port) in [
            ("api.github.com:443", "api.github.com", 443),
            ("API.GITHUB.COM.:8443", "api.github.com", 8443),
            ("[::1]:443", "[::1]", 443),
            ("127.0.0.1:1", "127.0.0.1", 1),
        ] {
            let text = format!("CONNECT {line} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
            assert_eq!(asked(&text), Ok(Some((host.to_owned(), port))), "{line}");
        }
        let early = parse(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01").unwrap();
        assert_eq!(early.unwrap().rest, b"\x16\x03\x01");
    }

    #[test]
    fn what_is_no_such_request_is_refused() {
        for (line, why) in [
            ("GET http://a.example/ HTTP/1.1", Reason::PlainHttp),
            ("POST HTTP://a.example/ HTTP/1.1", Reason::PlainHttp),
            ("GET / HTTP/1.1", Reason::Malformed),
            ("connect a.example:443 HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example: HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example:0 HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example:+443 HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example:99999 HTTP/1.1", Reason::Malformed),
            ("CONNECT https://a.example:443 HTTP/1.1", Reason::Malformed),
            ("CONNECT u@a.example:443 HTTP/1.1", Reason::Malformed),
            ("CONNECT a%2eexample:443 HTTP/1.1", Reason::Malformed),
            (
                "CONNECT /run/sandgate/admin.sock HTTP/1.1",
                Reason::Malformed,
            ),
            ("CONNECT ::1:443 HTTP/1.1", Reason::Malformed),
            ("CONNECT 127.1:443 HTTP/1.1", Reason::Malformed),
            ("CONNECT a.example:443", Reason::Malformed),
            ("\x16\x03\x01\x02", Reason::Malformed),
        ] {
            assert_eq!(asked(&format!("{line}\r\n\r\n")), Err(why), "{line}");
        }
        let many = "a: b\r\n".repeat(MAX_HEADERS + 1);
        let many = format!("CONNECT a.example:443 HTTP/1.1\r\n{many}\r\n");
        assert_eq!(asked(&many), Err(Reason::HeadTooLarge));
    }

    #[tokio::test]
    async fn a_head_is_read_to_its_end_within_its_bound() {
        let text = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nrest";
        for length in [1, 7, text.len()] {
            let (mut client, mut own) = tokio::io::duplex(length);
            let writer = tokio::spawn(async move {
                tokio::io::AsyncWriteExt::write_all(&mut client, text)
                    .await
                    .unwrap();
            });
            let asked = read(&mut own).await.unwrap();
            assert_eq!(asked.host.to_string(), "a.example");
            drop(own);
            let _ = writer.await;
        }
        let endless = format!(
            "CONNECT a.example:443 HTTP/1.1\r\na: {}",
            "b".repeat(MAX_HEAD)
        );
        let read_of = |text: &'static str| async move { read(&mut text.as_bytes()).await };
        assert_eq!(
            read(&mut endless.as_bytes()).await,
            Err(Reason::HeadTooLarge)
        );
        assert_eq!(read_of("").await, Err(Reason::ClientLeft));
        assert_eq!(read_of("CONNECT a.exam").await, Err(Reason::ClientLeft));
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse(&bytes);
            let mut text = b"CONNECT ".to_vec();
            text.extend(&bytes);
            text.extend(b" HTTP/1.1\r\n\r\n");
            if let Ok(Some(asked)) = parse(&text) {
                // What is let through reads the same a second time.
                let again = format!("CONNECT {}:{} HTTP/1.1\r\n\r\n", asked.host, asked.port);
                let again = parse(again.as_bytes()).unwrap().unwrap();
                prop_assert_eq!((again.host, again.port), (asked.host, asked.port));
            }
        }

        #[test]
        fn a_beginning_is_never_taken_for_the_whole(cut in 0_usize..40) {
            let text = b"CONNECT a.example:443 HTTP/1.1\r\nA: b\r\n\r\n";
            if cut < text.len() {
                prop_assert_eq!(parse(&text[..cut]), Ok(None));
            }
        }
    }
}
