//! Removes what is not there, or edits a text of which there are fewer.

use sandgate_sdk::{Edit, PreDecision};

sandgate_zoo::misbehaves!(|_, params| {
    Ok(PreDecision::Edit(vec![
        match params.get("/misbehave").as_deref() {
            Some(r#""text""#) => Edit::Text((99, "nowhere".into())),
            _ => Edit::Remove("/nowhere".into()),
        },
    ]))
});
