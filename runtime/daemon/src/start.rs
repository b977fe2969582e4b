//! Starts a gateway: everything is read, prepared and opened, and nothing is served yet.

use std::path::Path;
use std::sync::Arc;

use sandgate_assembly::{Assembler, Loading, host_setup};
use sandgate_config::{Environment, Issue, Loaded, Report, Side};
use sandgate_gateway::{Gateway, GatewayConfig, Registry, Stop};
use sandgate_recording::{Recording, Wanted};
use sandgate_telemetry::conditions::GatewayConditions;
use sandgate_telemetry::metrics;

use crate::admin::{AdminListener, SocketPath};
use crate::call_log::open_call_log;
use crate::connections::Connections;
use crate::lookout::Lookout;
use crate::reload::{self, Reloader};
use crate::running::Running;
use crate::stops::{StopKeeper, StopsFile, StopsFileError};
use crate::watch::Watch;

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
