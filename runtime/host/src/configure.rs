//! Running `configure` of a guest: it gets the settings and accepts them or returns issues.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_message::Failure;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Linker};

use crate::bindings::settings::GuestIndices;
use crate::capabilities::Capabilities;
use crate::engine::EpochEngine;
use crate::failure::{NO_PROCESSOR, classify};
use crate::meter::{Expiry, metered};
use crate::sandbox::{Sandbox, Task, store};
use crate::schema::Issue;

/// The own time that `configure` may take when a plugin is prepared. It may compile rules there, since it runs once.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// How long `configure` may take in all: others are compiled at the same time, and it waits for a processor.
const LONGEST: Duration = TIMEOUT.saturating_mul(10);

/// Why a plugin is not configured.
#[derive(Clone, Debug)]
pub(crate) enum ConfigureError {
    /// The plugin does not accept its settings.
    Issues(Vec<Issue>),
    /// `configure` failed.
    Failed(Failure),
    /// The component cannot be linked. The text says what is missing.
    Unlinked(String),
}

/// Instantiates a component and calls its `configure`. Returns the instance, so that its memory can be read.
pub(crate) async fn run(
    epoch_engine: &EpochEngine,
    linker: &Linker<Sandbox>,
    component: &Component,
    settings: &str,
    capabilities: &Arc<Capabilities>,
) -> Result<(Store<Sandbox>, Instance), ConfigureError> {
    let pre = linker
        .instantiate_pre(component)
        .map_err(|error| ConfigureError::Unlinked(format!("{error:#}")))?;
    let indices =
        GuestIndices::new(&pre).map_err(|error| ConfigureError::Unlinked(format!("{error:#}")))?;
    let _ticking = epoch_engine.ticking();
    let mut store = store(&epoch_engine.engine, capabilities, Task::Configure);
    let run = async {
        let instance = pre.instantiate_async(&mut store).await?;
        call(&mut store, &instance, &indices, settings)
            .await
            .map(|answer| (instance, answer))
    };
    match metered((TIMEOUT, Instant::now() + LONGEST), run).await {
        Err(Expiry::Timeout) => Err(ConfigureError::Failed(Failure::deadline(TIMEOUT))),
        Err(Expiry::Overload) => Err(ConfigureError::Failed(NO_PROCESSOR)),
        Ok(Err(error)) => {
            let data = store.data_mut();
            let (stop_reason, said) = (data.stop_reason.take(), data.last_words.take());
            let stderr = data.stderr.contents();
            Err(ConfigureError::Failed(classify(
                &error,
                stop_reason,
                TIMEOUT,
                said.map(|words| *words),
                &stderr,
            )))
        }
        Ok(Ok((_, Err(issues)))) => Err(ConfigureError::Issues(issues)),
        Ok(Ok((instance, Ok(())))) => Ok((store, instance)),
    }
}

/// Calls `configure` of an instance. Returns at most 100 issues.
pub(crate) async fn call(
    store: &mut Store<Sandbox>,
    instance: &Instance,
    indices: &GuestIndices,
    settings: &str,
) -> wasmtime::Result<Result<(), Vec<Issue>>> {
    let answer = indices
        .load(&mut *store, instance)?
        .call_configure(&mut *store, settings)
        .await?;
    Ok(answer.map_err(|issues| {
        issues
            .into_iter()
            .take(100)
            .map(|i| Issue {
                pointer: i.pointer,
                message: i.message,
            })
            .collect()
    }))
}
