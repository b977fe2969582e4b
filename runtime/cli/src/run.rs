//! `sandgate run`: serves until told to stop, reloads when files change.

use std::net::SocketAddr;
use std::sync::Arc;

use sandgate_config::{Issue, Loaded, Report, Side, client_config};
use sandgate_daemon::{Door, start, until_told};
use sandgate_gateway::Endpoint;
use sandgate_recording::{Recipient, Wanted};
use sandgate_telemetry::logging;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{args, rlimit};

/// Why it does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing was started: something in the configuration is wrong.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// It had to stop.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<Report> for RunError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// Serves until a signal.
///
/// # Errors
/// See [`RunError`].
pub async fn run(arguments: &args::Run, loaded: &Loaded) -> Result<(), RunError> {
    let path = &arguments.configured.config;
    let endpoint = endpoint(arguments, loaded)?;
    let door = match arguments.stdio {
        true => Door::Stdio(endpoint, client(arguments, loaded)?),
        false => {
            let given = arguments.listen.is_some();
            let address = arguments.listen.unwrap_or(loaded.config.gateway.listen.0);
            for issue in loaded.check_exposure(address, given)? {
                tracing::warn!("{}", loaded.report(vec![issue]).render(false).trim_end());
            }
            rlimit::raise(loaded.config.gateway.limits.max_connections as usize);
            Door::Http(listen(arguments.listen, loaded).await?)
        }
    };
    let record_to = record_to(&arguments.record)?;
    let mut running = start(path, loaded, arguments.stdio, record_to).await?;
    if let Door::Http(listener) = &door {
        running.listens_at(listener.local_addr()?);
    }
    let stop = CancellationToken::new();
    let signals = tokio::spawn(until_told(stop.clone()));
    if let Door::Http(listener) = &door {
        announce(listener.local_addr()?, loaded);
    }
    let served = running.serve(door, stop).await;
    signals.abort();
    Ok(served?)
}

/// What the command line asks to be recorded.
fn record_to(asked: &args::RecordCalls) -> Result<Option<Wanted>, Report> {
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

fn endpoint(arguments: &args::Run, loaded: &Loaded) -> Result<Endpoint, Report> {
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

/// Who the client on stdin and stdout is. Nobody asks it for a key: whoever starts the gateway can read its configuration.
fn client(arguments: &args::Run, loaded: &Loaded) -> Result<Option<Arc<str>>, Report> {
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
    // Stdout may be the call log's.
    logging::say(
        tracing::Level::INFO,
        &format!("{}\n", client_config::text(front, &names)),
    );
}
