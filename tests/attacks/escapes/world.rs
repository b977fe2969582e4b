//! What a hostile server goes after, as stand-ins: files, a process with a secret, and listeners on loopback.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use harness::{Era, Gateway, Speaker, TlsHost, other_user, system_python};
use serde_json::{Value, json};

/// The servers that are contained, by what holds them.
pub(super) const CONTAINED: &[&str] = &["bubblewrap", "landlock"];
/// What the victim has in its environment.
pub(super) const SECRET: &str = "victims-own-secret";

/// A process of the same user that lets everybody trace it, whatever the system's default is.
const VICTIM: &str = r#"
import ctypes, sys, time
ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)
kept = ctypes.create_string_buffer(b"secret in memory")
print(ctypes.addressof(kept), flush=True)
time.sleep(600)
"#;

/// The stand-ins. They end with it.
pub(super) struct World {
    folder: tempfile::TempDir,
    victim: Child,
    /// Where the victim's memory has something to read.
    pub(super) address: u64,
    pub(super) tcp: u16,
    pub(super) tcp6: Option<u16>,
    pub(super) udp: u16,
    /// The name of the abstract sockets.
    pub(super) name: String,
    made: AtomicUsize,
    /// A host that speaks TLS, on loopback.
    pub(super) tls: TlsHost,
    _sockets: (UnixListener, UnixListener, UnixDatagram),
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path(), 0o755);
        for name in [
            "script",
            "work",
            "outside",
            "outside/home",
            "outside/home/.ssh",
            "tmp",
        ] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            open(&folder.path().join(name), 0o777);
        }
        std::fs::write(
            folder.path().join("script/hostile.py"),
            include_str!("hostile.py"),
        )
        .unwrap();
        open(&folder.path().join("script/hostile.py"), 0o644);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks/escapes/static.c");
        let program = folder.path().join("script/static");
        let compiled = Command::new("cc")
            .args(["-static", "-o"])
            .args([&program, &source])
            .output();
        let compiled = compiled.expect("there is no C compiler");
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let key = folder.path().join("outside/home/.ssh/id_ed25519");
        std::fs::write(&key, "a private key\n").unwrap();
        open(&key, 0o666);
        let mut command = Command::new(system_python());
        command.args(["-c", VICTIM]).env("SECRET", SECRET);
        command.stdout(Stdio::piped());
        if let Some(user) = other_user() {
            command.uid(user).gid(user);
        }
        let mut victim = command.spawn().unwrap();
        let mut line = String::new();
        let said = victim.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut line).unwrap();
        let socket = folder.path().join("outside/container.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        open(&socket, 0o777);
        // Tests of one process have a world each.
        let name = format!("sandgate-escapes-{}", folder.path().display());
        let place = |kind: &str| SocketAddr::from_abstract_name(format!("{name}{kind}")).unwrap();
        let streams = UnixListener::bind_addr(&place("")).unwrap();
        let datagrams = UnixDatagram::bind_addr(&place("-datagrams")).unwrap();
        Self {
            victim,
            address: line.trim().parse().unwrap(),
            tcp: answer_tcp("127.0.0.1:0").unwrap(),
            tcp6: answer_tcp("[::1]:0"),
            udp: answer_udp(),
            name,
            made: AtomicUsize::new(0),
            tls: TlsHost::start(),
            _sockets: (listener, streams, datagrams),
            folder,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn victim(&self) -> u32 {
        self.victim.id()
    }

    /// A file of another's that was never touched.
    pub(super) fn fresh(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.path(&format!("outside/secret-{number}"));
        std::fs::write(&path, "another's secret\n").unwrap();
        open(&path, 0o666);
        path
    }

    pub(super) fn config(&self) -> String {
        let (python, script) = (system_python(), self.path("script/hostile.py"));
        let start =
            format!("command = {python:?}\nargs = [{script:?}]\nrequest-timeout = \"30s\"\n");
        let free = format!(
            "[servers.free]\n{start}env = {{ TMPDIR = {:?} }}\n",
            self.path("tmp")
        );
        let contained = CONTAINED.iter().map(|with| {
            format!(
                "[servers.{with}]\n{start}contain = {{ with = {with:?}, read = [{:?}], write = [{:?}], memory = \"128MiB\", \
                 processes = 32, cpus = 1, files = 64, file-size = \"1MiB\", tmp = \"8MiB\" }}\n",
                self.path("script"),
                self.path("work"),
            )
        });
        free + &contained.collect::<String>()
    }

    /// The same servers, contained, which may reach the host that speaks TLS; `other` may reach another.
    pub(super) fn config_with_egress(&self) -> String {
        let (python, script) = (system_python(), self.path("script/hostile.py"));
        let start = format!("command = {python:?}\nargs = [{script:?}]\n");
        let tls = self.tls.port;
        let server = |name: &str, with: &str, hosts: &[String]| {
            format!(
                "[servers.{name}]\n{start}contain = {{ with = {with:?}, read = [{:?}] }}\negress = {hosts:?}\n",
                self.path("script")
            )
        };
        let hosts = [
            format!("private:127.0.0.1:{tls}"),
            format!("private:localhost:{tls}"),
        ];
        let mut config = format!("[servers.free]\n{start}");
        for with in CONTAINED {
            config += &server(with, with, &hosts);
        }
        config
            + &server(
                "other",
                "bubblewrap",
                &[format!("private:127.0.0.1:{}", self.tcp)],
            )
    }

    pub(super) fn open(&self, gateway: &Gateway, server: &str) -> Speaker {
        Speaker::open(&gateway.mcp(server), Era::Legacy)
    }

    /// Makes an attempt in a session of its own.
    pub(super) fn attempt(
        &self,
        gateway: &Gateway,
        server: &str,
        name: &str,
        aim: &Value,
    ) -> String {
        let session = self.open(gateway, server);
        let said = self.say(&session, name, aim);
        session.end();
        said
    }

    /// `done`, or what stopped it: an error's name, or the limit by which the server was ended.
    pub(super) fn say(&self, session: &Speaker, name: &str, aim: &Value) -> String {
        let mut arguments = aim.clone();
        arguments["attempt"] = name.into();
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "try", "arguments": arguments } });
        let replies = session.say(call.to_string().as_bytes());
        let reply: Value = serde_json::from_slice(replies.last().unwrap()).unwrap();
        match reply["result"]["content"][0]["text"].as_str() {
            Some(said) => said.to_owned(),
            None => {
                let why = reply["error"]["message"].as_str().unwrap_or_default();
                let limit = why
                    .split_once("by its limit ")
                    .and_then(|(_, rest)| rest.split_once(';'));
                let limit = limit.unwrap_or_else(|| panic!("{name}: {reply}"));
                format!("ended by {}", limit.0)
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    if let Some(user) = other_user() {
        chown(path, Some(user), Some(user)).unwrap();
    }
}

fn answer_tcp(at: &str) -> Option<u16> {
    let listener = TcpListener::bind(at).ok()?;
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"stand-in"));
        }
    });
    Some(port)
}

fn answer_udp() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut heard = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut heard) {
            let _ = socket.send_to(b"stand-in", from);
        }
    });
    port
}

/// Processes that sleep so many seconds.
pub(super) fn sleepers(seconds: &str) -> Vec<i32> {
    let wanted = format!("/bin/sleep\0{seconds}\0");
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let sleeps = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted.as_bytes())
    };
    pids.filter(sleeps).collect()
}

#[track_caller]
pub(super) fn until(done: impl Fn() -> bool, what: &str) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}: it did not come to pass");
        std::thread::sleep(Duration::from_millis(20));
    }
}
