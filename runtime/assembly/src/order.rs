//! Finds a policy in a wrong place: one that sends texts to a program of the operator's must get them masked.

use sandgate_config::{Issue, Loaded, PluginSource, Side};
use sandgate_pipeline::{Mode, Step};

/// The policy that asks a classifier.
const ASKS: &str = "model-bridge";
/// What has to have masked a reply before.
const MASKS: [&str; 2] = ["pii-scrubber", "secret-redactor"];

/// An error for each interceptor that asks a classifier and is not above one that masks. Replies pass the interceptors
/// from the bottom.
pub(super) fn misplaced(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
    let written = &loaded.config.interceptors;
    let is = |index: usize, name: &str| {
        matches!(&written[index].plugin, PluginSource::Builtin(builtin) if builtin == name)
    };
    // Where a step could not be made, the two lists do not fit, and something graver is wrong.
    if steps.len() != written.len() {
        return Vec::new();
    }
    let mut issues = Vec::new();
    for index in (0..steps.len()).filter(|index| is(*index, ASKS)) {
        let masks = |name: &&str| {
            (index + 1..steps.len())
                .any(|below| is(below, name) && steps[below].place().mode == Mode::Active)
        };
        let missing: Vec<&str> = MASKS.into_iter().filter(|name| !masks(name)).collect();
        if missing.is_empty() {
            continue;
        }
        let why = format!(
            "it sends what servers say to a classifier, and below it there is no active interceptor of {}",
            missing.join(" and none of ")
        );
        let issue = loaded.error(&format!("/interceptors/{index}/plugin"), Side::Value, why);
        issues.push(issue.help(
            "move it above the interceptors of builtin:pii-scrubber and builtin:secret-redactor: replies pass from the bottom",
        ));
    }
    issues
}
