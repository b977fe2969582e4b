//! Native interceptors that decide what a test says, and messages for them.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use sandgate_message::{
    BoxFuture, Call, CallId, Edit, Era, Failure, Hook, HookRequest, HookResult, Interceptor,
    InterceptorInfo, Json, Limits, Message, PostDecision, PreDecision, Refusal, Role,
};

use crate::{Admission, Admitted, Chain, FilteredReply, Mode, Step, StepConfig, StepError};

type Answering<D> = Box<dyn Fn(HookRequest) -> BoxFuture<'static, HookResult<D>> + Send + Sync>;

/// An interceptor made of two closures.
pub(crate) struct Native {
    plugin: InterceptorInfo,
    pre: Option<Answering<PreDecision>>,
    post: Option<Answering<PostDecision>>,
    place: StepConfig,
}

/// An interceptor without any hook yet.
pub(crate) fn native(name: &str) -> Native {
    let plugin = InterceptorInfo {
        name: name.into(),
        version: "0.1.0".into(),
        digest: format!("sha256:{name}"),
        hooks: Vec::new(),
    };
    Native {
        plugin,
        pre: None,
        post: None,
        place: StepConfig::default(),
    }
}

/// An interceptor that mutates params.
pub(crate) fn mutator(
    name: &str,
    decide: impl Fn(&HookRequest) -> PreDecision + Send + Sync + 'static,
) -> Native {
    native(name).pre(Role::Mutation, move |run| HookResult::decided(decide(run)))
}

/// An interceptor that validates params.
pub(crate) fn validator(
    name: &str,
    decide: impl Fn(&HookRequest) -> PreDecision + Send + Sync + 'static,
) -> Native {
    native(name).pre(Role::Validation, move |run| {
        HookResult::decided(decide(run))
    })
}

/// An interceptor that mutates replies.
pub(crate) fn reply_mutator(
    name: &str,
    decide: impl Fn(&HookRequest) -> PostDecision + Send + Sync + 'static,
) -> Native {
    native(name).post(Role::Mutation, move |run| HookResult::decided(decide(run)))
}

/// An interceptor that validates replies.
pub(crate) fn reply_validator(
    name: &str,
    decide: impl Fn(&HookRequest) -> PostDecision + Send + Sync + 'static,
) -> Native {
    native(name).post(Role::Validation, move |run| {
        HookResult::decided(decide(run))
    })
}

impl Native {
    pub(crate) fn pre(
        self,
        role: Role,
        decide: impl Fn(&HookRequest) -> HookResult<PreDecision> + Send + Sync + 'static,
    ) -> Self {
        self.pre_later(role, move |run| Box::pin(std::future::ready(decide(&run))))
    }

    pub(crate) fn pre_later(
        mut self,
        role: Role,
        decide: impl Fn(HookRequest) -> BoxFuture<'static, HookResult<PreDecision>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.plugin
            .hooks
            .push((Hook::PreCall, role, vec!["*".into()]));
        self.pre = Some(Box::new(decide));
        self
    }

    pub(crate) fn post(
        self,
        role: Role,
        decide: impl Fn(&HookRequest) -> HookResult<PostDecision> + Send + Sync + 'static,
    ) -> Self {
        self.post_later(role, move |run| Box::pin(std::future::ready(decide(&run))))
    }

    pub(crate) fn post_later(
        mut self,
        role: Role,
        decide: impl Fn(HookRequest) -> BoxFuture<'static, HookResult<PostDecision>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.plugin
            .hooks
            .push((Hook::PostCall, role, vec!["*".into()]));
        self.post = Some(Box::new(decide));
        self
    }

    /// Sets the events that the plugin asks for, at every hook that it has so far.
    pub(crate) fn asks_for(mut self, events: &[&str]) -> Self {
        for (.., asked) in &mut self.plugin.hooks {
            *asked = events.iter().map(|event| event.to_string()).collect();
        }
        self
    }

    pub(crate) fn place(mut self, place: impl FnOnce(&mut StepConfig)) -> Self {
        place(&mut self.place);
        self
    }

    pub(crate) fn audit(self) -> Self {
        self.place(|place| place.mode = Mode::Audit)
    }

    pub(crate) fn fail_open(self) -> Self {
        self.place(|place| place.fail_open = true)
    }

    pub(crate) fn try_step(mut self) -> Result<Step, StepError> {
        let place = std::mem::take(&mut self.place);
        let name = self.plugin.name.clone();
        Step::new(&name, Arc::new(self), place)
    }
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

/// A chain of version 7 with the default limits.
pub(crate) fn chain(natives: impl IntoIterator<Item = Native>) -> Arc<Chain> {
    let steps = natives
        .into_iter()
        .map(|native| native.try_step().unwrap())
        .collect();
    Chain::new(7, steps, None, Limits::default())
}

/// A `tools/call` of the tool `lookup` of the server `crm`.
pub(crate) fn call() -> Call {
    Call {
        id: CallId("call-1".into()),
        era: Era::Legacy,
        ..Call::example()
    }
}

pub(crate) fn message(text: &str) -> Message {
    Message::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap()
}

pub(crate) fn json(text: &str) -> Json {
    Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap()
}

/// A request with odd spacing, so that a rewritten one would be noticed.
pub(crate) const REQUEST: &str = r#"{ "jsonrpc":"2.0", "id":"a\u002f1","method":"tools/call","params":{"name":"lookup","arguments":{"n":1.0} } }"#;
pub(crate) const RESULT: &str =
    r#"{"id":"a\u002f1", "jsonrpc":"2.0","result":{"content":[{"type":"text","text":"hi"}]} }"#;
pub(crate) const ERROR: &str =
    r#"{"jsonrpc":"2.0","id":"a\u002f1","error":{"code":-32000,"message":"no"}}"#;

/// Takes the usual request in. Panics if anything in the chain waits.
pub(crate) fn enter(chain: &Arc<Chain>) -> Admission {
    chain
        .enter(Arc::new(call()), message(REQUEST))
        .now_or_never()
        .expect("nothing here waits")
}

pub(crate) fn onward(entry: Admission) -> Admitted {
    match entry {
        Admission::Continue(passage) => passage,
        Admission::Refused(departure) => panic!("refused: {departure:?}"),
    }
}

pub(crate) fn refused(entry: Admission) -> FilteredReply {
    match entry {
        Admission::Refused(departure) => departure,
        Admission::Continue(passage) => panic!("let in: {passage:?}"),
    }
}

/// Takes a reply out. Panics if anything in the chain waits.
pub(crate) fn leave(passage: Admitted, reply: &str) -> FilteredReply {
    passage
        .leave(message(reply))
        .now_or_never()
        .expect("nothing here waits")
}

pub(crate) fn text(message: &Message) -> String {
    String::from_utf8(message.bytes().to_vec()).unwrap()
}

pub(crate) fn read(message: &Message) -> serde_json::Value {
    serde_json::from_slice(&message.bytes()).unwrap()
}

pub(crate) fn set(pointer: &str, value: &str) -> Vec<Edit> {
    vec![Edit::Set(pointer.into(), value.into())]
}

pub(crate) fn refusal(code: &str) -> Refusal {
    Refusal {
        code: code.into(),
        message: format!("because of {code}."),
        pointer: None,
        details: None,
        explanation: None,
    }
}

pub(crate) fn failure() -> Failure {
    Failure::Trap {
        reason: "unreachable".into(),
        frames: vec!["lib.rs:1 in look".into()],
        detail: "CANARY".into(),
    }
}

/// What interceptors saw, in the order in which they looked.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
