//! A call that no interceptor looks at costs no allocation on its way in and out.
#![allow(clippy::unwrap_used)]
// The one way to count allocations is to be the allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use futures_util::FutureExt;
use sandgate_message::{
    BoxFuture, Call, Direction, Hook, HookRequest, HookResult, Interceptor, InterceptorInfo,
    Limits, Message, PostDecision, PreDecision, Role,
};
use sandgate_pipeline::{Admission, Chain, Globs, Scope, Step, StepConfig};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Never(InterceptorInfo);

impl Interceptor for Never {
    fn plugin(&self) -> &InterceptorInfo {
        &self.0
    }
    fn pre_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PreDecision>> {
        panic!("out of scope")
    }
    fn post_call(&self, _: HookRequest) -> BoxFuture<'_, HookResult<PostDecision>> {
        panic!("out of scope")
    }
}

fn chain() -> Arc<Chain> {
    let events = || vec!["tools/*".to_owned(), "resources/read".to_owned()];
    let plugin = InterceptorInfo {
        name: "never".into(),
        version: "0.1.0".into(),
        digest: "sha256:0".into(),
        hooks: vec![
            (Hook::PreCall, Role::Mutation, events()),
            (Hook::PostCall, Role::Validation, events()),
        ],
    };
    let scopes = [
        Scope {
            servers: Globs::new(["hr", "time*", "c[a-q]m"]).unwrap(),
            ..Scope::default()
        },
        Scope {
            targets: Globs::new(["delete_*", "*_secret"]).unwrap(),
            ..Scope::default()
        },
        Scope {
            principals: Globs::new(["*"]).unwrap(),
            ..Scope::default()
        },
    ];
    let steps = scopes.map(|scope| {
        Step::new(
            "never",
            Arc::new(Never(plugin.clone())),
            StepConfig {
                scope,
                ..StepConfig::default()
            },
        )
        .unwrap()
    });
    Chain::new(1, steps.into(), None, Limits::default())
}

#[test]
fn a_call_out_of_every_scope_allocates_nothing() {
    let chain = chain();
    let call = Arc::new(Call::example());
    let parse =
        |text: &'static str| Message::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
    let request =
        || parse(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup"}}"#);
    let reply = || parse(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#);
    let mut counts = Vec::new();
    // The first time, a regular expression makes the memory it matches in.
    for _ in 0..2 {
        let (call, request, reply) = (call.clone(), request(), reply());
        let before = COUNT.with(Cell::get);
        assert!(chain.concerns(
            Hook::PreCall,
            "tools/call",
            Direction::ClientToServer,
            "crm"
        ));
        let entry = chain.enter(call, request).now_or_never().unwrap();
        let Admission::Continue(passage) = entry else {
            panic!("refused")
        };
        let departure = passage.leave(reply).now_or_never().unwrap();
        counts.push(COUNT.with(Cell::get) - before);
        assert!(departure.message.is_some());
    }
    assert_eq!(counts[1], 0);
}
