//! Finds a policy in a wrong place: one that sends texts to a program of the operator's must get them masked.

use sandgate_config::{Issue, Loaded, PluginSource, Side};
use sandgate_pipeline::{Mode, Step};

/// The policy that asks a classifier.
const ASKS: &str = "model-bridge";
/// What has to have masked a text before.
const MASKS: [&str; 2] = ["pii-scrubber", "secret-redactor"];

/// An error for each interceptor that asks a classifier and gets texts before they are masked. Replies pass the
/// interceptors from the bottom; what clients send, and what servers say unasked, passes them from the top.
pub(super) fn misplaced(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
    let written = &loaded.config.interceptors;
    let is = |index: usize, name: &str| matches!(&written[index].plugin, PluginSource::Builtin(builtin) if builtin == name);
    // Where a step could not be made, the two lists do not fit, and something graver is wrong.
    if steps.len() != written.len() {
        return Vec::new();
    }
    let masked = |name: &str, mut range: std::ops::Range<usize>| {
        range.any(|other| is(other, name) && steps[other].place().mode == Mode::Active)
    };
    let mut issues = Vec::new();
    for index in (0..steps.len()).filter(|index| is(*index, ASKS)) {
        let (of_replies, of_requests) = judged(&written[index].settings);
        let missing = |of: bool, range: std::ops::Range<usize>| -> Vec<&str> {
            let absent = |name: &&str| of && !masked(name, range.clone());
            MASKS.into_iter().filter(absent).collect()
        };
        for (place, missing, from) in [
            (
                "below",
                missing(of_replies, index + 1..steps.len()),
                "replies pass from the bottom",
            ),
            (
                "above",
                missing(of_requests, 0..index),
                "messages and arguments pass from the top",
            ),
        ] {
            if missing.is_empty() {
                continue;
            }
            let why = format!(
                "it sends texts to a classifier, and {place} it there is no active interceptor of {}",
                missing.join(" and none of ")
            );
            let help = match of_replies && of_requests {
                true => format!(
                    "{from}; judge replies and requests by two interceptors of this plugin, each with its own `directions`, on \
                     either side of builtin:pii-scrubber and builtin:secret-redactor"
                ),
                false => format!(
                    "{from}: put the interceptors of builtin:pii-scrubber and builtin:secret-redactor {place} this one"
                ),
            };
            let issue = loaded.error(&format!("/interceptors/{index}/plugin"), Side::Value, why);
            issues.push(issue.help(help));
        }
    }
    issues
}

/// Whether it judges replies, and whether it judges requests and notifications: by its setting `directions`.
fn judged(settings: &sandgate_config::Settings) -> (bool, bool) {
    let settings = serde_json::to_value(settings).unwrap_or_default();
    let Some(directions) = settings["directions"].as_array() else {
        return (true, false);
    };
    let has = |names: [&str; 2]| {
        directions
            .iter()
            .any(|one| one.as_str().is_some_and(|one| names.contains(&one)))
    };
    (
        has(["results", "definitions"]),
        has(["messages", "arguments"]),
    )
}
