//! A host on loopback that speaks HTTP over TLS, as a stand-in for one elsewhere.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A host that answers every request: to `/to/HOST/PORT` with a redirect there, to `/reflect` with the request's head, in
/// its body and in a header, else with a text. Nobody vouches for its certificate.
pub struct TlsHost {
    /// Its port on `127.0.0.1`.
    pub port: u16,
    /// Its certificate, in PEM.
    pub certificate: String,
    heads: Arc<Mutex<Vec<String>>>,
    answered: Arc<AtomicUsize>,
}

impl TlsHost {
    /// Starts one, for this process's life.
    pub fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pem = certificate.pem();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered = Arc::new(AtomicUsize::new(0));
        let count = answered.clone();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let heard = heads.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, count, heard) = (config.clone(), count.clone(), heard.clone());
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
                    if answer(StreamOwned::new(connection, stream), &heard).is_ok() {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self {
            port,
            certificate: pem,
            heads,
            answered,
        }
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }

    /// The requests that were answered.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

fn answer(
    stream: StreamOwned<ServerConnection, TcpStream>,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut said = line.clone();
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line)?;
        said += &line;
    }
    heads.lock().push(said.clone());
    let redirect = path
        .strip_prefix("/to/")
        .and_then(|rest| rest.split_once('/'));
    let head = match redirect {
        Some((host, port)) => format!("302 Found\r\nLocation: https://{host}:{port}/"),
        None => "200 OK".into(),
    };
    let (head, body) = match path.starts_with("/reflect") {
        true => {
            let lines = said.lines().filter(|line| line.contains(": "));
            let back: String = lines.map(|line| format!("\r\nX-Back-{line}")).collect();
            (format!("{head}{back}"), said)
        }
        false => (head, "stand-in".into()),
    };
    let mut stream = reader.into_inner();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}
