//! Requests through a proxy that puts a value into them, to a host on loopback that says back what it heard.
#![allow(clippy::unwrap_used)]

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use sandgate_address::AllowedHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::{Policy, Proxy, Unrecorded};

const VALUE: &str = "the-value-of-the-header";

/// A host, and a proxy before it that puts [`VALUE`] into `X-Key`.
struct Stage {
    at: std::net::SocketAddr,
    port: u16,
    injector: Arc<Injector>,
}

impl Stage {
    async fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(say_back(acceptor.clone(), stream));
            }
        });
        let host = Host::parse("localhost").unwrap();
        let value = Value::of(VALUE.into());
        let redactor = Arc::<Redactor>::default();
        redactor.look_for([&value]).unwrap();
        let injection = Injection {
            header: HeaderName::from_static("x-key"),
            format: "Key {}".into(),
            hosts: vec![(host, port)],
            methods: None,
            paths: None,
            roots: Some(Arc::new(roots)),
            value: Arc::new(ArcSwap::from_pointee(value)),
        };
        let injector = Arc::new(Injector::new(vec![injection], redactor).unwrap());
        let policy = Policy {
            hosts: vec![AllowedHost::parse(&format!("private:localhost:{port}")).unwrap()],
            audit_until: None,
        };
        let proxy = Proxy::new("desk", policy, Arc::new(Unrecorded)).injecting(injector.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(Arc::new(proxy).serve(listener));
        Self { at, port, injector }
    }

    /// The answer to what a program says in its TLS.
    async fn ask(&self, said: &str) -> String {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let connect = format!("CONNECT localhost:{} HTTP/1.1\r\n\r\n", self.port);
        stream.write_all(connect.as_bytes()).await.unwrap();
        let mut head = vec![0; "HTTP/1.1 200 Connection established\r\n\r\n".len()];
        stream.read_exact(&mut head).await.unwrap();
        let mut roots = RootCertStore::empty();
        let pem = self.injector.certificate().as_bytes().to_vec();
        let own = rustls::pki_types::pem::PemObject::from_pem_slice(&pem).unwrap();
        roots.add(own).unwrap();
        let connector = TlsConnector::from(client_config(Some(Arc::new(roots))));
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream
            .write_all(said.replace("PORT", &self.port.to_string()).as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Answers with the head of the request, marked where the value is, so that a test sees it in what is redacted.
async fn say_back(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => heard.push(byte),
            Err(_) => return,
        }
    }
    let heard = String::from_utf8(heard).unwrap();
    let count = heard.matches(VALUE).count();
    let extra = match heard.contains("/packed") {
        true => "Content-Encoding: gzip\r\n",
        false => "",
    };
    let answer = format!(
        "HTTP/1.1 200 {VALUE}\r\nX-Back: {VALUE}\r\n{extra}Content-Length: {}\r\nConnection: close\r\n\r\nvalues: {count}\n{heard}",
        format!("values: {count}\n{heard}").len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn the_value_is_in_the_header_alone_and_what_the_program_says_there_is_left_out() {
    let stage = Stage::new().await;
    let answer = stage
        .ask(
            "POST /a?b=c HTTP/1.1\r\nHost: localhost:PORT\r\nX-Key: its own\r\nConnection: x-key, close\r\nX-Other: {}\r\n\
             Range: bytes=0-3\r\nAccept-Encoding: gzip\r\nTE: trailers\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        )
        .await;
    let lower = answer.to_lowercase();
    assert!(lower.contains("values: 1\n"), "{answer}");
    assert!(lower.contains("post /a?b=c http/1.1\r\n"), "{answer}");
    assert!(lower.contains("x-key: key [redacted]\r\n"), "{answer}");
    assert!(lower.contains("x-back: [redacted]\r\n"), "{answer}");
    assert!(lower.contains("x-other: {}\r\n"), "{answer}");
    assert!(lower.contains("accept-encoding: identity\r\n"), "{answer}");
    assert!(lower.contains("content-length: 2\r\n"), "{answer}");
    for gone in [VALUE, "its own", "range:", "gzip", "trailers", "upgrade"] {
        assert!(!lower.contains(gone), "{gone} is in {answer}");
    }
}

#[tokio::test]
async fn a_request_with_the_value_has_no_header_that_names_another_method_or_path() {
    let stage = Stage::new().await;
    let answer = stage
        .ask(
            "GET /a HTTP/1.1\r\nHost: localhost:PORT\r\nX-HTTP-Method-Override: its\r\nX-HTTP-Method: its\r\n\
             X-Method-Override: its\r\nX-Original-URL: /its\r\nx_rewrite_url: /its\r\nX-Rewrite-URL: /its\r\n\
             X-Method: kept\r\n\r\n",
        )
        .await;
    let lower = answer.to_lowercase();
    assert!(lower.contains("values: 1\n"), "{answer}");
    assert!(lower.contains("x-method: kept\r\n"), "{answer}");
    assert!(!lower.contains("its"), "{answer}");
}

#[tokio::test]
async fn what_could_get_round_the_redaction_or_to_another_host_is_refused() {
    let stage = Stage::new().await;
    for (said, status) in [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        (
            "GET / HTTP/1.1\r\nHost: localhost:PORT\r\nHost: evil.example\r\n\r\n",
            "421",
        ),
        (
            "GET https://evil.example/ HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
            "400",
        ),
        ("TRACE / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", "405"),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
            "405",
        ),
        (
            "GET /packed HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
            "502",
        ),
        ("nothing of HTTP\r\n\r\n", "400"),
    ] {
        let answer = stage.ask(said).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{said}: {answer}"
        );
        assert!(!answer.contains(VALUE), "{said}: {answer}");
    }
}

#[tokio::test]
async fn a_rotated_value_is_in_the_next_request() {
    let stage = Stage::new().await;
    let other = Value::of("another-value-by-now".into());
    stage.injector.redactor.look_for([&other]).unwrap();
    for at in stage.injector.values() {
        at.store(Arc::new(other.clone()));
    }
    let answer = stage
        .ask("GET / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n")
        .await;
    assert!(
        answer.contains("values: 0\n") && answer.contains("Key [redacted]"),
        "{answer}"
    );
}

#[test]
fn a_value_goes_with_the_methods_and_paths_that_are_named() {
    let injection = Injection {
        header: HeaderName::from_static("x-key"),
        format: "{}".into(),
        hosts: Vec::new(),
        methods: Some(vec!["GET".into()]),
        paths: Some(vec!["/open/*".into(), "/one".into()]),
        roots: None,
        value: Arc::new(ArcSwap::from_pointee(Value::of(VALUE.into()))),
    };
    for path in ["/open/", "/open/a/b", "/one"] {
        assert!(injection.covers(&Method::GET, path), "{path}");
        assert!(!injection.covers(&Method::POST, path), "{path}");
    }
    for path in [
        "/",
        "/open",
        "/one/",
        "/shut",
        "/open/../shut",
        "/open/./a",
        "/open//a",
        "/open/%2e%2e/shut",
        "/open/%61",
        "/open/..",
        "/open\\..\\shut",
        "/open/..;/shut",
        "*",
    ] {
        assert!(!injection.covers(&Method::GET, path), "{path}");
    }
}
