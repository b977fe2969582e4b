//! The trait that host implements and pipeline calls. Nothing else is known of one by the other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Call, Failure, Finding, Hook, Json, PostDecision, PreDecision};

/// What a hook is for. Per hook, not per plugin; the word of MCP's interceptor draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May refuse; changing something is a fault. Runs in parallel with others, on the final bytes.
    Validation,
    /// May change what passes. Runs one after another.
    Mutation,
}

/// What the pipeline needs to know of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterceptorInfo {
    /// The plugin's own name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `sha256:…` of the file's bytes.
    pub digest: String,
    /// The hooks it has, what each is for, and the events (MCP methods, globs) it asks for.
    pub hooks: Vec<(Hook, Role, Vec<String>)>,
}

/// One hook run, as the pipeline asks for it. Everything is cheap to clone: an implementation may move it into a task or
/// a sandbox.
#[derive(Clone, Debug)]
pub struct HookRequest {
    /// Who calls what.
    pub call: Arc<Call>,
    /// The params (pre-call), the result or the error object (post-call).
    pub document: Json,
    /// In a post-call: the params as they were sent, where known.
    pub sent: Option<Json>,
    /// In a post-call: the document is an error object.
    pub failed: bool,
    /// In a post-call: the note that this interceptor's pre-call left.
    pub carried: Option<Arc<[u8]>>,
    /// How long it may compute, and wait for what it asks for, together: what it waits for a place or a processor is not
    /// its own time.
    pub timeout: Duration,
    /// When it is given up in any case, whatever it waited for: [`HookRequest::wall_limit`] from when it was asked.
    pub deadline: Instant,
    /// Audit: the run leaves no mark, its state is a shadow of its own.
    pub shadow: bool,
}

impl HookRequest {
    /// How long a run with this timeout may last in all: ten times as long, and five seconds at least.
    pub fn wall_limit(timeout: Duration) -> Duration {
        timeout.saturating_mul(10).max(Duration::from_secs(5))
    }
}

/// What came of a hook run.
#[derive(Clone, Debug)]
pub struct HookResult<D> {
    /// The decision, or why there is none.
    pub decision: Result<D, Failure>,
    /// What it noticed, also where it failed later.
    pub findings: Vec<Finding>,
    /// The note it leaves for its post-call.
    pub carry: Option<Arc<[u8]>>,
    /// From being asked to having decided.
    pub took: Duration,
}

impl<D> HookResult<D> {
    /// A decision and nothing else.
    pub fn decided(decision: D) -> Self {
        Self {
            decision: Ok(decision),
            findings: Vec::new(),
            carry: None,
            took: Duration::ZERO,
        }
    }
    /// A failure and nothing else.
    pub fn failed(failure: Failure) -> Self {
        Self {
            decision: Err(failure),
            findings: Vec::new(),
            carry: None,
            took: Duration::ZERO,
        }
    }
}

/// A boxed future: one allocation a run buys a trait that pipeline and host can share.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A policy, ready to run. It enforces its own deadline and limits; the pipeline enforces order, scope and what a
/// failure means. Dropping the future abandons the run.
pub trait Interceptor: Send + Sync {
    /// What it is.
    fn plugin(&self) -> &InterceptorInfo;
    /// Judges a request or notification. Asked only where [`InterceptorInfo::hooks`] has a pre-call.
    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>>;
    /// Judges a reply. Asked only where [`InterceptorInfo::hooks`] has a post-call.
    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>>;
}
