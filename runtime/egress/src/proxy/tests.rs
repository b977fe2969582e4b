//! Whole connections through a proxy on loopback, with names that resolve as the test says.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sandgate_address::AllowedHost;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::hello::tests::hello;
use crate::{Connection, Verdict, hello};

/// Names and the addresses to which they lead, one list after another.
#[derive(Default)]
struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>, AtomicU64);

impl Resolver for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        if name == "hung.example" {
            return std::future::pending().boxed();
        }
        let mut names = self.0.lock();
        let found = match names.get_mut(name) {
            Some(lists) if lists.len() > 1 => Ok(lists.remove(0)),
            Some(lists) => Ok(lists[0].clone()),
            None if name == "busy.example" => Err(io::ErrorKind::ResourceBusy.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        async move { found }.boxed()
    }
}

#[derive(Default)]
struct Log {
    opened: Mutex<Vec<Connection>>,
    ended: Mutex<Vec<Connection>>,
    full: std::sync::atomic::AtomicBool,
}

impl ConnectionLog for Log {
    fn opened(&self, connection: &Connection) -> Result<(), String> {
        if self.full.load(Ordering::Relaxed) {
            return Err("the disk is full".into());
        }
        self.opened.lock().push(connection.clone());
        Ok(())
    }

    fn ended(&self, connection: &Connection) {
        self.ended.lock().push(connection.clone());
    }
}

struct Stage {
    log: Arc<Log>,
    names: Arc<Names>,
    at: SocketAddr,
    /// A host that answers whatever it is sent.
    host: SocketAddr,
    _proxy: Abort,
}

