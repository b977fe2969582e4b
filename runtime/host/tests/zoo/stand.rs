//! Where guests are tried: a host, a prepared plugin, a run.
// Each test binary uses its part of it.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sandgate_host::{
    Cache, EngineConfig, Grants, Host, Plugin, PluginFile, PrepareError, Spec, State, StateQuota,
};
use sandgate_message::{
    Call, CallId, Failure, HookRequest, Interceptor, Json, Limits, PostDecision, PreDecision,
};
use serde_json::Value;

/// Long enough for anything that comes to an end.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A host of its own for every test, with a small pool.
pub(crate) fn host() -> Arc<Host> {
    host_with(None, State::in_memory(StateQuota::default()))
}

pub(crate) fn host_with(cache: Option<Cache>, state: State) -> Arc<Host> {
    let config = EngineConfig {
        instances: 64,
        ..EngineConfig::default()
    };
    Host::new(config, cache, None, state).unwrap()
}

/// A guest as an operator would first write it down: nothing set, nothing granted.
pub(crate) fn spec(guest: &str) -> Spec {
    let guest = sandgate_guests::find(guest).unwrap_or_else(|| panic!("no guest {guest}"));
    spec_of(guest.bytes)
}

pub(crate) fn spec_of(bytes: &'static [u8]) -> Spec {
    let file = PluginFile::read(Bytes::from_static(bytes)).unwrap();
    Spec {
        interceptor: "tried".into(),
        file: Arc::new(file),
        settings: serde_json::json!({}),
        settings_private: false,
        grants: Grants::default(),
        memory: None,
        concurrency: None,
        document: Limits::default(),
        fault_detail: false,
    }
}

/// Ready, on a host of its own.
pub(crate) async fn plugin(guest: &str) -> Plugin {
    prepare(spec(guest)).await.unwrap()
}

pub(crate) async fn prepare(spec: Spec) -> Result<Plugin, PrepareError> {
    host().prepare(spec).await
}

/// A `tools/call` with these params, by nobody in particular, with all the time it wants.
pub(crate) fn run(params: Value) -> HookRequest {
    within(LONG, params)
}

/// The same with a timeout.
pub(crate) fn within(timeout: Duration, params: Value) -> HookRequest {
    HookRequest {
        call: Arc::new(Call {
            id: CallId("call-1".into()),
            ..Call::example()
        }),
        document: Json::of(&params).unwrap(),
        sent: None,
        failed: false,
        carried: None,
        timeout,
        deadline: Instant::now() + HookRequest::wall_limit(timeout),
        shadow: false,
    }
}

/// The same run by a caller of that name.
pub(crate) fn by(principal: &str, mut run: HookRequest) -> HookRequest {
    let call = Arc::make_mut(&mut run.call);
    call.principal = Some(principal.into());
    call.account = sandgate_message::Account::Client(principal.into());
    run
}

pub(crate) async fn pre(plugin: &Plugin, params: Value) -> Result<PreDecision, Failure> {
    plugin.pre_call(run(params)).await.decision
}

pub(crate) async fn post(plugin: &Plugin, reply: Value) -> Result<PostDecision, Failure> {
    plugin.post_call(run(reply)).await.decision
}

/// What a guest that answers says to these params.
pub(crate) async fn answer(plugin: &Plugin, params: Value) -> Value {
    answered(plugin.pre_call(run(params)).await.decision)
}

pub(crate) fn answered(decision: Result<PreDecision, Failure>) -> Value {
    match decision.unwrap() {
        PreDecision::Answer(json) => json.to().unwrap(),
        other => panic!("no answer: {other:?}"),
    }
}

/// How the guest ends when it misbehaves; afterwards the next caller must not notice.
pub(crate) async fn failure(plugin: &Plugin, run: HookRequest) -> Failure {
    let failure = plugin.pre_call(run).await.decision.unwrap_err();
    works(plugin).await;
    failure
}

/// The next run, anyone's, gets a pristine instance.
pub(crate) async fn works(plugin: &Plugin) {
    let next = by("somebody else", run(serde_json::json!({})));
    let decision = plugin.pre_call(next).await.decision;
    assert_eq!(decision.unwrap(), PreDecision::Proceed);
}

/// What is logged while it lives, on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<parking_lot::Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Lines of plugins, without wasmtime's own.
    pub(crate) fn text(&self) -> String {
        let all = String::from_utf8(self.0.lock().clone()).unwrap();
        all.lines()
            .filter(|line| line.contains("sandgate"))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// All of it.
    pub(crate) fn everything(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
