//! Says that it only looks, and changes something.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "validation"
//! events = ["tools/call"]
//! ```

use sandgate_sdk::{Edit, PreDecision};

sandgate_zoo::misbehaves!(|_, _| {
    Ok(PreDecision::Edit(vec![Edit::Set((
        "/misbehave".into(),
        "\"changed\"".into(),
    ))]))
});
