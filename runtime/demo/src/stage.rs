//! What the story plays on: the support desk, a folder with a configuration, and the gateway of that configuration,
//! started exactly as `sandgate run` starts one.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use sandgate_assembly::host_setup;
use sandgate_config::{Environment, Loaded};
use sandgate_daemon::{Transport, start};
use support_desk::Desk;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::DemoError;

const CONFIG: &str = "sandgate.toml";
const CALL_LOG: &str = "calls.jsonl";

/// With places for what is known at the start only, as `@NAME@`.
const POLICY: &str = include_str!("sandgate.toml");

/// Everything that runs.
pub(super) struct Stage {
    pub(super) desk: Arc<Desk>,
    /// Where the desk itself listens.
    pub(super) desk_at: SocketAddr,
    /// Where the gateway listens.
    pub(super) gateway: SocketAddr,
    /// From the configuration on disk to a gateway that serves.
    pub(super) started_in: Duration,
    /// Where compiled policies are kept.
    pub(super) cache: Option<PathBuf>,
    /// What the gateway was started from.
    pub(super) loaded: Loaded,
    folder: tempfile::TempDir,
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
    desk_serving: JoinHandle<io::Result<()>>,
}

impl Stage {
    /// Starts it all on free ports of loopback. Told to `stop`, the gateway ends.
    pub(super) async fn set(stop: CancellationToken) -> Result<Self, DemoError> {
        let desk = Desk::new();
        let desk_listener = TcpListener::bind("127.0.0.1:0").await?;
        let desk_at = desk_listener.local_addr()?;
        let desk_serving = tokio::spawn(support_desk::serve_http(desk.clone(), desk_listener));

        let folder = tempfile::Builder::new()
            .prefix("sandgate-demo-")
            .tempdir()?;
        let config_file = folder.path().join(CONFIG);
        std::fs::write(&config_file, policy(desk_at, ""))?;

        let since = Instant::now();
        let loaded = Loaded::read(&config_file)?;
        let listener = TcpListener::bind(loaded.config.gateway.listen.0).await?;
        let gateway = listener.local_addr()?;
        let running = start(&config_file, &loaded, false, None).await?;
        let started_in = since.elapsed();
        let serving = tokio::spawn({
            let stop = stop.clone();
            async move { running.serve(Transport::Http(listener), stop).await }
        });
        Ok(Self {
            desk,
            desk_at,
            gateway,
            started_in,
            cache: host_setup::cache_folder(&loaded, &Environment::of_process()),
            loaded,
            folder,
            stop,
            serving,
            desk_serving,
        })
    }

    /// Ends it all; the folder goes.
    pub(super) async fn strike(self) -> io::Result<()> {
        self.stop.cancel();
        let served = self.serving.await;
        self.desk_serving.abort();
        self.folder.close()?;
        served.map_err(io::Error::other)?
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.path().join(CONFIG)
    }
    pub(super) fn call_log(&self) -> PathBuf {
        self.folder.path().join(CALL_LOG)
    }
    /// The desk as the gateway's clients find it.
    pub(super) fn endpoint(&self) -> Result<Uri, DemoError> {
        uri(self.gateway, "/mcp/desk")
    }
    /// The desk without a gateway in front.
    pub(super) fn desk_endpoint(&self) -> Result<Uri, DemoError> {
        uri(self.desk_at, "/mcp")
    }

    /// Saves the configuration with these settings for `scrub`; an empty text is none.
    pub(super) fn save(&self, settings: &str) -> io::Result<()> {
        std::fs::write(self.config_file(), policy(self.desk_at, settings))
    }
}

fn policy(desk: SocketAddr, settings: &str) -> String {
    let settings = match settings {
        "" => String::new(),
        settings => format!("{settings}\n"),
    };
    POLICY
        .replace("@CALL_LOG@", CALL_LOG)
        .replace("@DESK@", &format!("http://{desk}/mcp"))
        .replace("@SETTINGS@", &settings)
}

fn uri(address: SocketAddr, path: &str) -> Result<Uri, DemoError> {
    format!("http://{address}{path}")
        .parse()
        .map_err(|error| io::Error::other(error).into())
}
