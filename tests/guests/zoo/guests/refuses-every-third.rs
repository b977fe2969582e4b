//! Counts the calls of the last minute in its state and refuses every third, under a code that holds the count, a random
//! number and the time in seconds.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "validation"
//! events = ["tools/call"]
//! [asks]
//! state = "counts calls"
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, random, refuse,
    state,
};

struct RefusesEveryThird;

impl Interceptor for RefusesEveryThird {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, _: &Document) -> Result<PreDecision, Error> {
        let made = state::increment("calls", 1, Some(Duration::from_secs(60)))?;
        if made % 3 != 0 {
            return Ok(PreDecision::Proceed);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let code = format!("third.n{made}.r{}.t{now}", random::u64());
        Ok(refuse(code, "not the third").into())
    }
}

export!(RefusesEveryThird: pre_call);
