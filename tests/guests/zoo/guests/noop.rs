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

use sandgate_sdk::{Interceptor, Issues, NoSettings, bump_arena, export, without_system};

struct Noop;

impl Interceptor for Noop {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }
}

export!(Noop);
bump_arena!();
without_system!();
