//! `path-escape`: arguments that lead out of where they belong.

use serde_json::json;

use crate::error::DrillError;
use crate::rehearsal::Rehearsal;
use crate::step::{Guard, Step};

const ESCAPES: [(&str, &str, &str); 3] = [
    (
        "path",
        "../../../../etc/shadow",
        "A path climbs out of its folder, to the passwords",
    ),
    (
        "path",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fshadow",
        "The same path, percent-encoded",
    ),
    (
        "url",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "A URL leads to a cloud's metadata service",
    ),
];

pub(crate) async fn steps(rehearsal: &Rehearsal) -> Result<Vec<Step>, DrillError> {
    let mut steps = Vec::new();
    for (argument, value, done) in ESCAPES {
        let seen = rehearsal.read(&json!({ argument: value })).await?;
        let harmed = rehearsal.stand_in.heard_text(seen.heard_before, value);
        let words = ["the server got it", "the server did not get it"];
        let guard = Guard::Plugin("argument-validator");
        steps.push(rehearsal.step(done, guard, &seen, harmed, words).await?);
    }
    Ok(steps)
}
