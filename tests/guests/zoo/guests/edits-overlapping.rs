//! Edits a value, and something within it.

use sandgate_sdk::{Edit, PreDecision};

sandgate_zoo::misbehaves!(|_, _| {
    Ok(PreDecision::Edit(vec![
        Edit::Set(("/misbehave".into(), "1".into())),
        Edit::Remove("/misbehave/within".into()),
    ]))
});
