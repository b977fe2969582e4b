//! Rules for interceptors that no schema can state: names, globs that match nothing, candidates.

use std::collections::HashMap;

use sandgate_text::suggest;

use super::amount::Period;
use super::grants::GuestPath;
use super::issue::Issue;
use super::pattern::Pattern;
use super::rule::wrong;
use super::scalar::{Mistake, Scalar};
use super::signed_by;
use super::tree::{Entry, Table};
use super::wording::named;

pub(crate) fn check_interceptors(
    interceptors: &[Entry],
    servers: Option<&Table>,
    issues: &mut Vec<Issue>,
) {
    let server_names: Vec<_> = servers
        .into_iter()
        .flatten()
        .map(|(key, _)| key.name.as_str())
        .collect();
    let mut names = HashMap::new();
    for (index, entry) in interceptors.iter().enumerate() {
        let Some(table) = entry.table() else { continue };
        if let Some(value) = table.get("name")
            && let Some(name) = value.text()
        {
            if !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            {
                let mistake = Mistake::new(
                    "has a character other than letters, digits, `-`, `_` and `.`",
                    "leave it out",
                );
                issues.push(wrong(
                    value.span.clone(),
                    named(&format!("/interceptors/{index}/name")),
                    mistake,
                ));
            }
            if name.ends_with(".candidate") {
                let mistake = Mistake::new(
                    "ends in `.candidate`, by which the lock calls the plugin of a candidate",
                    "give it another name",
                );
                issues.push(wrong(
                    value.span.clone(),
                    named(&format!("/interceptors/{index}/name")),
                    mistake,
                ));
            }
            if let Some(first) = names.insert(name, index) {
                let issue = Issue::error(
                    Some(value.span.clone()),
                    format!("two interceptors are called \"{name}\""),
                );
                issues.push(issue.help(format!(
                    "`interceptors[{first}]` has the name too; give one of them another"
                )));
            }
        }
        let timeout = table.get("timeout");
        if timeout
            .and_then(Entry::text)
            .and_then(|t| Period::read(t).ok())
            .is_some_and(|t| t > Period::secs(3600))
        {
            let mistake =
                Mistake::new("is too long", "write at most \"1h\": no asker waits longer");
            let span = timeout.map_or(0..0, |entry| entry.span.clone());
            issues.push(wrong(
                span,
                named(&format!("/interceptors/{index}/timeout")),
                mistake,
            ));
        }
        check_guest_paths(table, issues);
        signed_by::check_interceptor(index, table, issues);
        if let Some((key, candidate)) = table.member("candidate") {
            check_candidate(index, key.span.clone(), candidate, issues);
        }
        let globs = table.get("servers").and_then(Entry::list);
        for value in globs.into_iter().flat_map(|globs| globs.iter()) {
            let Some(glob) = value.text().and_then(|text| Pattern::read(text).ok()) else {
                continue;
            };
            let all = || server_names.iter().copied();
            if !all().any(|name| glob.matches(name)) {
                let issue = Issue::warning(
                    Some(value.span.clone()),
                    format!(
                        "{}: no server fits \"{}\"",
                        named(&format!("/interceptors/{index}/servers")),
                        glob.as_str()
                    ),
                );
                issues.push(if all().next().is_some() {
                    issue.help(
                        suggest(glob.as_str(), all()).replace("the keys are", "the servers are"),
                    )
                } else {
                    issue
                });
            }
        }
    }
}

fn check_guest_paths(table: &Table, issues: &mut Vec<Issue>) {
    let dirs = table
        .table("grants")
        .and_then(|grants| grants.table("dirs"));
    for (path, _) in dirs.into_iter().flatten() {
        if let Err(mistake) = GuestPath::read(&path.name) {
            issues.push(wrong(
                path.span.clone(),
                format!("{:?}", path.name),
                mistake,
            ));
        }
    }
}

fn check_candidate(
    index: usize,
    span: std::ops::Range<usize>,
    candidate: &Entry,
    issues: &mut Vec<Issue>,
) {
    let Some(table) = candidate.table() else {
        return;
    };
    check_guest_paths(table, issues);
    let place = named(&format!("/interceptors/{index}/candidate"));
    if table.get("plugin").is_none() && table.get("settings").is_none() {
        let issue = Issue::error(Some(span), format!("{place} names nothing to try"));
        issues.push(
            issue.help(
                "add `plugin`, `settings` or both; what is left out is the interceptor's own",
            ),
        );
    }
    if let (Some((digest, _)), None) = (table.member("digest"), table.get("plugin")) {
        let issue = Issue::error(
            Some(digest.span.clone()),
            format!("{place} has `digest`, which goes with `plugin`"),
        );
        issues
            .push(issue.help("leave it out: the interceptor's own `plugin` has its own `digest`"));
    }
}
