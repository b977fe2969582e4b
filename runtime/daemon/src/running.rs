//! A gateway that was started, to its end: calls are served until `told` is cancelled, and the configuration is reloaded
//! when files change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sandgate_config::{Audit, Files};
use sandgate_gateway::{Endpoint, Gateway};
use sandgate_telemetry::call_log::CallLogWriter;
use sandgate_telemetry::metrics;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, AdminListener, Handler, RunContext};
use crate::invitation::Invite;
use crate::keep_current::keep_current;
use crate::lookout::Lookout;
use crate::memory;
use crate::operator::{Console, Operator};
use crate::reload::Reloader;
use crate::stops::StopKeeper;
use crate::watch::Watch;

/// Everything that a gateway needs, before it serves.
pub struct Running {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) call_log: Arc<CallLogWriter>,
    /// What is to be proved of the call log, and where its paths begin.
    pub(crate) audit: (Option<Audit>, Files),
    pub(crate) reloader: Reloader,
    pub(crate) watch: Option<Watch>,
    /// The admin socket, on which operators ask.
    pub(crate) admin: Option<AdminListener>,
    pub(crate) lookout: Lookout,
    pub(crate) stops: Arc<StopKeeper>,
    /// The listener of the metrics page.
    pub(crate) scraped: Option<TcpListener>,
    /// What shows it to people with a browser.
    pub(crate) console: Option<Arc<dyn Console>>,
    /// How long the gateway serves on, without being ready, after it was told to stop.
    pub(crate) lame_duck: Option<Duration>,
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
                .console(console.clone().map(inviting));
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
                Box::pin(gateway.serve_stdio(client, input, output, endpoint, told)).await
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

/// What makes links into this console.
fn inviting(console: Arc<dyn Console>) -> Arc<Invite> {
    Arc::new(move |read_only, uid| console.invite(read_only, uid))
}
