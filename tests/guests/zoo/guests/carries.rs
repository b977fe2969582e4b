//! Leaves a note in its pre-call, and shows it in its post-call.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "validation"
//! events = ["*"]
//! [hooks.post-call]
//! type = "mutation"
//! events = ["*"]
//! ```

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision, export,
};

struct Carries;

impl Interceptor for Carries {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, context: &Context, params: &Document) -> Result<PreDecision, Error> {
        context.carry(params.json().as_bytes());
        Ok(PreDecision::Proceed)
    }

    fn post_call(&self, context: &Context, _: &Document) -> Result<PostDecision, Error> {
        match context.carried() {
            Some(note) => Ok(PostDecision::Replace(String::from_utf8(note)?)),
            None => Ok(PostDecision::Proceed),
        }
    }
}

export!(Carries);
