//! What the pipeline itself costs: a call in and its reply out, past native interceptors that do nothing.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use sandgate_message::{
    BoxFuture, Call, Hook, HookRequest, HookResult, Interceptor, InterceptorInfo, Limits, Message,
    PostDecision, PreDecision, Role,
};
use sandgate_pipeline::{Admission, Candidate, Chain, Globs, Scope, Step, StepConfig};

struct Idle(InterceptorInfo);

impl Interceptor for Idle {
    fn plugin(&self) -> &InterceptorInfo {
        &self.0
    }
    fn pre_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        Box::pin(std::future::ready(HookResult::decided(
            PreDecision::Proceed,
        )))
    }
    fn post_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        Box::pin(std::future::ready(HookResult::decided(
            PostDecision::Proceed,
        )))
    }
}

fn chain(count: usize, role: Role, servers: &[&str]) -> Arc<Chain> {
    let steps = (0..count).map(|_| step(role, servers)).collect();
    Chain::new(1, steps, None, Limits::default())
}

/// One mutator and a candidate beside it, whose queue takes everything or nothing.
fn tried(full: bool) -> (Arc<Chain>, Arc<Candidate>) {
    let candidate = Candidate::new(step(Role::Mutation, &[]), 1.0, if full { 1 } else { 1024 });
    let live = step(Role::Mutation, &[]).beside(candidate.clone());
    let chain = Chain::new(1, vec![live.unwrap()], None, Limits::default());
    (chain, candidate)
}

fn step(role: Role, servers: &[&str]) -> Step {
    let events = || vec!["tools/*".to_owned()];
    let plugin = InterceptorInfo {
        name: "idle".into(),
        version: "0.1.0".into(),
        digest: "sha256:0".into(),
        hooks: vec![
            (Hook::PreCall, role, events()),
            (Hook::PostCall, role, events()),
        ],
    };
    let scope = Scope {
        servers: Globs::new(servers).unwrap(),
        ..Scope::default()
    };
    let place = StepConfig {
        scope,
        ..StepConfig::default()
    };
    Step::new("idle", Arc::new(Idle(plugin)), place).unwrap()
}

fn calls(criterion: &mut Criterion) {
    let call = Arc::new(Call {
        principal: Some("ada".into()),
        ..Call::example()
    });
    let parse = |text: String| Message::parse(text.into_bytes(), &Limits::default()).unwrap();
    let filler = "word ".repeat(400);
    let request = parse(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup"}}"#.into(),
    );
    let reply = parse(format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":"{filler}"}}]}}}}"#
    ));

    let mut group = criterion.benchmark_group("call and reply");
    let ((taken, candidate), (dropped, _)) = (tried(false), tried(true));
    for (name, chain) in [
        ("empty chain", chain(0, Role::Mutation, &[])),
        ("5 out of scope", chain(5, Role::Mutation, &["hr", "t*"])),
        ("1 mutator", chain(1, Role::Mutation, &["crm"])),
        ("5 mutators", chain(5, Role::Mutation, &["crm"])),
        ("1 validator", chain(1, Role::Validation, &["crm"])),
        ("5 validators", chain(5, Role::Validation, &["crm"])),
        ("1 mutator, candidate offered", taken),
        ("1 mutator, candidate's queue full", dropped),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    // What waits is run where no time is taken.
                    candidate.drain().now_or_never().unwrap();
                    (call.clone(), request.clone(), reply.clone())
                },
                |(call, request, reply)| {
                    let entry = chain.enter(call, request).now_or_never().unwrap();
                    let Admission::Continue(passage) = entry else {
                        panic!("refused")
                    };
                    black_box(passage.leave(reply).now_or_never().unwrap())
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
