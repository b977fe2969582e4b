//! Returns as much as it can: a document, edits, or a refusal, whichever it is asked for.

use sandgate_sdk::{Edit, Error, PreDecision, refuse};

sandgate_zoo::misbehaves!(|_, params| {
    const HUGE: usize = 8 << 20;
    match params.get("/misbehave").as_deref() {
        Some(r#""replace""#) => Ok(PreDecision::Replace(format!("\"{}\"", "x".repeat(HUGE)))),
        Some(r#""answer""#) => Ok(PreDecision::Answer(format!("\"{}\"", "x".repeat(HUGE)))),
        Some(r#""one-edit""#) => {
            let text = format!("\"{}\"", "x".repeat(HUGE));
            Ok(PreDecision::Edit(vec![Edit::Set((
                "/misbehave".into(),
                text,
            ))]))
        }
        Some(r#""many-edits""#) => {
            let edit = |n| Edit::Set((format!("/n{n}"), "1".into()));
            Ok(PreDecision::Edit((0..200_000).map(edit).collect()))
        }
        Some(r#""refusal""#) => {
            let (code, message) = ("c".repeat(HUGE / 4), "ü".repeat(HUGE / 4));
            Ok(refuse(code, message).at("/p".repeat(HUGE / 4)).into())
        }
        Some(r#""error""#) => Err(Error::new("e".repeat(HUGE))),
        other => Err(Error::new(format!("no such output: {other:?}"))),
    }
});
