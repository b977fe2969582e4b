//! The trait that the host implements and the pipeline calls. It is all that the two know of each other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Call, Failure, Finding, Hook, Json, PostDecision, PreDecision};

/// The role of a hook. A role belongs to a hook, not to a plugin. The word is that of MCP's interceptor draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The hook may refuse; a change is a fault. Validators run in parallel, on the final bytes.
    Validation,
    /// The hook may change what passes. Mutators run one after another.
    Mutation,
}

/// What the pipeline knows of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterceptorInfo {
    /// The plugin's own name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// The digest of the plugin file's bytes, `sha256:…`.
    pub digest: String,
    /// The plugin's hooks, each with its role and the events (MCP methods, globs) it asks for.
    pub hooks: Vec<(Hook, Role, Vec<String>)>,
}

/// The input of one hook run. Everything is cheap to clone, since an implementation may move it into a task or a
/// sandbox.
#[derive(Clone, Debug)]
pub struct HookRequest {
    /// The call.
    pub call: Arc<Call>,
    /// The params (pre-call), or the result or the error object (post-call).
    pub document: Json,
    /// In a post-call: the params as they were sent, if known.
    pub sent: Option<Json>,
    /// In a post-call: whether the document is an error object.
    pub failed: bool,
    /// In a post-call: the note that this interceptor's pre-call left.
    pub carried: Option<Arc<[u8]>>,
    /// The time that the run may compute and wait for what it asks for, together. Waiting for a place or a processor
    /// does not count.
    pub timeout: Duration,
    /// When the run is abandoned in any case, whatever it waited for: [`HookRequest::wall_limit`] from when it was
    /// asked.
    pub deadline: Instant,
    /// Whether the run is in audit: it leaves no mark, and its state is a shadow of its own.
    pub shadow: bool,
}

impl HookRequest {
    /// The wall-clock limit of a run with this timeout: ten times the timeout, at least five seconds.
    pub fn wall_limit(timeout: Duration) -> Duration {
        timeout.saturating_mul(10).max(Duration::from_secs(5))
    }
}

/// The result of a hook run.
#[derive(Clone, Debug)]
pub struct HookResult<D> {
    /// The decision, or why there is none.
    pub decision: Result<D, Failure>,
    /// What the run noticed, even if it failed later.
    pub findings: Vec<Finding>,
    /// The note that the run leaves for its post-call.
    pub carry: Option<Arc<[u8]>>,
    /// The time from the question to the decision.
    pub took: Duration,
}

impl<D> HookResult<D> {
    /// A decision without findings and note.
    pub fn decided(decision: D) -> Self {
        Self {
            decision: Ok(decision),
            findings: Vec::new(),
            carry: None,
            took: Duration::ZERO,
        }
    }
    /// A failure without findings and note.
    pub fn failed(failure: Failure) -> Self {
        Self {
            decision: Err(failure),
            findings: Vec::new(),
            carry: None,
            took: Duration::ZERO,
        }
    }
}

/// A boxed future. It costs one allocation for each run, so that pipeline and host can share the trait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A policy, ready to run. An interceptor enforces its own deadline and limits; the pipeline enforces order, scope and
/// what a failure means. Dropping the future abandons the run.
pub trait Interceptor: Send + Sync {
    /// The plugin's name, version, digest and hooks.
    fn plugin(&self) -> &InterceptorInfo;
    /// Bytes of memory that the interceptor takes while it does not run. Default: 0, not known.
    fn memory(&self) -> u64 {
        0
    }
    /// Judges a request or notification. Asked only where [`InterceptorInfo::hooks`] has a pre-call.
    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>>;
    /// Judges a reply. Asked only where [`InterceptorInfo::hooks`] has a post-call.
    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>>;
}
