//! Adds a member to an object that is not there.

use sandgate_sdk::{Edit, PreDecision};

sandgate_zoo::misbehaves!(|_, _| {
    Ok(PreDecision::Edit(vec![Edit::Set((
        "/no/where".into(),
        "1".into(),
    ))]))
});
