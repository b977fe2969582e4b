//! An issuer of access tokens that signs whatever it is told, and says of itself whatever it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// An issuer on loopback. Ends on drop.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
}

/// What the issuer answers in place of a document of its own.
type Instead = Arc<dyn Fn(&str) -> (u16, Vec<(&'static str, String)>, String) + Send + Sync>;

#[derive(Default)]
struct State {
    keys: Mutex<Vec<(String, EcdsaKeyPair)>>,
    /// By the path that is asked for.
    instead: Mutex<Vec<(String, Instead)>>,
    asked: Mutex<Vec<(String, String)>>,
    down: AtomicBool,
    ended: AtomicBool,
}

impl Issuer {
    /// An issuer with one key, whose metadata is where RFC 8414 has it.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let issuer = Self { address, state };
        issuer.rotate("one");
        let state = issuer.state.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if state.ended.load(Ordering::SeqCst) {
                    return;
                }
                let state = state.clone();
                // A gateway that goes away is no concern of the issuer.
                std::thread::spawn(move || drop(serve(connection, address, &state)));
            }
        });
        issuer
    }

    /// Its identifier.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its table of the gateway's configuration, with these lines more.
    pub fn config(&self, more: &str) -> String {
        let url = self.url();
        format!("[[authorization.issuers]]\nissuer = {url:?}\nloopback-http = true\n{more}\n")
    }

    /// Signs with this new key from now on, and shows no other.
    ///
    /// # Panics
    /// Where no key can be made.
    pub fn rotate(&self, id: &str) {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap();
        *self.state.keys.lock() = vec![(id.to_owned(), key)];
    }

    /// Ends each connection without an answer, or answers again.
    pub fn is_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// Answers this at a path: status, headers, body; the function gets the request's body.
    pub fn answers(
        &self,
        path: &str,
        answer: impl Fn(&str) -> (u16, Vec<(&'static str, String)>, String) + Send + Sync + 'static,
    ) {
        let mut instead = self.state.instead.lock();
        instead.retain(|(known, _)| known != path);
        instead.push((path.to_owned(), Arc::new(answer)));
    }

    /// What it was asked at a path: the bodies, oldest first.
    pub fn asked(&self, path: &str) -> Vec<String> {
        let asked = self.state.asked.lock();
        let there = asked.iter().filter(|(known, _)| known == path);
        there.map(|(_, body)| body.clone()).collect()
    }

    /// The claims of a good token for `audience`, good for ten minutes.
    pub fn claims(&self, audience: &str) -> Value {
        let now = now();
        json!({ "iss": self.url(), "sub": "ada", "aud": audience, "client_id": "c", "jti": now.to_string(),
            "iat": now, "exp": now + 600, "scope": "mcp", "groups": ["staff"] })
    }

    /// A token with these claims, signed as it should be.
    pub fn token(&self, claims: &Value) -> String {
        self.signed(
            &json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.key_id() }),
            claims,
        )
    }

    /// A token with this header, signed by the issuer's key whatever the header says.
    ///
    /// # Panics
    /// Where it cannot be signed.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let keys = self.state.keys.lock();
        let signature = keys[0].1.sign(&SystemRandom::new(), text.as_bytes());
        format!("{text}.{}", encoded(signature.unwrap().as_ref()))
    }

    /// The id of the key that it signs with.
    pub fn key_id(&self) -> String {
        self.state.keys.lock()[0].0.clone()
    }

    /// Its public key as it stands in the JWKS: what an attacker knows of it.
    pub fn public_key(&self) -> Vec<u8> {
        self.state.keys.lock()[0].1.public_key().as_ref().to_vec()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The loop looks at it once somebody comes.
        drop(TcpStream::connect(self.address));
    }
}

/// Seconds since 1970.
///
/// # Panics
/// Before 1970.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Header and claims of a token, as they are signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encoded(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

/// Bytes as a token writes them.
pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn serve(connection: TcpStream, address: SocketAddr, state: &State) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(60)))?;
    if state.down.load(Ordering::SeqCst) {
        return Ok(());
    }
    let mut input = BufReader::new(connection);
    let mut line = String::new();
    input.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        input.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    state.asked.lock().push((path.clone(), body.clone()));
    let instead = state
        .instead
        .lock()
        .iter()
        .find(|(known, _)| *known == path)
        .map(|(_, it)| it.clone());
    let url = format!("http://{address}");
    let (status, headers, text) = match (instead, path.as_str()) {
        (Some(answer), _) => answer(&body),
        (None, "/.well-known/oauth-authorization-server") => {
            let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/jwks"),
                "introspection_endpoint": format!("{url}/introspect") });
            (200, Vec::new(), metadata.to_string())
        }
        (None, "/jwks") => (200, Vec::new(), jwks(state)),
        _ => (404, Vec::new(), String::new()),
    };
    let mut head = format!(
        "HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {}\r\n",
        text.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    input
        .get_mut()
        .write_all(format!("{head}\r\n{text}").as_bytes())
}

fn jwks(state: &State) -> String {
    let keys = state.keys.lock();
    let keys: Vec<Value> = keys
        .iter()
        .map(|(id, key)| {
            let point = key.public_key().as_ref();
            json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
                "x": encoded(&point[1..33]), "y": encoded(&point[33..]) })
        })
        .collect();
    json!({ "keys": keys }).to_string()
}
