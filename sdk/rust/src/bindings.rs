//! What wit-bindgen makes of the contract. A component exports either hook or both, so each export is a world of its
//! own here; the linker unites those that a component uses.
#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
#![allow(unsafe_code, reason = "generated: the canonical ABI is raw pointers")]

pub use settings::sandgate::interceptor as contract;

/// Beside its export, everything that is imported.
pub mod settings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package sandgate:sdk;
            world settings {
                include sandgate:interceptor/imports@0.1.0;
                import sandgate:interceptor/call@0.1.0;
                import sandgate:interceptor/decision@0.1.0;
                export sandgate:interceptor/settings@0.1.0;
            }
        ",
        world: "sandgate:sdk/settings",
        pub_export_macro: true,
        export_macro_name: "export_settings",
        default_bindings_module: "sandgate_sdk::bindings::settings",
        additional_derives: [PartialEq],
        generate_unused_types: true,
        generate_all,
    });
}

pub mod pre_call {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package sandgate:sdk;
            world pre-call { export sandgate:interceptor/pre-call@0.1.0; }
        ",
        world: "sandgate:sdk/pre-call",
        pub_export_macro: true,
        export_macro_name: "export_pre_call",
        default_bindings_module: "sandgate_sdk::bindings::pre_call",
        with: {
            "sandgate:interceptor/call@0.1.0": super::contract::call,
            "sandgate:interceptor/decision@0.1.0": super::contract::decision,
        },
        generate_all,
    });
}

pub mod post_call {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package sandgate:sdk;
            world post-call { export sandgate:interceptor/post-call@0.1.0; }
        ",
        world: "sandgate:sdk/post-call",
        pub_export_macro: true,
        export_macro_name: "export_post_call",
        default_bindings_module: "sandgate_sdk::bindings::post_call",
        with: {
            "sandgate:interceptor/call@0.1.0": super::contract::call,
            "sandgate:interceptor/decision@0.1.0": super::contract::decision,
        },
        generate_all,
    });
}
