//! `sandgate run`: serves until told to stop, and reloads when files change.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use sandgate_config::{Issue, Loaded, Report, Side, Size};
use sandgate_console::WebConsole;
use sandgate_daemon::{Transport, start, until_told};
use sandgate_gateway::Endpoint;
use sandgate_import::client_config;
use sandgate_recording::{Recipient, Wanted};
use sandgate_telemetry::logging;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::console::Verbs;
use crate::exit::{fail, refuse, runtime};
use crate::reached::Configured;
use crate::{install, rlimit};

/// `sandgate run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The configuration to use.
    #[command(flatten)]
    pub configured: Configured,
    /// Serve one client on stdin and stdout instead of HTTP
    #[arg(long, conflicts_with = "listen")]
    pub stdio: bool,
    /// With --stdio: this server alone, its tools under their own names
    #[arg(long, value_name = "NAME", requires = "stdio")]
    pub server: Option<String>,
    // The comment is the text of `--help`: what looks like a link is a table of the configuration.
    #[allow(rustdoc::broken_intra_doc_links)]
    /// With --stdio: the client that it is, by its name in [clients]; it needs no key
    #[arg(long, value_name = "NAME", requires = "stdio")]
    pub client: Option<String>,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// What to record.
    #[command(flatten)]
    pub record: RecordCalls,
}

/// What `sandgate run` records.
#[derive(Clone, Debug, Args)]
pub struct RecordCalls {
    /// Record calls there, for `sandgate replay`; what policies find in them is replaced by surrogates. What no policy
    /// finds is recorded as it is
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// Of all calls, record so many
    #[arg(long, value_name = "PERCENT", default_value = "100%", value_parser = share, requires = "record")]
    pub record_share: u16,
    /// When so much is recorded, drop the oldest
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size, requires = "record")]
    pub record_max: Size,
    /// Record calls as they come, encrypted to this public key of age
    #[arg(long, value_name = "age1…", requires = "record")]
    pub record_raw_to: Option<String>,
}

/// Parses a share in percent. Returns it in ten-thousandths.
fn share(text: &str) -> Result<u16, String> {
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => {
            // At least one call in ten thousand, and at most all.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Ok(((percent * 100.0).round() as u16).max(1))
        }
        _ => Err("write a share such as 10% or 0.5%, more than 0% and at most 100%".into()),
    }
}

fn size(text: &str) -> Result<Size, String> {
    let read =
        Size::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(text));
    read.map_err(|error| error.to_string())
}

