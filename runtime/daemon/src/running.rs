//! A gateway from its start to its end: everything is opened, calls are served until `told` is cancelled, and the
//! configuration is reloaded when files change.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sandgate_assembly::host_setup;
use sandgate_assembly::{Assembler, Loading};
use sandgate_config::{Audit, Environment, Files, Issue, Loaded, Report, ResolvedSink, Side};
use sandgate_gateway::{Endpoint, Gateway, GatewayConfig, Registry, Stop};
use sandgate_recording::{Recording, Wanted};
use sandgate_telemetry::call_log::{
    Auditor, CallLogParts, CallLogTarget, CallLogWriter, OpenError, Payloads, Rotation,
};
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_telemetry::{logging, metrics};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, AdminListener, Handler, ReloadRequest, RunContext, SocketPath};
use crate::connections::Connections;
use crate::lookout::Lookout;
use crate::memory;
use crate::operator::{Console, Operator};
use crate::reload::{self, Reloader};
use crate::reload_report::ReloadReport;
use crate::stops::{StopKeeper, StopsFile, StopsFileError};
use crate::watch::Watch;

/// Everything that a gateway needs, before it serves.
pub struct Running {
    gateway: Arc<Gateway>,
    call_log: Arc<CallLogWriter>,
    /// What is to be proved of the call log, and where its paths begin.
    audit: (Option<Audit>, Files),
    reloader: Reloader,
    watch: Option<Watch>,
    /// The admin socket, on which operators ask.
    admin: Option<AdminListener>,
    lookout: Lookout,
    stops: Arc<StopKeeper>,
    /// The listener of the metrics page.
    scraped: Option<TcpListener>,
    /// What shows it to people with a browser.
    console: Option<Arc<dyn Console>>,
    /// How long the gateway serves on, without being ready, after it was told to stop.
    lame_duck: Option<Duration>,
}

