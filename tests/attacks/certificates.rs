//! Certificates of clients: whom they let in, and whom they do not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use harness::{FakeServer, Gateway, Speaker};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::callers::{token, works};

const NIGHTLY: &str = "spiffe://example.com/nightly";

/// An authority that vouches for clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A client's certificate and key.
type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "clients");
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for a client with these alternative names.
    fn vouches(&self, names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> Shown {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(2190, 1, 1);
        params.subject_alt_names = names
            .iter()
            .map(|&name| SanType::URI(name.try_into().unwrap()))
            .collect();
        adjust(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (certificate.der().clone(), key)
    }
}

/// A gateway by TLS that asks clients for certificates.
struct Guarded {
    gateway: Gateway,
    own: CertificateDer<'static>,
    authority: Authority,
    server: FakeServer,
    ada: String,
    _files: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        let authority = Authority::new();
        for (name, text) in [
            ("chain", own.pem()),
            ("key", key.serialize_pem()),
            ("clients", authority.pem.clone()),
        ] {
            std::fs::write(files.path().join(format!("{name}.pem")), text).unwrap();
        }
        let (ada, lines) = token("ada");
        let server = FakeServer::http(works());
        let folder = files.path().display();
        let gateway = Gateway::start(&format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\ntls = {{ cert = \"{folder}/chain.pem\", \
             key = \"{folder}/key.pem\", client-ca = \"{folder}/clients.pem\" }}\n[call-log]\nto = \"calls.jsonl\"\n{lines}\n\
             [clients.nightly]\ncertificate = \"{NIGHTLY}\"\n[clients.other]\ncertificate = \"other\"\n{}",
            server.config("fake")
        ));
        Self {
            gateway,
            own: own.der().clone(),
            authority,
            server,
            ada,
            _files: files,
        }
    }

    /// The status of an `initialize`, with this certificate and this token; `None` where the connection ends.
    fn says(&self, shown: Option<Shown>, token: Option<&str>) -> Option<u16> {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![certificate], key)
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let port = self.gateway.url.rsplit(':').next().unwrap();
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let authorization = token
            .map(|token| format!("Authorization: {token}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "POST /mcp/fake HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{authorization}Content-Length: {}\r\n\r\n",
            Speaker::INITIALIZE.len()
        );
        stream
            .write_all(&[head.as_bytes(), Speaker::INITIALIZE].concat())
            .ok()?;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply)
            .split(' ')
            .nth(1)?
            .parse()
            .ok()
    }
}

#[test]
fn a_certificate_lets_in_the_one_client_that_it_names_and_nobody_else() {
    let it = Guarded::start();
    let by = |names: &[&str]| it.authority.vouches(names, |_| {});
    let common = |name: &'static str| {
        it.authority.vouches(&[], move |params| {
            params.distinguished_name.push(DnType::CommonName, name)
        })
    };
    // Nobody vouches for these: the connection ends.
    let stranger = Authority::new().vouches(&[NIGHTLY], |_| {});
    let expired = it.authority.vouches(&[NIGHTLY], |params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let of_a_server = it.authority.vouches(&[NIGHTLY], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    for odd in [stranger, expired, of_a_server] {
        assert_eq!(it.says(Some(odd), Some(&it.ada)), None);
    }
    // These are vouched for, and name none of the clients, or more than one.
    for shown in [
        by(&["spiffe://example.com/nightly/x"]),
        by(&["SPIFFE://example.com/nightly"]),
        by(&[NIGHTLY, "other"]),
        common(NIGHTLY.trim_start_matches("spiffe://")),
        it.authority.vouches(&["spiffe://x"], |params| {
            params.distinguished_name.push(DnType::CommonName, "other")
        }),
    ] {
        assert_eq!(it.says(Some(shown), None), Some(401));
    }
    assert_eq!(it.says(None, None), Some(401));
    assert!(it.server.heard().is_empty());
    // A header counts alone, whatever certificate is there.
    assert_eq!(
        it.says(Some(by(&[NIGHTLY])), Some("Bearer wrong")),
        Some(401)
    );
    assert_eq!(it.says(Some(by(&[NIGHTLY])), Some("Basic eDp5")), Some(401));
    assert!(it.server.heard().is_empty());
    assert_eq!(it.says(None, Some(&it.ada)), Some(200));
    assert_eq!(it.says(Some(by(&[NIGHTLY])), None), Some(200));
    assert_eq!(it.says(Some(common("other")), None), Some(200));
    let log = it.gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    for name in ["ada", "nightly", "other"] {
        assert!(log.contains(&format!("\"principal\":\"{name}\"")), "{log}");
    }
    // Out of the file is out at once.
    let file = it.gateway.config_file();
    let config = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, config.replace(NIGHTLY, "spiffe://example.com/other")).unwrap();
    assert_eq!(it.gateway.command(&["reload"]).code, Some(0));
    assert_eq!(it.says(Some(by(&[NIGHTLY])), None), Some(401));
}