/// Why the gateway does not serve, or stopped.
#[derive(Debug, thiserror::Error)]
enum RunError {
    /// Nothing was started: the configuration is wrong.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// The gateway had to stop.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<Report> for RunError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// Serves until told to stop.
pub fn carry_out(asked: &Run) -> ExitCode {
    let loaded = match Loaded::read(&asked.configured.config) {
        Ok(loaded) => loaded,
        Err(report) => return refuse(&report),
    };
    if let Err(error) = install::before_serving(&loaded) {
        return error.exit();
    }
    let served = runtime(loaded.config.gateway.workers).and_then(|runtime| {
        let served = runtime.block_on(run(asked, &loaded));
        // A thread that still reads stdin ends with the process.
        runtime.shutdown_background();
        match served {
            Err(RunError::Io(error)) => Err(error),
            Err(RunError::Config(report)) => Ok(refuse(&report)),
            Ok(()) => Ok(ExitCode::SUCCESS),
        }
    });
    match served {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// Serves until a signal to stop.
///
/// # Errors
///
/// See [`RunError`].
async fn run(arguments: &Run, loaded: &Loaded) -> Result<(), RunError> {
    let path = &arguments.configured.config;
    let endpoint = endpoint(arguments, loaded)?;
    let transport = match arguments.stdio {
        true => Transport::Stdio(endpoint, client(arguments, loaded)?),
        false => {
            let given = arguments.listen.is_some();
            let address = arguments.listen.unwrap_or(loaded.config.gateway.listen.0);
            for issue in loaded.check_exposure(address, given)? {
                tracing::warn!("{}", loaded.report(vec![issue]).render(false).trim_end());
            }
            rlimit::raise(loaded.config.gateway.limits.max_connections as usize);
            Transport::Http(listen(arguments.listen, loaded).await?)
        }
    };
    let record_to = record_to(&arguments.record)?;
    let mut running = start(path, loaded, arguments.stdio, record_to).await?;
    if let Transport::Http(listener) = &transport {
        running.listens_at(listener.local_addr()?);
    }
    let verbs = Arc::new(Verbs {
        config: path.clone(),
    });
    if let Some(console) = WebConsole::bind(loaded, verbs).await? {
        running.show(console);
    }
    let stop = CancellationToken::new();
    let signals = tokio::spawn(until_told(stop.clone()));
    if let Transport::Http(listener) = &transport {
        announce(listener.local_addr()?, loaded);
    }
    let served = running.serve(transport, stop).await;
    signals.abort();
    Ok(served?)
}

/// The recording that the command line asks for.
fn record_to(asked: &RecordCalls) -> Result<Option<Wanted>, Report> {
    let Some(folder) = &asked.record else {
        return Ok(None);
    };
    let raw_to = asked.record_raw_to.as_deref().map(Recipient::read);
    let raw_to = raw_to.transpose().map_err(|error| {
        let issue = Issue::error(None, format!("--record-raw-to: {error}"));
        Report::new(None, vec![issue])
    })?;
    Ok(Some(Wanted {
        folder: folder.clone(),
        share: asked.record_share,
        max: asked.record_max.0,
        raw_to,
    }))
}

fn endpoint(arguments: &Run, loaded: &Loaded) -> Result<Endpoint, Report> {
    let Some(name) = &arguments.server else {
        return Ok(Endpoint::Merged);
    };
    if loaded.config.servers.contains_key(name) {
        return Ok(Endpoint::Server(name.as_str().into()));
    }
    let names: Vec<_> = loaded.config.servers.keys().map(String::as_str).collect();
    let issue = Issue::error(None, format!("--server: there is no server {name:?}"));
    Err(loaded.report(vec![
        issue.help(format!("the servers are: {}", names.join(", "))),
    ]))
}

/// The name of the client on stdin and stdout. It needs no key, since whoever starts the gateway can read its
/// configuration.
fn client(arguments: &Run, loaded: &Loaded) -> Result<Option<Arc<str>>, Report> {
    let clients = &loaded.config.clients;
    let issue = match &arguments.client {
        None if clients.is_empty() => return Ok(None),
        Some(name) if clients.contains_key(name) => return Ok(Some(name.as_str().into())),
        None => {
            "--stdio: the configuration has clients, and it is not said which one this is".into()
        }
        Some(name) => format!("--client: there is no client {name:?}"),
    };
    let names: Vec<_> = clients.keys().map(String::as_str).collect();
    let help = match names.as_slice() {
        [] => "add it to [clients], or leave --client out".to_owned(),
        names => format!("give --client NAME; the clients are: {}", names.join(", ")),
    };
    Err(loaded.report(vec![Issue::error(None, issue).help(help)]))
}

async fn listen(given: Option<SocketAddr>, loaded: &Loaded) -> Result<TcpListener, Report> {
    let address = given.unwrap_or(loaded.config.gateway.listen.0);
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("{address} is in use: another program listens there")
            }
            _ => format!("{address} cannot be listened on: {error}"),
        };
        let issue = match given {
            Some(_) => Issue::error(None, format!("--listen: {why}")),
            None => loaded.error("/gateway/listen", Side::Value, why),
        };
        loaded.report(vec![issue.help(
            "choose another port (0 takes a free one), or stop the other program",
        )])
    })
}

fn announce(address: SocketAddr, loaded: &Loaded) {
    let names: Vec<_> = loaded.config.servers.keys().map(String::as_str).collect();
    let front = client_config::Front {
        address,
        https: loaded.config.gateway.tls.is_some(),
        keyed: !loaded.config.clients.is_empty(),
    };
    tracing::info!("listening on {}", front.scheme_and_address());
    // Stdout may be the call log's, so this goes to stderr.
    logging::say(
        tracing::Level::INFO,
        &format!("{}\n", client_config::text(front, &names)),
    );
}
