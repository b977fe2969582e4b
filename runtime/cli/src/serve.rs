//! `sandgate run`: serves until told to stop, reloads when files change.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sandgate_assembly::host_setup;
use sandgate_assembly::{Assembler, Loading};
use sandgate_config::client_config;
use sandgate_config::{Environment, FileError, Issue, Loaded, Report, Side};
use sandgate_gateway::{Endpoint, Gateway, Registry};
use sandgate_recording::{Recipient, Recording, Wanted};
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_telemetry::record::RecordTarget;
use sandgate_telemetry::{logging, metrics, record};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Desk, Door as AdminDoor, Place, Told};
use crate::args;
use crate::descriptors;
use crate::lookout::Lookout;
use crate::outcome::Outcome;
use crate::reload::{self, Reloader};
use crate::watch::Watch;

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

/// Everything that a gateway runs on, before it serves.
pub(crate) struct Running {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) record: Arc<record::Record>,
    pub(crate) reloader: Reloader,
    pub(crate) watch: Option<Watch>,
    /// Where operators come in.
    pub(crate) admin: Option<AdminDoor>,
    pub(crate) lookout: Lookout,
    /// Where the metrics are read.
    pub(crate) scraped: Option<TcpListener>,
    /// How long it serves on after it was told to stop, without being ready.
    pub(crate) lame_duck: Option<Duration>,
}

/// Reads, prepares and opens everything; serves nothing yet.
///
/// # Errors
/// Everything that is wrong; nothing is left running.
pub(crate) async fn start(
    path: &Path,
    loaded: &Loaded,
    stdio: bool,
    record_to: Option<Wanted>,
) -> Result<Running, Report> {
    let environment = Environment::of_process();
    // Before anything is read, so that no change in between is missed.
    let watch = loaded
        .config
        .gateway
        .watch
        .then(|| Watch::new(reload::files(path, loaded)));
    let host = host_setup::host(loaded, &environment)?;
    let state = host.state().health();
    let mut assembler = Assembler::new(host);
    let mut assembled = assembler
        .assemble(loaded, &environment, Loading::Start)
        .await?;
    assembled.log(loaded);
    let identity = assembled.identity.take();
    let record = open_record(loaded, stdio)?;
    let scraped = metrics::bind(loaded).await?;
    // Last of all that is opened: who has it, serves.
    let admin = open_admin(path, loaded, &environment)?;
    let record = Arc::new(match admin {
        Some(_) => record.remembering(),
        None => record,
    });
    record.matched_values().switch(
        loaded.config.gateway.why_values,
        std::mem::take(&mut assembled.managed),
    );
    let registry = Registry::new(assembler.adopt(assembled));
    let mut lookout = Lookout::of(loaded, stdio);
    if let Some(wanted) = record_to {
        lookout.recording = Some(begin_recording(wanted)?);
    }
    let gateway = Gateway::observed(
        host_setup::gateway_config(loaded),
        registry,
        record.clone(),
        lookout.observer(),
    );
    gateway.identify(identity);
    let conditions = GatewayConditions::new(
        &gateway,
        record.clone(),
        move || state.failure(),
        &loaded.config,
    );
    lookout.watch(&gateway, conditions);
    let mut reloader = Reloader::new(
        path,
        loaded,
        environment,
        assembler,
        gateway.clone(),
        lookout.clone(),
    );
    reloader.records_to(record.clone(), stdio);
    Ok(Running {
        gateway,
        record,
        reloader,
        watch,
        admin,
        lookout,
        scraped,
        lame_duck: loaded
            .config
            .gateway
            .limits
            .lame_duck
            .map(|period| period.0),
    })
}

fn begin_recording(wanted: Wanted) -> Result<Arc<Recording>, Report> {
    let folder = wanted.folder.clone();
    let sealed = wanted.raw_to.is_some();
    let recording = Recording::begin(wanted).map_err(|error| {
        Report::new(None, vec![Issue::error(None, format!("--record: {error}"))])
    })?;
    let how = match sealed {
        true => "as they come, encrypted",
        false => {
            "with surrogates for what policies find; what they do not find is recorded as it is"
        }
    };
    tracing::info!("calls are recorded to {}, {how}", folder.display());
    Ok(recording)
}

/// The admin socket. The default one is a convenience: where it cannot be had, the gateway serves all the same.
fn open_admin(
    path: &Path,
    loaded: &Loaded,
    environment: &Environment,
) -> Result<Option<AdminDoor>, Report> {
    let Some(place) = Place::of(path, loaded.config.gateway.admin.as_ref(), environment) else {
        return Ok(None);
    };
    match place.open() {
        Ok(door) => {
            tracing::info!("operators are answered on {}", place.path.display());
            Ok(Some(door))
        }
        Err(error) if place.configured => {
            Err(loaded.report(vec![loaded.error("/gateway/admin", Side::Value, error)]))
        }
        Err(error) => {
            tracing::warn!(
                "`sandgate status`, `reload` and `why` will not reach this gateway: {error}"
            );
            Ok(None)
        }
    }
}

/// The call log of the configuration.
pub(crate) fn open_record(loaded: &Loaded, stdio: bool) -> Result<record::Record, Report> {
    let to = loaded.call_log_destination(stdio)?;
    let payloads = loaded.config.call_log.payloads;
    unopened(loaded, record::Record::open(&to, payloads, &loaded.files))
}

/// The same, for the log that is there.
pub(crate) fn open_target(loaded: &Loaded, stdio: bool) -> Result<RecordTarget, Report> {
    let to = loaded.call_log_destination(stdio)?;
    let payloads = loaded.config.call_log.payloads;
    unopened(loaded, RecordTarget::open(&to, payloads, &loaded.files))
}

