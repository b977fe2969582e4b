//! Interceptors made of a closure.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{
    BoxFuture, Hook, HookRequest, HookResult, Interceptor, InterceptorInfo, PostDecision,
    PreDecision, Refusal, Role,
};
use sandgate_pipeline::{Mode, Step, StepConfig};

type Decide<D> = Box<dyn Fn(HookRequest) -> BoxFuture<'static, HookResult<D>> + Send + Sync>;

struct Native {
    plugin: InterceptorInfo,
    pre: Option<Decide<PreDecision>>,
    post: Option<Decide<PostDecision>>,
}

impl Interceptor for Native {
    fn plugin(&self) -> &InterceptorInfo {
        &self.plugin
    }
    fn pre_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        self.pre.as_ref().unwrap()(run)
    }
    fn post_call(&self, run: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        self.post.as_ref().unwrap()(run)
    }
}

fn step(
    name: &str,
    hook: Hook,
    role: Role,
    events: &[&str],
    pre: Option<Decide<PreDecision>>,
    post: Option<Decide<PostDecision>>,
    mode: Mode,
) -> Step {
    let events = events.iter().map(|event| (*event).to_owned()).collect();
    let plugin = InterceptorInfo {
        name: name.into(),
        version: "1".into(),
        digest: format!("sha256:{name}"),
        hooks: vec![(hook, role, events)],
    };
    let place = StepConfig {
        timeout: Duration::from_secs(10),
        mode,
        ..StepConfig::default()
    };
    Step::new(name, Arc::new(Native { plugin, pre, post }), place).unwrap()
}

pub fn before(
    events: &[&str],
    role: Role,
    decide: impl Fn(&HookRequest) -> PreDecision + Send + Sync + 'static,
) -> Step {
    let decide: Decide<PreDecision> =
        Box::new(move |run| Box::pin(std::future::ready(HookResult::decided(decide(&run)))));
    step(
        "before",
        Hook::PreCall,
        role,
        events,
        Some(decide),
        None,
        Mode::Active,
    )
}

pub fn after(
    events: &[&str],
    role: Role,
    decide: impl Fn(&HookRequest) -> PostDecision + Send + Sync + 'static,
) -> Step {
    let decide: Decide<PostDecision> =
        Box::new(move |run| Box::pin(std::future::ready(HookResult::decided(decide(&run)))));
    step(
        "after",
        Hook::PostCall,
        role,
        events,
        None,
        Some(decide),
        Mode::Active,
    )
}

pub fn after_in_audit(
    events: &[&str],
    decide: impl Fn(&HookRequest) -> PostDecision + Send + Sync + 'static,
) -> Step {
    let decide: Decide<PostDecision> =
        Box::new(move |run| Box::pin(std::future::ready(HookResult::decided(decide(&run)))));
    step(
        "audit",
        Hook::PostCall,
        Role::Mutation,
        events,
        None,
        Some(decide),
        Mode::Audit,
    )
}

/// One that takes its time.
pub fn before_later<F>(
    events: &[&str],
    decide: impl Fn(HookRequest) -> F + Send + Sync + 'static,
) -> Step
where
    F: Future<Output = PreDecision> + Send + 'static,
{
    let decide = Arc::new(decide);
    let decide: Decide<PreDecision> = Box::new(move |run| {
        let decision = decide(run);
        Box::pin(async move { HookResult::decided(decision.await) })
    });
    step(
        "later",
        Hook::PreCall,
        Role::Validation,
        events,
        Some(decide),
        None,
        Mode::Active,
    )
}

pub fn refusal(code: &str) -> Refusal {
    Refusal {
        code: code.into(),
        message: "not here".into(),
        pointer: None,
        details: None,
        explanation: None,
    }
}
