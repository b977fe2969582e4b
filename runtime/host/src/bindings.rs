//! What wasmtime generates from `wit/`: the typed border. A component may export either hook or both, so exports are
//! looked up one interface at a time rather than by world.
// Generated code: its lints are the generator's, and it loads exported functions whose types were checked.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    unsafe_code,
    clippy::all
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "interceptor",
    imports: {
        default: trappable,
    },
    exports: { default: async },
    with: {
        "sandgate:interceptor/call.document": crate::handles::DocumentHandle,
        "sandgate:interceptor/call.context": crate::handles::ContextHandle,
    },
});

pub(crate) use exports::sandgate::interceptor::{post_call, pre_call, settings};
pub(crate) use sandgate::interceptor::{call, decision, log, report, state};