/// Ends a task with its owner.
struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stage {
    async fn new(hosts: &[&str], bounds: Bounds) -> Self {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = echo.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let port = host.port().to_string();
        let hosts = hosts
            .iter()
            .map(|text| AllowedHost::parse(&text.replace("PORT", &port)).unwrap());
        let policy = Policy {
            hosts: hosts.collect(),
            audit_until: None,
        };
        let (log, names) = (Arc::<Log>::default(), Arc::<Names>::default());
        let proxy = Proxy::with("files", policy, log.clone(), names.clone(), bounds);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let serving = tokio::spawn(Arc::new(proxy).serve(listener));
        Self {
            log,
            names,
            at,
            host,
            _proxy: Abort(serving),
        }
    }

    fn leads(&self, name: &str, lists: &[&[&str]]) {
        let lists = lists.iter().map(|list| {
            let list = list.iter().map(|text| text.parse().unwrap());
            list.collect()
        });
        self.names.0.lock().insert(name.into(), lists.collect());
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }

    async fn connect(&self, target: &str) -> TcpStream {
        let target = target.replace("PORT", &self.host.port().to_string());
        self.send(format!("CONNECT {target} HTTP/1.1\r\n\r\n").as_bytes())
            .await
    }

    /// The whole answer to a request that is refused.
    async fn refused(&self, target: &str) -> String {
        all(&mut self.connect(target).await).await
    }

    async fn ended(&self, count: usize) -> Vec<Connection> {
        for _ in 0..500 {
            if self.log.ended.lock().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.log.ended.lock().clone()
    }
}

async fn all(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

async fn established(stream: &mut TcpStream) {
    let mut said = [0; 39];
    stream.read_exact(&mut said).await.unwrap();
    assert!(said.starts_with(b"HTTP/1.1 200"), "{said:?}");
}

#[tokio::test]
async fn a_listed_host_is_reached_and_both_ends_are_recorded() {
    let stage = Stage::new(&["private:files.example:PORT"], Bounds::default()).await;
    stage.leads("files.example", &[&["127.0.0.1"]]);
    let mut stream = stage.connect("FILES.example.:PORT").await;
    established(&mut stream).await;
    let hello = hello("files.example");
    stream.write_all(&hello).await.unwrap();
    let mut back = vec![0; hello.len()];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, hello, "not a byte is changed");
    let opened = stage.log.opened.lock()[0].clone();
    assert_eq!(opened.verdict, Verdict::Allowed);
    assert_eq!((opened.up, opened.down), (0, 0));
    drop(stream);
    let ended = &stage.ended(1).await[0];
    assert_eq!((ended.id.as_str(), &*ended.server), (&*opened.id, "files"));
    let length = hello.len() as u64;
    assert_eq!((ended.up, ended.down), (length, length));
    assert_eq!(ended.host.as_deref(), Some("files.example"));
    assert_eq!(ended.port, Some(stage.host.port()));
    assert_eq!(ended.address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(stage.names.1.load(Ordering::Relaxed), 1, "resolved once");
}

#[tokio::test]
async fn what_is_not_listed_is_refused_before_it_is_resolved() {
    let stage = Stage::new(&["files.example", "private:127.0.0.1:1"], Bounds::default()).await;
    for (target, status, reason) in [
        ("evil.example:443", "403", Reason::HostNotListed),
        ("files.example:22", "403", Reason::PortNotListed),
        ("127.0.0.1:22", "403", Reason::PortNotListed),
        ("169.254.169.254:80", "403", Reason::HostNotListed),
        ("8.8.8.8:443", "403", Reason::HostNotListed),
        ("/run/admin.sock", "400", Reason::Malformed),
        ("127.1:1", "400", Reason::Malformed),
    ] {
        let said = stage.refused(target).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        assert!(said.contains(reason.as_str()), "{said}");
        let last = stage.log.ended.lock().last().cloned().unwrap();
        assert_eq!(last.reason, Some(reason), "{target}");
        assert_eq!(last.verdict, Verdict::Refused);
    }
    let plain = stage.send(b"GET http://files.example/ HTTP/1.1\r\n\r\n");
    let said = all(&mut plain.await).await;
    assert!(
        said.starts_with("HTTP/1.1 403") && said.contains("https"),
        "{said}"
    );
    assert_eq!(
        stage.names.1.load(Ordering::Relaxed),
        0,
        "nothing is resolved"
    );
    assert!(stage.log.opened.lock().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_within_is_refused_and_is_not_asked_for_again() {
    let hosts = [
        "files.example:PORT",
        "private:db.example:PORT",
        "none.example:PORT",
        "busy.example:PORT",
    ];
    let stage = Stage::new(&hosts, Bounds::default()).await;
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "fd00::1",
    ] {
        stage.leads("files.example", &[&[address]]);
        let said = stage.refused("files.example:PORT").await;
        assert!(said.contains("private-address"), "{address}: {said}");
        let last = stage.log.ended.lock().last().cloned().unwrap();
        assert_eq!(last.address, Some(address.parse().unwrap()));
    }
    // A name that leads elsewhere at the second look-up: there is none.
    stage.leads("files.example", &[&["10.0.0.1"], &["127.0.0.1"]]);
    let before = stage.names.1.load(Ordering::Relaxed);
    assert!(
        stage
            .refused("files.example:PORT")
            .await
            .contains("private-address")
    );
    assert_eq!(stage.names.1.load(Ordering::Relaxed), before + 1);
    // Of a private name's addresses the metadata address is left out, and the others are tried.
    stage.leads("db.example", &[&["169.254.169.254", "127.0.0.1"]]);
    let mut stream = stage.connect("db.example:PORT").await;
    established(&mut stream).await;
    drop(stream);
    stage.leads("db.example", &[&["169.254.169.254"]]);
    assert!(
        stage
            .refused("db.example:PORT")
            .await
            .contains("private-address")
    );
    for (target, status, reason) in [
        ("none.example:PORT", "502", "unresolved"),
        ("busy.example:PORT", "503", "too-many"),
    ] {
        let said = stage.refused(target).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn a_name_whose_look_up_hangs_is_unresolved_in_time_and_holds_up_no_other() {
    let bounds = Bounds {
        connect: Duration::from_millis(300),
        ..Bounds::default()
    };
    let stage = Stage::new(&["hung.example:PORT", "none.example:PORT"], bounds).await;
    let hung = timeout(Duration::from_secs(10), stage.refused("hung.example:PORT"));
    let other = async {
        let said = stage.refused("none.example:PORT").await;
        assert!(said.contains("unresolved"), "{said}");
        stage.log.ended.lock().len()
    };
    let (hung, before) = tokio::join!(hung, other);
    let said = hung.unwrap();
    assert!(said.starts_with("HTTP/1.1 502 "), "{said}");
    assert!(said.contains("unresolved"), "{said}");
    assert_eq!(before, 1, "the other one waited for it");
    let last = stage.log.ended.lock().last().cloned().unwrap();
    assert_eq!(last.host.as_deref(), Some("hung.example"));
    assert_eq!(last.reason, Some(Reason::Unresolved));
}

#[tokio::test]
async fn the_name_in_tls_is_the_host_that_was_asked_for() {
    let hosts = ["private:files.example:PORT", "private:127.0.0.1:PORT"];
    let stage = Stage::new(&hosts, Bounds::default()).await;
    stage.leads("files.example", &[&["127.0.0.1"]]);
    for (target, said, reason) in [
        (
            "files.example:PORT",
            hello("evil.example"),
            Reason::SniMismatch,
        ),
        ("files.example:PORT", hello("127.0.0.1"), Reason::NoSni),
        (
            "files.example:PORT",
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            Reason::NotTls,
        ),
        ("127.0.0.1:PORT", hello("evil.example"), Reason::SniMismatch),
    ] {
        let mut stream = stage.connect(target).await;
        established(&mut stream).await;
        stream.write_all(&said).await.unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, hello::ALERT, "nothing of the host comes back");
        let last = stage.log.ended.lock().last().cloned().unwrap();
        assert_eq!(last.reason, Some(reason), "{target}");
        assert_eq!((last.up, last.down), (0, 0), "nothing goes on");
    }
    // An address has no name.
    let mut stream = stage.connect("127.0.0.1:PORT").await;
    established(&mut stream).await;
    stream.write_all(&hello("127.0.0.1")).await.unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(first, [22]);
}

#[tokio::test]
async fn slow_large_idle_and_too_many_are_ended() {
    let bounds = Bounds {
        connections: 2,
        turned_away: 1,
        head: Duration::from_millis(200),
        hello: Duration::from_millis(200),
        idle: Duration::from_millis(300),
        ..Bounds::default()
    };
    let stage = Stage::new(&["private:127.0.0.1:PORT"], bounds).await;
    let said = all(&mut stage.send(b"CONNECT 127").await).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    let large = format!(
        "CONNECT a.example:443 HTTP/1.1\r\na: {}",
        "b".repeat(20_000)
    );
    let said = all(&mut stage.send(large.as_bytes()).await).await;
    assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    let mut silent = stage.connect("127.0.0.1:PORT").await;
    established(&mut silent).await;
    let mut back = Vec::new();
    silent.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, hello::ALERT);
    drop(silent);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let reasons: Vec<_> = stage.ended(3).await.iter().map(|one| one.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::HeadTooSlow,
            Reason::HeadTooLarge,
            Reason::HelloTooSlow
        ]
        .map(Some)
    );
    // Two that are idle hold all places, until they are ended.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = stage.connect("127.0.0.1:PORT").await;
        established(&mut stream).await;
        stream.write_all(&hello("127.0.0.1")).await.unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.unwrap();
        held.push(stream);
    }
    let said = stage.refused("127.0.0.1:PORT").await;
    assert!(
        said.starts_with("HTTP/1.1 503") && said.contains("too-many"),
        "{said}"
    );
    let ended = stage.ended(6).await;
    assert_eq!(ended[3].reason, Some(Reason::TooMany));
    assert!(ended[4..].iter().all(|one| one.verdict == Verdict::Allowed));
    assert!(ended[5].took >= Duration::from_millis(300));
    let mut again = stage.connect("127.0.0.1:PORT").await;
    established(&mut again).await;
}

#[tokio::test]
async fn new_connections_have_a_pace() {
    let bounds = Bounds {
        pace: (2, Duration::from_secs(600)),
        ..Bounds::default()
    };
    let stage = Stage::new(&["private:127.0.0.1:PORT"], bounds).await;
    for _ in 0..2 {
        established(&mut stage.connect("127.0.0.1:PORT").await).await;
    }
    let said = stage.refused("127.0.0.1:PORT").await;
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(
        stage
            .refused("evil.example:443")
            .await
            .contains("host-not-listed")
    );
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_go_on() {
    let stage = Stage::new(&["private:127.0.0.1:PORT"], Bounds::default()).await;
    stage.log.full.store(true, Ordering::Relaxed);
    let mut stream = stage.connect("127.0.0.1:PORT").await;
    established(&mut stream).await;
    stream.write_all(&hello("127.0.0.1")).await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, hello::ALERT);
    assert_eq!(stage.ended(1).await[0].reason, Some(Reason::Unlogged));
}

#[tokio::test]
async fn open_connections_are_recorded_when_the_proxy_ends() {
    let stage = Stage::new(&["private:127.0.0.1:PORT"], Bounds::default()).await;
    let mut stream = stage.connect("127.0.0.1:PORT").await;
    established(&mut stream).await;
    stream.write_all(&hello("127.0.0.1")).await.unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).await.unwrap();
    stage._proxy.0.abort();
    let ended = &stage.ended(1).await[0];
    assert_eq!(ended.verdict, Verdict::Allowed);
    assert!(ended.up > 0);
}

#[test]
fn a_proxy_is_another_when_the_list_is() {
    let proxy = |hosts: &[&str]| {
        let hosts = hosts.iter().map(|text| AllowedHost::parse(text).unwrap());
        let policy = Policy {
            hosts: hosts.collect(),
            audit_until: None,
        };
        Proxy::new("files", policy, Arc::<Log>::default())
    };
    assert_eq!(proxy(&["a.example"]), proxy(&["a.example:443"]));
    assert_ne!(proxy(&["a.example"]), proxy(&["b.example"]));
}
