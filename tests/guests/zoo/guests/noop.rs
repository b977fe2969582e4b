//! Proceeds, in both hooks: what a hook run costs when the guest does nothing.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "validation"
//! events = ["*"]
//! [hooks.post-call]
//! type = "validation"
//! events = ["*"]
//! ```

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision,
    bump_arena, export, without_system,
};

struct Noop;

impl Interceptor for Noop {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        Ok(PreDecision::Proceed)
    }

    fn post_call(&self, _: &Context, _: &Document) -> Result<PostDecision, Error> {
        Ok(PostDecision::Proceed)
    }
}

export!(Noop);
bump_arena!();
without_system!();
