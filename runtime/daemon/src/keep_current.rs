//! Reloads a running gateway when its files change, and when it is asked to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use sandgate_telemetry::call_log::CallLogWriter;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin::ReloadRequest;
use crate::reload::Reloader;
use crate::reload_report::ReloadReport;
use crate::watch::Watch;

/// Reloads when a file changes, when a secret is to be fetched anew, and when SIGHUP or an operator asks for it, which also reopens the call log.
pub(crate) async fn keep_current(
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
