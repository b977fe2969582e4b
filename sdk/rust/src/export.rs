//! From the generated exports to [`crate::Interceptor`].

use std::marker::PhantomData;
use std::sync::OnceLock;

use crate::bindings::contract::call;
use crate::bindings::post_call::exports::sandgate::interceptor::post_call;
use crate::bindings::pre_call::exports::sandgate::interceptor::pre_call;
use crate::bindings::settings::exports::sandgate::interceptor::settings;
use crate::context::{Context, Exchange};
use crate::decision::{PostDecision, PreDecision};
use crate::document::{Document, Source};
use crate::fault::{Fault, tell_of_panics};
use crate::interceptor::{Error, Interceptor, Issue};

/// Makes a component of an [`Interceptor`](crate::Interceptor): `export!(Policy)` exports both hooks,
/// `export!(Policy: pre_call)` and `export!(Policy: post_call)` one. Once a crate, at its top level.
///
/// Natively nothing is exported; only the trait is checked.
#[macro_export]
macro_rules! export {
    ($policy:ty) => { $crate::__export!($policy, pre_call export_pre_call, post_call export_post_call); };
    ($policy:ty: pre_call) => { $crate::__export!($policy, pre_call export_pre_call); };
    ($policy:ty: post_call) => { $crate::__export!($policy, post_call export_post_call); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($policy:ty, $($hook:ident $export:ident),*) => {
        const _: fn() = || {
            fn is_an_interceptor<T: $crate::Interceptor>() {}
            is_an_interceptor::<$policy>();
        };

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "generated: the exports of a component are raw functions")]
        const _: () = {
            struct Here;

            impl $crate::export::Configured for Here {
                type Policy = $policy;
                fn place() -> &'static ::std::sync::OnceLock<$policy> {
                    static PLACE: ::std::sync::OnceLock<$policy> = ::std::sync::OnceLock::new();
                    &PLACE
                }
            }

            type Component = $crate::export::Component<Here>;
            const _: () = { $crate::bindings::settings::export_settings!(Component with_types_in $crate::bindings::settings); };
            $(const _: () = { $crate::bindings::$hook::$export!(Component with_types_in $crate::bindings::$hook); };)*
        };
    };
}

/// Where the configured policy is kept: a static, so that the snapshot taken after `configure` preserves it.
pub trait Configured: 'static {
    /// What is kept.
    type Policy: Interceptor;
    /// Where.
    fn place() -> &'static OnceLock<Self::Policy>;
}

/// The component's exports.
pub struct Component<C>(PhantomData<C>);

fn configure<C: Configured>(settings: &str) -> Result<(), Vec<Issue>> {
    let settings = serde_json::from_str(settings).map_err(|error| {
        vec![Issue {
            pointer: String::new(),
            message: error.to_string(),
        }]
    })?;
    let policy = C::Policy::configure(settings).map_err(|issues| issues.into_vec())?;
    C::place().set(policy).map_err(|_| {
        vec![Issue {
            pointer: String::new(),
            message: "configured twice".into(),
        }]
    })
}

fn policy<C: Configured>() -> Result<&'static C::Policy, Error> {
    C::place()
        .get()
        .ok_or_else(|| Error::new("a hook was called before `configure`"))
}

impl<C: Configured> settings::Guest for Component<C> {
    fn configure(settings: String) -> Result<(), Vec<settings::Issue>> {
        tell_of_panics();
        let configured = configure::<C>(&settings);
        forget_the_environment();
        configured.map_err(|issues| {
            let issue = |Issue { pointer, message }| settings::Issue { pointer, message };
            issues.into_iter().map(issue).collect()
        })
    }
}

/// The C library reads the environment once and keeps it. There is none in `configure`, and whatever asked for it there
/// must not hide from the hooks the one that they are given.
#[allow(
    unsafe_code,
    reason = "the C library's own call, made for snapshots; nothing borrows from its environment here"
)]
fn forget_the_environment() {
    #[cfg(target_family = "wasm")]
    {
        unsafe extern "C" {
            fn __wasilibc_deinitialize_environ();
        }
        unsafe { __wasilibc_deinitialize_environ() }
    }
}

impl<C: Configured> pre_call::Guest for Component<C> {
    fn handle(context: &call::Context, params: &call::Document) -> Result<PreDecision, Fault> {
        policy::<C>()?
            .pre_call(
                &Context(Exchange::Gateway(context)),
                &Document(Source::Borrowed(params)),
            )
            .map_err(Fault::from)
    }
}

impl<C: Configured> post_call::Guest for Component<C> {
    fn handle(context: &call::Context, reply: &call::Document) -> Result<PostDecision, Fault> {
        policy::<C>()?
            .post_call(
                &Context(Exchange::Gateway(context)),
                &Document(Source::Borrowed(reply)),
            )
            .map_err(Fault::from)
    }
}
