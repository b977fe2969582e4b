//! The bindings that wasmtime generates from `wit/`. A component may export one hook or both, so exports are looked up
//! by interface and not by world.
// The lints of generated code are the generator's. Its unsafe code loads exported functions whose types were checked.
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