/// Reads, prepares and opens everything. Serves nothing yet.
///
/// # Errors
///
/// Reports all errors. Nothing is left running.
pub async fn start(
    path: &Path,
    loaded: &Loaded,
    stdio: bool,
    record_to: Option<Wanted>,
) -> Result<Running, Report> {
    let environment = Environment::of_process();
    // The watch starts before anything is read, so that no change in between is missed.
    let watch = loaded
        .config
        .gateway
        .watch
        .then(|| Watch::new(reload::files(path, loaded)));
    let host = host_setup::host(loaded, &environment)?;
    let state = host.state().health();
    let connections = Arc::<Connections>::default();
    let mut assembler = Assembler::new(host).telling(connections.clone()).fetching();
    let mut assembled = assembler
        .assemble(loaded, &environment, Loading::Start)
        .await?;
    assembled.log(loaded);
    let identity = assembled.identity.take();
    let (stops_file, stops) = read_stops(path, loaded)?;
    let sinks = std::mem::take(&mut assembled.call_log_sinks);
    let secrets = std::mem::take(&mut assembled.secrets);
    let call_log = open_call_log(loaded, stdio, sinks)?;
    let scraped = metrics::bind(loaded).await?;
    // The socket is opened last: the gateway that holds it serves.
    let admin = open_admin(path, loaded, &environment)?;
    let call_log = Arc::new(match admin {
        Some(_) => call_log.remembering(),
        None => call_log,
    });
    call_log.matched_values().switch(
        loaded.config.gateway.why_values,
        std::mem::take(&mut assembled.managed),
    );
    let headers = std::mem::take(&mut assembled.otlp_headers);
    let mut lookout = Lookout::of(loaded, &headers, stdio, connections);
    let receivers = std::mem::take(&mut assembled.alerts);
    lookout.alerts.adopt(&loaded.config.alerts, receivers);
    call_log.watched_by(lookout.alerts.clone());
    let registry = Registry::new(assembler.adopt(assembled));
    lookout
        .connections
        .tell(call_log.clone(), lookout.metrics.clone());
    if let Some(wanted) = record_to {
        lookout.recording = Some(begin_recording(wanted)?);
    }
    let gateway = Gateway::observed(
        GatewayConfig {
            redactor: assembler.redactor().clone(),
            ..host_setup::gateway_config(loaded)
        },
        registry,
        call_log.clone(),
        lookout.observer(),
    );
    gateway.identify(identity);
    let stops = StopKeeper::begin(gateway.clone(), call_log.clone(), stops_file, stops).await;
    let conditions = GatewayConditions::new(
        &gateway,
        call_log.clone(),
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
    reloader.logs_calls_to(call_log.clone(), stdio);
    reloader.has_secrets(secrets);
    Ok(Running {
        gateway,
        call_log,
        audit: (loaded.config.audit.clone(), loaded.files.clone()),
        reloader,
        watch,
        admin,
        lookout,
        stops,
        scraped,
        console: None,
        lame_duck: loaded
            .config
            .gateway
            .limits
            .lame_duck
            .map(|period| period.0),
    })
}

/// The stops that were in force when the gateway last ran.
fn read_stops(path: &Path, loaded: &Loaded) -> Result<(StopsFile, Vec<Stop>), Report> {
    let file = StopsFile::of(path, loaded);
    let read = file.and_then(|file| file.read().map(|stops| (file, stops)));
    read.map_err(|error| {
        let help = match &error {
            StopsFileError::Left { .. } => "move the file there, or remove it where nothing is to be stopped any more",
            _ => "it keeps what the operator has stopped: mend it, or remove it where nothing is to be stopped any more",
        };
        let issue = Issue::error(None, format!("the stops cannot be read: {error}"));
        Report::new(None, vec![issue.help(help)])
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

/// Opens the admin socket. The default socket is a convenience: if it cannot be opened, the gateway serves all the
/// same.
fn open_admin(
    path: &Path,
    loaded: &Loaded,
    environment: &Environment,
) -> Result<Option<AdminListener>, Report> {
    let Some(place) = SocketPath::of(path, loaded.config.gateway.admin.as_ref(), environment)
    else {
        return Ok(None);
    };
    match place.open() {
        Ok(listener) => {
            tracing::info!("operators are answered on {}", place.path.display());
            Ok(Some(listener))
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

/// Opens the call log of the configuration, with the sinks to which it sends.
///
/// # Errors
///
/// The call log cannot be opened.
pub fn open_call_log(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
) -> Result<CallLogWriter, Report> {
    let auditor = open_auditor(loaded)?;
    let target = open_call_log_target(loaded, stdio, sinks, auditor.as_ref())?;
    Ok(CallLogWriter::to(target).audited(auditor))
}

/// Opens another target for a call log that exists.
pub(crate) fn open_call_log_target(
    loaded: &Loaded,
    stdio: bool,
    sinks: Vec<ResolvedSink>,
    auditor: Option<&Arc<Auditor>>,
) -> Result<CallLogTarget, Report> {
    let to = loaded.call_log_destination(stdio)?;
    let config = &loaded.config.call_log;
    let report = |place: &str, error: OpenError| {
        let help = match &error {
            OpenError::File(_) => {
                "correct the path, make its folder, or let the gateway's user write there"
            }
            OpenError::Key { .. } => "make one: sandgate audit key FILE --hash",
            OpenError::Mode { .. } => "let its owner alone read it: chmod 600",
            OpenError::Owner { .. } => "give it to the gateway's user: chown",
            OpenError::Sink { .. } => "name a file with certificates in PEM, or leave `ca` out",
            OpenError::AnotherKey(_) => {
                "where the log was handed over, name the new key as `audit.key`; where its key is lost, or somebody changed \
                 the file, begin another log: move the log's files, this one and a file anchor away together, and keep \
                 them"
            }
            _ => "give each gateway a log of its own, in a folder where it may write",
        };
        let issue = loaded.error(place, Side::Value, error);
        loaded.report(vec![issue.help(help)])
    };
    let payloads = Payloads::of(config, &loaded.files);
    let parts = CallLogParts {
        payloads: payloads.map_err(|error| report("/call-log/hash-key", error))?,
        rotation: Rotation::of(config),
        sinks,
        auditor,
    };
    let opened = CallLogTarget::open(&to, &loaded.files, parts);
    opened.map_err(|error| match error {
        OpenError::Sink { index, .. } => report(&format!("/call-log/sinks/{index}/ca"), error),
        error => report("/call-log/to", error),
    })
}

fn open_auditor(loaded: &Loaded) -> Result<Option<Arc<Auditor>>, Report> {
    let Some(audit) = &loaded.config.audit else {
        return Ok(None);
    };
    Auditor::new(audit, &loaded.files)
        .map(Some)
        .map_err(|error| {
            let (place, help) = match error {
                OpenError::Mode { .. } => ("/audit/key", "let its owner alone read it: chmod 600"),
                OpenError::Owner { .. } => ("/audit/key", "give it to the gateway's user: chown"),
                OpenError::FormerKey { .. } => (
                    "/audit/former-keys",
                    "write the line that `sandgate audit key` printed for it",
                ),
                _ => ("/audit/key", "make one: sandgate audit key FILE"),
            };
            let issue = loaded.error(place, Side::Value, error);
            loaded.report(vec![issue.help(help)])
        })
}

/// How clients connect.
pub enum Transport {
    /// Streamable HTTP.
    Http(TcpListener),
    /// One client on stdin and stdout.
    Stdio(Endpoint, Option<Arc<str>>),
}

impl Transport {
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
    /// Sets the address on which clients connect. A reload that would let unauthenticated clients in there is refused.
    pub fn listens_at(&mut self, address: SocketAddr) {
        self.reloader.listens_at(address);
    }

    /// Sets what shows the gateway to people with a browser.
    pub fn show(&mut self, console: Arc<dyn Console>) {
        self.console = Some(console);
    }

    /// Serves until `told` is cancelled, and reloads whenever a file of the configuration changes. Ends every session
    /// and server before it returns.
    ///
    /// # Errors
    ///
    /// The transport failed.
    pub async fn serve(self, transport: Transport, told: CancellationToken) -> std::io::Result<()> {
        let Self {
            gateway,
            call_log,
            audit: (audit, files),
            reloader,
            watch,
            admin,
            lookout,
            stops,
            scraped,
            console,
            lame_duck,
        } = self;
        // Ends after the last record is written.
        let written = CancellationToken::new();
        let attesting = tokio::spawn(call_log.clone().attest(audit, files, written.clone()));
        // Ends after the last record of the chain is written.
        let attested = CancellationToken::new();
        let sending = tokio::spawn(call_log.clone().send(attested.clone()));
        tokio::spawn(call_log.clone().keep_bounds(written.clone()));
        let mut shows = None;
        let stop = match (&transport, lame_duck) {
            (Transport::Http(_), Some(period)) => after(told, period, &gateway),
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
        tokio::spawn(memory::give_back());
        tokio::spawn(lookout.alerts.clone().watch(
            Arc::downgrade(&gateway),
            call_log.clone(),
            stop.clone(),
        ));
        let (ask, asked) = mpsc::channel(admin::AT_A_TIME);
        let context = RunContext {
            config_file: reloader.path().to_owned(),
            listeners: vec![transport.name()],
            history: reloader.history(),
            reload: ask,
            stops: stops.clone(),
        };
        tokio::spawn(stops.run(stop.clone()));
        if let Some(admin) = admin {
            let handler = Handler::new(gateway.clone(), call_log.clone(), context)
                .alerting(lookout.alerts.clone())
                .recording(lookout.recording.clone())
                .conditions(lookout.conditions.clone())
                .console(console.clone());
            let handler = Arc::new(handler);
            if let Some(console) = console {
                let shown = console.serve(Operator(handler.clone()), stop.clone());
                shows = Some(tokio::spawn(shown));
            }
            tokio::spawn(admin::serve(admin, handler, stop.clone()));
        } else if console.is_some() {
            tracing::warn!(
                "there is no console: its links are asked for at the admin socket, which could not be opened"
            );
        }
        let keeper = tokio::spawn(keep_current(reloader, watch, call_log, asked, stop.clone()));
        let served = match transport {
            // Both futures are large, and only one of them runs.
            Transport::Http(listener) => Box::pin(gateway.serve(listener, stop.clone())).await,
            Transport::Stdio(endpoint, client) => {
                let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
                let told = stop.clone();
                Box::pin(gateway.serve_stdio_as(client, input, output, endpoint, told)).await
            }
        };
        stop.cancel();
        keeper.abort();
        gateway.close().await;
        // The keeper owns the host, which writes the last of the state when it is dropped. That comes after the calls,
        // since calls write the state.
        let _ = keeper.await;
        if let Some(shows) = shows {
            // It records whose sessions end with the gateway.
            let _ = tokio::time::timeout(Duration::from_secs(1), shows).await;
        }
        lookout.finish().await;
        written.cancel();
        let _ = attesting.await;
        attested.cancel();
        let _ = sending.await;
        served
    }
}

/// Returns a token that is cancelled `period` after `told`. In between the gateway serves, and says that it is not
/// ready.
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

/// Reloads when a file changes, when a secret is to be fetched anew, and when SIGHUP or an operator asks for it, which also reopens the call log.
async fn keep_current(
    mut reloader: Reloader,
    mut watch: Option<Watch>,
    call_log: Arc<CallLogWriter>,
    mut asked: mpsc::Receiver<ReloadRequest>,
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
        let due = reloader.fetches_at();
        let expired = async {
            match due {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let (cause, answer) = tokio::select! {
            () = stop.cancelled() => return,
            () = changed => ("file", None),
            () = expired => ("secrets", None),
            Some(()) = hangup.recv() => ("signal", None),
            Some(request) = asked.recv() => ("admin", Some(request)),
            else => return,
        };
        let asked_for = !["file", "secrets"].contains(&cause);
        if asked_for && let Err(error) = call_log.reopen() {
            tracing::warn!("the call log stays as it is: {error}");
        }
        let outcome = reload_unharmed(&mut reloader, watch.as_mut()).await;
        if asked_for || outcome.error.is_some() || !outcome.changes.is_empty() {
            let detail = json!({
                "cause": cause, "edition": outcome.version, "error": outcome.error,
                "changes": outcome.changes,
            });
            match &answer {
                // A console's session is recorded, whatever else is.
                Some(ReloadRequest { by, .. }) if by.session.is_some() => {
                    call_log.operator_always("reload", by.sign(detail));
                }
                _ => call_log.operator("reload", detail),
            }
        }
        if let Some(request) = answer {
            // The operator's connection may be gone.
            let _ = request.answer.send(outcome);
        }
    }
}

/// Reloads. If the reload panics, nothing has changed, and the next change is tried like any other.
async fn reload_unharmed(reloader: &mut Reloader, watch: Option<&mut Watch>) -> ReloadReport {
    let version = reloader.version();
    let mut reloading = pin!(reloader.reload(watch));
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| reloading.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let why = "error: the reload ended in a panic, which the gateway's log tells\n";
            Poll::Ready(ReloadReport::refused(version, why.to_owned()))
        })
    })
    .await
}

/// Cancels `stop` on SIGTERM or Ctrl-C. A second signal ends the process.
pub async fn until_told(stop: CancellationToken) {
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
    // A second signal means to stop at once.
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    logging::flush();
    std::process::exit(1);
}
