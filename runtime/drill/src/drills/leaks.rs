//! Values that should not pass: keys in both directions, personal data in replies.

use serde_json::json;

use crate::error::DrillError;
use crate::planted::{aws_key, card, email, github_token, iban, shown};
use crate::rehearsal::Rehearsal;
use crate::step::{Guard, Step};

const SECRETS: Guard = Guard::Plugin("secret-redactor");
const PERSONAL: Guard = Guard::Plugin("pii-scrubber");

/// `secret-leak`.
pub(crate) async fn secrets(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let mut steps = Vec::new();
    for (what, value) in [
        ("a key of AWS", aws_key()),
        ("a token of GitHub", github_token()),
    ] {
        let text = format!("The deployment uses {value} until Friday.");
        steps.push(reply(rehearsal, SECRETS, what, &value, &text).await?);
    }
    let value = github_token();
    let body = format!("Use {value} to look at it.");
    let seen = rehearsal.send("team@example.com", &body).await?;
    let harmed = rehearsal.stand_in.heard_text(seen.heard_before, &value);
    let done = format!("A call sends a token of GitHub on, {}", shown(&value));
    let words = ["the server got it", "the server did not get it"];
    steps.push(rehearsal.step(done, SECRETS, &seen, harmed, words).await?);
    Ok(steps)
}

/// `personal-data`.
pub(crate) async fn personal_data(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let mut steps = Vec::new();
    for (what, value, before) in [
        ("an e-mail address", email(), "The customer's address is "),
        ("a card's number", card(), "Paid with the credit card "),
        ("an IBAN", iban(), "Refund to the account "),
    ] {
        let text = format!("{before}{value}.");
        steps.push(reply(rehearsal, PERSONAL, what, &value, &text).await?);
    }
    Ok(steps)
}

/// A reply that carries a value.
async fn reply(
    rehearsal: &Rehearsal,
    guard: Guard,
    what: &str,
    value: &str,
    text: &str,
) -> Result<Step, DrillError> {
    rehearsal.stand_in.replies(text);
    let seen = rehearsal.read(&json!({ "id": "7" })).await?;
    let harmed = seen.answer.text.contains(value);
    let done = format!("A tool's reply carries {what}, {}", shown(value));
    let words = ["the client got it", "the client did not get it"];
    rehearsal.step(done, guard, &seen, harmed, words).await
}
