//! Panics at the first call, whatever it is.

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};

struct FailsAtOnce;

impl Interceptor for FailsAtOnce {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        panic!("not today")
    }
}

export!(FailsAtOnce: pre_call);
