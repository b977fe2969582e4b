//! Returns what is no JSON, or JSON that two readers may read in two ways: whichever text it is asked for.

use sandgate_sdk::{Error, PreDecision, finding, refuse};

sandgate_zoo::misbehaves!(|_, params| {
    let text = match params.get("/misbehave").as_deref() {
        Some(r#""broken""#) => r#"{"arguments": "#.into(),
        Some(r#""duplicate-keys""#) => r#"{"name": "read", "name": "delete"}"#.into(),
        Some(r#""lone-surrogate""#) => r#"{"name": "\ud800"}"#.into(),
        Some(r#""deep""#) => "[".repeat(100_000),
        Some(r#""two-documents""#) => "{} {}".into(),
        Some(r#""details""#) => {
            let mut refusal = refuse("nonsense", "with details that are none");
            refusal.details = Some("{nonsense".into());
            return Ok(refusal.into());
        }
        Some(r#""finding""#) => {
            finding("nonsense", "with details that are none")
                .details("{nonsense")
                .report();
            String::new()
        }
        Some(r#""answer""#) => return Ok(PreDecision::Answer("nonsense".into())),
        other => return Err(Error::new(format!("no such nonsense: {other:?}"))),
    };
    Ok(PreDecision::Replace(text))
});