fn unopened<T>(loaded: &Loaded, opened: Result<T, FileError>) -> Result<T, Report> {
    opened.map_err(|error| {
        let issue = loaded.error("/call-log/to", Side::Value, error);
        let help = "correct the path, make its folder, or let the gateway's user write there";
        loaded.report(vec![issue.help(help)])
    })
}

/// Where clients come in.
pub(crate) enum Door {
    /// Streamable HTTP.
    Http(TcpListener),
    /// One client on stdin and stdout.
    Stdio(Endpoint, Option<Arc<str>>),
}

impl Door {
    fn name(&self) -> String {
        match self {
            Self::Http(listener) => match listener.local_addr() {
                Ok(address) => address.to_string(),
                Err(error) => format!("unknown: {error}"),
            },
            Self::Stdio(..) => "stdin and stdout".into(),
        }
    }
}

impl Running {
    /// Serves until told to stop, reloading whenever a file of the configuration changes; then ends every session and
    /// server.
    ///
    /// # Errors
    /// The door broke.
    pub(crate) async fn serve(self, door: Door, told: CancellationToken) -> std::io::Result<()> {
        let Self {
            gateway,
            record,
            reloader,
            watch,
            admin,
            lookout,
            scraped,
            lame_duck,
        } = self;
        let stop = match (&door, lame_duck) {
            (Door::Http(_), Some(period)) => after(told, period, &gateway),
            _ => told,
        };
        if let Some(conditions) = lookout.conditions.clone() {
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = conditions.watch() => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        if let (Some(listener), Some(metrics)) = (scraped, &lookout.metrics) {
            let access = gateway.access().clone();
            tokio::spawn(metrics::serve(
                listener,
                metrics.clone(),
                access,
                stop.clone(),
            ));
        }
        let (ask, asked) = mpsc::channel(admin::AT_A_TIME);
        let told = Told {
            config_file: reloader.path().to_owned(),
            listeners: vec![door.name()],
            history: reloader.history(),
            reload: ask,
        };
        if let Some(admin) = admin {
            let desk = Desk::new(gateway.clone(), record.clone(), told)
                .recording(lookout.recording.clone())
                .conditions(lookout.conditions.clone());
            tokio::spawn(admin::serve(admin, Arc::new(desk), stop.clone()));
        }
        let keeper = tokio::spawn(keep_current(reloader, watch, record, asked, stop.clone()));
        let served = match door {
            // Both are large, and one of them runs.
            Door::Http(listener) => Box::pin(gateway.serve(listener, stop.clone())).await,
            Door::Stdio(endpoint, client) => {
                let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
                let told = stop.clone();
                Box::pin(gateway.serve_stdio_as(client, input, output, endpoint, told)).await
            }
        };
        stop.cancel();
        keeper.abort();
        gateway.close().await;
        // With the keeper goes the host, and with that the last of the state is written: not before, since calls write it.
        let _ = keeper.await;
        lookout.finish().await;
        served
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
            descriptors::raise(loaded.config.gateway.limits.max_connections as usize);
            Door::Http(listen(arguments.listen, loaded).await?)
        }
    };
    let record_to = record_to(&arguments.record)?;
    let mut running = start(path, loaded, arguments.stdio, record_to).await?;
    if let Door::Http(listener) = &door {
        running.reloader.listens_at(listener.local_addr()?);
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

/// Told so long after `told`; in between the gateway serves and says that it is not ready.
fn after(told: CancellationToken, period: Duration, gateway: &Arc<Gateway>) -> CancellationToken {
    let stop = CancellationToken::new();
    let (ended, gateway) = (stop.clone(), gateway.clone());
    tokio::spawn(async move {
        told.cancelled().await;
        gateway.status().leave();
        tracing::info!("not ready any more; connections are accepted for another {period:?}");
        tokio::time::sleep(period).await;
        ended.cancel();
    });
    stop
}

/// Reloads when a file changes, and when told to by SIGHUP or an operator, which also opens the call log anew.
async fn keep_current(
    mut reloader: Reloader,
    mut watch: Option<Watch>,
    record: Arc<record::Record>,
    mut asked: mpsc::Receiver<oneshot::Sender<Outcome>>,
    stop: CancellationToken,
) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => drop(watch.changed().await),
                None => std::future::pending().await,
            }
        };
        let (reopen, answer) = tokio::select! {
            () = stop.cancelled() => return,
            () = changed => (false, None),
            Some(()) = hangup.recv() => (true, None),
            Some(answer) = asked.recv() => (true, Some(answer)),
            else => return,
        };
        if reopen && let Err(error) = record.reopen() {
            tracing::warn!("the call log stays as it is: {error}");
        }
        let outcome = reload_unharmed(&mut reloader, watch.as_mut()).await;
        if let Some(answer) = answer {
            // Whoever asked may have gone away.
            let _ = answer.send(outcome);
        }
    }
}

/// Reloads; where that panics nothing has changed, and the next change is tried like any other.
async fn reload_unharmed(reloader: &mut Reloader, watch: Option<&mut Watch>) -> Outcome {
    let version = reloader.version();
    let mut reloading = pin!(reloader.reload(watch));
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| reloading.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let why = "error: the reload ended in a panic, which the gateway's log tells\n";
            Poll::Ready(Outcome::refused(version, why.to_owned()))
        })
    })
    .await
}

/// Tells on SIGTERM or Ctrl-C; a second one ends the process.
pub(crate) async fn until_told(stop: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; calls in flight may finish");
    stop.cancel();
    // Asked twice is meant.
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    logging::flush();
    std::process::exit(1);
}
