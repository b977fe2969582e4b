//! Finds gaps: what a policy was written to see and does not, because its interceptor's scope leaves it out, or because
//! a glob can match no URI.

use std::collections::BTreeSet;

use sandgate_config::{Issue, Loaded, PluginSource, Severity, Side};
use sandgate_message::{Direction, Hook, HookPoint, Method, Target, canonical_uri, hook_points};
use sandgate_pipeline::{Globs, Mode, Step};

/// The most events that one warning names.
const MOST: usize = 6;

/// The warnings for all interceptors.
pub(super) fn gaps(loaded: &Loaded, steps: &[Step]) -> Vec<Issue> {
    let written = loaded.config.interceptors.iter();
    let mut issues = Vec::new();
    for (index, (step, written)) in steps.iter().zip(written).enumerate() {
        let warning = |key: &str, side, why: String| Issue {
            severity: Severity::Warning,
            ..loaded.error(&format!("/interceptors/{index}{key}"), side, why)
        };
        for (n, glob) in step.place().scope.targets.iter().enumerate() {
            if let Some(canonical) = respelt(glob) {
                let why =
                    format!("{glob:?} matches no URI: they are compared in their canonical form");
                let issue = warning(&format!("/targets/{n}"), Side::Value, why);
                issues.push(issue.help(format!("write {canonical:?}")));
            }
        }
        if !matches!(written.plugin, PluginSource::Builtin(_)) || step.place().mode == Mode::Audit {
            continue;
        }
        let uncovered = uncovered(step, steps);
        let Some(key) = narrowed(step).filter(|_| !uncovered.is_empty()) else {
            continue;
        };
        let named: Vec<&str> = uncovered.iter().copied().take(MOST).collect();
        let more = match uncovered.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let plugin = &step.interceptor().plugin().name;
        let why = format!(
            "no interceptor of the plugin {plugin} looks at {}{more}, for which it is made",
            named.join(", ")
        );
        // Targets are chosen on purpose, and a message without one is easily overlooked: worth a note, and not a
        // mistake.
        let severity = match key {
            "/targets" => Severity::Note,
            _ => Severity::Warning,
        };
        let issue = Issue {
            severity,
            ..warning(key, Side::Key, why)
        };
        issues.push(issue.help(
            "leave the key out, or add an interceptor of this plugin that looks at them; what it would stop passes there",
        ));
    }
    issues
}

/// The key that narrows the scope.
fn narrowed(step: &Step) -> Option<&'static str> {
    let scope = &step.place().scope;
    [
        (!scope.events.is_empty(), "/events"),
        (!scope.hooks.is_empty(), "/hooks"),
        (!scope.directions.is_empty(), "/directions"),
        (!scope.targets.is_empty(), "/targets"),
    ]
    .into_iter()
    .find_map(|(is_narrow, key)| is_narrow.then_some(key))
}

/// The events that the step's plugin asks for and that no active interceptor of that plugin looks at.
fn uncovered(step: &Step, steps: &[Step]) -> BTreeSet<&'static str> {
    let plugin = step.interceptor().plugin();
    let of_plugin = || {
        steps.iter().filter(|other| {
            other.interceptor().plugin().name == plugin.name && other.place().mode == Mode::Active
        })
    };
    let asked = |hook: Hook, method: &str| {
        plugin.hooks.iter().any(|(has, _, events)| {
            *has == hook && Globs::new(events).is_ok_and(|events| events.matches(method))
        })
    };
    hook_points()
        .filter(|meeting| asked(meeting.hook, meeting.method))
        .filter(|meeting| !of_plugin().any(|step| looks(step, meeting)))
        .map(|meeting| meeting.method)
        .collect()
}

/// Whether the step looks at such messages, of whichever server and caller. Among messages without a target, only those
/// that belong to a call in progress count as left out by `targets`.
fn looks(step: &Step, meeting: &HookPoint) -> bool {
    let scope = &step.place().scope;
    let HookPoint {
        method,
        hook,
        direction,
        ..
    } = *meeting;
    let is_admitted = step.role(hook).is_some()
        && (scope.hooks.is_empty() || scope.hooks.contains(&hook))
        && (scope.directions.is_empty() || scope.directions.contains(&direction))
        && scope.events.matches(method);
    let belongs_to_a_call = direction == Direction::ServerToClient
        && matches!(method, "notifications/message" | "notifications/progress");
    let has_target = Method::new(method).target() != Target::None;
    is_admitted && (scope.targets.is_empty() || has_target || !belongs_to_a_call)
}

/// How a glob over URIs would have to be written. `None` if it may match as it is.
fn respelt(glob: &str) -> Option<String> {
    let is_uri = glob.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if !is_uri || glob.contains(['?', '[', '{', '\\']) {
        return None;
    }
    let canonical = canonical_uri(glob)?;
    (*canonical != *glob && canonical.strip_suffix('/') != Some(glob))
        .then(|| canonical.into_owned())
}

#[cfg(test)]
mod tests {
    use super::respelt;

    #[test]
    fn a_glob_that_no_canonical_uri_matches_is_respelt() {
        for (glob, expected) in [
            ("FILE:///shut/*", Some("file:///shut/*")),
            ("file:///open/../shut/*", Some("file:///shut/*")),
            ("file:///my%20files/*", Some("file:///my files/*")),
            ("file:///shut/*", None),
            ("file://*", None),
            ("https://example.com/*", None),
            ("note://My File", None),
            ("lookup_*", None),
            ("*payroll*", None),
        ] {
            assert_eq!(respelt(glob).as_deref(), expected, "{glob}");
        }
    }
}
