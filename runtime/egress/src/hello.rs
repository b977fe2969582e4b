//! The hello with which TLS begins: which host it names.

use std::io::Cursor;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::reason::Reason;

/// The largest hello, with the records around it, in bytes. Browsers' are below 2 KiB, with keys for quantum computers
/// too.
pub(crate) const MAX_HELLO: usize = 32 << 10;

/// Reads the hello to its end, whatever the records in which it comes. `said` holds what was read already, and all that
/// was read afterwards. Returns the name in it: in lower case, `None` where there is none or it is an address.
///
/// # Errors
///
/// It is no hello, is too large, or the program left.
pub(crate) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    said: &mut Vec<u8>,
) -> Result<Option<String>, Reason> {
    let mut acceptor = Acceptor::default();
    let mut fed = 0;
    loop {
        while fed < said.len() {
            let mut part = Cursor::new(&said[fed..]);
            match acceptor.read_tls(&mut part) {
                Ok(read) if read > 0 => fed += read,
                _ => return Err(Reason::HelloTooLarge),
            }
            match acceptor.accept() {
                Ok(Some(accepted)) => {
                    let name = accepted.client_hello().server_name().map(str::to_owned);
                    return Ok(name);
                }
                Ok(None) => {}
                Err(_) => return Err(Reason::NotTls),
            }
        }
        let room = MAX_HELLO.saturating_sub(said.len());
        if room == 0 {
            return Err(Reason::HelloTooLarge);
        }
        let read = (&mut *from).take(room as u64).read_buf(said).await;
        if !read.is_ok_and(|read| read > 0) {
            return Err(Reason::ClientLeft);
        }
    }
}

/// What a program is told whose TLS names another host: the alert `unrecognized_name`, fatal.
pub(crate) const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    /// The hello of a real client.
    pub(crate) fn hello(name: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    /// The same handshake message in records of so many bytes each.
    fn fragmented(hello: &[u8], length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in hello[5..].chunks(length) {
            bytes.extend([22, 3, 1]);
            bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    async fn name(bytes: &[u8]) -> Result<Option<String>, Reason> {
        read(&mut &bytes[..], &mut Vec::new()).await
    }

    #[tokio::test]
    async fn the_name_is_found_whatever_the_pieces() {
        let whole = hello("API.github.com");
        let found = Ok(Some("api.github.com".to_owned()));
        assert_eq!(name(&whole).await, found);
        for length in [1, 3, 50, 200] {
            assert_eq!(name(&fragmented(&whole, length)).await, found, "{length}");
        }
        // Byte by byte, and with what came before.
        let (mut client, mut own) = tokio::io::duplex(1);
        let (first, rest) = whole.split_at(9);
        let (mut said, rest) = (first.to_vec(), rest.to_vec());
        tokio::spawn(async move {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut client, &rest).await;
        });
        assert_eq!(read(&mut own, &mut said).await, found);
        assert_eq!(said, whole, "nothing is lost");
        // Early data follows in the same packet.
        let mut early = whole.clone();
        early.extend([23, 3, 3, 0, 3, 1, 2, 3]);
        let mut said = Vec::new();
        assert_eq!(read(&mut &early[..], &mut said).await, found);
        assert_eq!(said, early);
    }

    #[tokio::test]
    async fn a_hello_for_an_address_names_nobody() {
        assert_eq!(name(&hello("127.0.0.1")).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_no_hello_is_told() {
        assert_eq!(name(b"GET / HTTP/1.1\r\n\r\n").await, Err(Reason::NotTls));
        assert_eq!(name(b"SSH-2.0-x\r\n").await, Err(Reason::NotTls));
        assert_eq!(name(b"").await, Err(Reason::ClientLeft));
        let whole = hello("api.github.com");
        assert_eq!(name(&whole[..60]).await, Err(Reason::ClientLeft));
        // Another message of the handshake.
        let mut other = whole.clone();
        other[5] = 2;
        assert_eq!(name(&other).await, Err(Reason::NotTls));
        // Two hellos in one: which of them counts would be the server's choice.
        let mut twice = whole[5..].to_vec();
        twice.extend(&whole[5..]);
        let twice = fragmented(&[&whole[..5], &twice[..]].concat(), 16_000);
        assert_eq!(name(&twice).await, Err(Reason::NotTls));
    }

    #[tokio::test]
    async fn a_hello_without_end_is_refused_at_its_bound() {
        // A message that says it has 65,000 bytes.
        let mut message = vec![1, 0, 0xfd, 0xe8];
        message.resize(60_000, 0);
        let records = fragmented(&[&[0; 5], &message[..]].concat(), 16_000);
        let mut said = Vec::new();
        let refused = read(&mut &records[..], &mut said).await;
        assert_eq!(refused, Err(Reason::HelloTooLarge));
        assert!(said.len() <= MAX_HELLO);
    }
}
