//! By TLS: a certificate that is replaced while the gateway runs, and ones that are not good.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::{FakeServer, Gateway, Save, Script};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{INITIALIZE, token, until};

/// A certificate for `localhost` that vouches for itself.
struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: String,
}

fn made(expires: i32) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(expires, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    Made {
        der: certificate.der().clone(),
        pem: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// Says hello by TLS, trusting this certificate alone; the reply's status.
fn send(port: &str, trusted: &Made, token: Option<&str>) -> Result<u16, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = format!(
        "POST /mcp/fake HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
        INITIALIZE.len()
    );
    if let Some(token) = token {
        head += &format!("Authorization: Bearer {token}\r\n");
    }
    let written = stream.write_all(&[head.as_bytes(), b"\r\n", INITIALIZE].concat());
    written.map_err(|error| error.to_string())?;
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut reply = Vec::new();
    // Who closes without saying so has said all that was asked for.
    let _ = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let status = reply.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.ok_or(reply)
}

#[test]
fn a_certificate_that_ends_soon_is_shown_and_can_make_it_unready() {
    let server = FakeServer::http(Script::new());
    let files = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let end = std::time::SystemTime::now() + Duration::from_secs(3 * 24 * 60 * 60);
    params.not_after = end.into();
    let certificate = params.self_signed(&key).unwrap();
    let made = Made {
        der: certificate.der().clone(),
        pem: certificate.pem(),
        key: key.serialize_pem(),
    };
    configure(files.path(), &made);
    let gateway = Gateway::start(&format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nnot-ready-when = [\"certificate-expiring\"]\n\
         tls = {{ cert = {:?}, key = {:?} }}\n[telemetry]\nmetrics = \"127.0.0.1:0\"\n{}",
        files.path().join("chain.pem"),
        files.path().join("key.pem"),
        server.config("fake")
    ));
    let status = gateway.command(&["status"]).output;
    let told = "certificate-expiring (not ready): ends in 2 days, at ";
    assert!(status.contains(told), "{status}");
    let log = gateway.log();
    let at = log.split("metrics on ").nth(1).unwrap();
    let at = at.split_whitespace().next().unwrap();
    let page = String::from_utf8(harness::request("GET", at, &[], b"").body()).unwrap();
    let end = end.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let sample = format!("sandgate_certificate_expiration_timestamp_seconds {end}\n");
    assert!(page.contains(&sample), "{page}");
    let condition = "sandgate_condition{condition=\"certificate-expiring\"} 1";
    assert!(page.contains(condition), "{page}");
}

fn configure(folder: &Path, made: &Made) {
    Save::RenameOver.write(&folder.join("key.pem"), made.key.as_bytes());
    Save::RenameOver.write(&folder.join("chain.pem"), made.pem.as_bytes());
}

#[test]
fn a_certificate_is_replaced_while_it_runs_and_one_that_is_not_good_changes_nothing() {
    let server = FakeServer::http(Script::new());
    let files = tempfile::tempdir().unwrap();
    let (first, second, expired) = (made(2190), made(2191), made(2020));
    configure(files.path(), &first);
    let (token, lines) = token("ada");
    let folder = files.path().display();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\ntls = {{ cert = \"{folder}/chain.pem\", key = \"{folder}/key.pem\" }}\n{lines}{}",
        server.config("fake")
    );
    let gateway = Gateway::start(&config);
    assert!(gateway.url.starts_with("https://"), "{}", gateway.url);
    let port = gateway.url.rsplit(':').next().unwrap();
    let ask = |trusted: &Made| send(port, trusted, Some(&token));
    assert_eq!(ask(&first), Ok(200));
    assert_eq!(send(port, &first, None), Ok(401));
    assert!(ask(&second).unwrap_err().contains("certificate"));

    // In the clear there is nothing.
    let mut plain = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!String::from_utf8_lossy(&said).contains("200"));

    configure(files.path(), &second);
    until("the second certificate is shown", || {
        ask(&second) == Ok(200)
    });
    assert!(ask(&first).is_err());

    configure(files.path(), &expired);
    until("the expired one is told of", || {
        gateway.log().contains("expired")
    });
    assert_eq!(ask(&second), Ok(200));
    assert!(!gateway.log().contains("PRIVATE KEY"));
}

#[test]
fn a_certificate_that_is_not_good_is_refused_at_the_start() {
    let files = tempfile::tempdir().unwrap();
    let folder = files.path().display();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\ntls = {{ cert = \"{folder}/chain.pem\", key = \"{folder}/key.pem\" }}\n\
         [servers.one]\ncommand = \"true\"\n"
    );
    let refused = |words: &str| {
        let (code, said) = Gateway::refused(&config);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("sandgate.toml:3:"), "{said}");
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    };
    refused("cannot be opened");
    configure(files.path(), &made(2020));
    refused("expired");
    let good = made(2190);
    configure(files.path(), &good);
    std::fs::write(files.path().join("key.pem"), made(2190).key).unwrap();
    refused("does not belong to the certificate");
    std::fs::write(files.path().join("key.pem"), "").unwrap();
    refused("no private key");
    std::fs::write(files.path().join("chain.pem"), &good.key).unwrap();
    refused("no certificate");
}
