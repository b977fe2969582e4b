//! Rules for `[[alerts]]` that no schema can state.

use super::{AlertKind, HashMap, LONGEST_NAME, MOST, Period, Scalar, Url, is_loopback};
use super::{signing_key, slack_url};
use crate::issue::Issue;
use crate::rule::wrong;
use crate::scalar::Mistake;
use crate::tree::{Entry, Node, Table};
use crate::wording::named;

/// The receivers that there are.
const RECEIVERS: [&str; 4] = ["webhook", "slack", "alertmanager", "syslog"];

/// Checks the rules.
pub(crate) fn check(alerts: &[Entry], issues: &mut Vec<Issue>) {
    if let Some(first) = alerts.get(MOST) {
        let why = format!("there are {} alerts, more than {MOST}", alerts.len());
        let help = "join some: one rule can have several kinds, and globs";
        issues.push(Issue::error(Some(first.span.clone()), why).help(help));
    }
    let mut names = HashMap::new();
    for (index, entry) in alerts.iter().enumerate() {
        let Some(table) = entry.table() else { continue };
        check_name(index, table, &mut names, issues);
        check_kinds(index, table, issues);
        check_times(index, table, issues);
        if let Some((key, to)) = table.member("to")
            && let Some(to) = to.table()
        {
            check_receiver(index, key.span.clone(), to, issues);
        }
    }
}

fn place(index: usize, key: &str) -> String {
    named(&format!("/alerts/{index}/{key}"))
}

fn check_name<'a>(
    index: usize,
    table: &'a Table,
    names: &mut HashMap<&'a str, usize>,
    issues: &mut Vec<Issue>,
) {
    let Some((value, name)) = table.get("name").and_then(|it| Some((it, it.text()?))) else {
        return;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mistake = match name {
        "" => Some("is empty"),
        name if name.len() > LONGEST_NAME => Some("is longer than 64 bytes"),
        name if !name.chars().all(plain) => {
            Some("has a character other than letters, digits, `-`, `_` and `.`")
        }
        _ => None,
    };
    if let Some(why) = mistake {
        let mistake = Mistake::new(why, "write a short name such as \"flow\"");
        issues.push(wrong(value.span.clone(), place(index, "name"), mistake));
    }
    if let Some(first) = names.insert(name, index) {
        let issue = Issue::error(
            Some(value.span.clone()),
            format!("two alerts are called {name:?}"),
        );
        issues.push(issue.help(format!(
            "`alerts[{first}]` has the name too; give one of them another"
        )));
    }
}

fn check_kinds(index: usize, table: &Table, issues: &mut Vec<Issue>) {
    let list = table.get("on").and_then(Entry::list).unwrap_or_default();
    let mut kinds = Vec::new();
    for value in list {
        let word = value.text().unwrap_or_default();
        let Some(kind) = AlertKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
        else {
            continue;
        };
        if kinds.contains(&kind) {
            let why = format!("{} has {word:?} twice", place(index, "on"));
            issues.push(Issue::error(Some(value.span.clone()), why).help("leave one of them out"));
        }
        kinds.push(kind);
    }
    if kinds.is_empty() {
        // An unknown word has been told before.
        if let Some(value) = table.get("on").filter(|_| list.is_empty()) {
            let why = format!("{} names nothing to look for", place(index, "on"));
            let help = "add a kind, for example \"finding\"";
            issues.push(Issue::error(Some(value.span.clone()), why).help(help));
        }
        return;
    }
    let of = |fits: fn(AlertKind) -> bool| kinds.iter().any(|kind| fits(*kind));
    let mut needless = |key: &str, why: &str, help: &str| {
        if let Some((found, _)) = table.member(key) {
            let why = format!("{}: {why}", place(index, key));
            issues.push(Issue::error(Some(found.span.clone()), why).help(help.to_owned()));
        }
    };
    if !of(AlertKind::has_code) {
        let why = "nothing that it looks for has a code";
        needless(
            "rule",
            why,
            "leave it out: findings, refusals, faults, pins and egress have codes",
        );
    }
    if !of(AlertKind::is_of_calls) {
        for key in ["tools", "clients"] {
            needless(key, "nothing that it looks for is a call", "leave it out");
        }
        if !kinds.contains(&AlertKind::Egress) {
            let why = "nothing that it looks for is of a server";
            needless("servers", why, "leave it out");
        }
    }
    if !kinds.contains(&AlertKind::Latency) {
        needless(
            "slower-than",
            "goes with `latency`",
            "leave it out, or add \"latency\" to `on`",
        );
    } else if table.get("slower-than").is_none() {
        let span = table.get("on").map(|it| it.span.clone());
        let why = format!(
            "{} has \"latency\" without `slower-than`",
            place(index, "on")
        );
        let help = "say what is slow, for example slower-than = \"2s\"";
        issues.push(Issue::error(span, why).help(help));
    }
    let counts = table
        .get("more-than")
        .is_some_and(|it| !matches!(it.node, Node::Integer(Some(0))));
    if counts && kinds.iter().all(|kind| kind.lasts()) {
        let why = format!(
            "{}: what lasts until it is mended is not counted",
            place(index, "more-than")
        );
        let span = table.member("more-than").map(|(key, _)| key.span.clone());
        issues.push(Issue::error(span, why).help("leave it out"));
    }
}

fn check_times(index: usize, table: &Table, issues: &mut Vec<Issue>) {
    for (key, least, most, help) in [
        ("within", 1, 86_400, "write \"1s\" to \"24h\""),
        ("repeat-after", 60, 7 * 86_400, "write \"1m\" to \"7d\""),
    ] {
        let period = table
            .get(key)
            .and_then(|value| Some((value, Period::read(value.text()?).ok()?)));
        if let Some((value, period)) = period
            && !(Period::secs(least)..=Period::secs(most)).contains(&period)
        {
            let mistake = Mistake::new("is out of range", help);
            issues.push(wrong(value.span.clone(), place(index, key), mistake));
        }
    }
}

fn check_receiver(index: usize, span: std::ops::Range<usize>, to: &Table, issues: &mut Vec<Issue>) {
    let found: Vec<_> = RECEIVERS
        .iter()
        .filter_map(|kind| Some((*kind, to.member(kind)?)))
        .collect();
    match found.as_slice() {
        [_] => {}
        [] => {
            let why = format!("{} names no receiver", place(index, "to"));
            let help = "add `webhook`, `slack`, `alertmanager` or `syslog`";
            issues.push(Issue::error(Some(span), why).help(help));
        }
        [(first, _), (second, (key, _)), ..] => {
            let why = format!("{} has both `{first}` and `{second}`", place(index, "to"));
            let help = "keep one: for a second receiver add another rule";
            issues.push(Issue::error(Some(key.span.clone()), why).help(help));
        }
    }
    let webhook = to.get("webhook");
    if let Some((key, secret)) = to.member("secret") {
        let url = webhook.and_then(|value| Some((value, Url::read(value.text()?).ok()?.0)));
        match url {
            None if webhook.is_none() => {
                let why = format!(
                    "{} has `secret`, which goes with `webhook`",
                    place(index, "to")
                );
                issues.push(Issue::error(Some(key.span.clone()), why).help("leave it out"));
            }
            Some((value, url)) if url.scheme_str() == Some("http") && !is_loopback(&url) => {
                let why = format!(
                    "{} is signed and goes by http to another machine: whoever is on the way reads and withholds it",
                    place(index, "to/webhook")
                );
                issues.push(Issue::error(Some(value.span.clone()), why).help("write https"));
            }
            _ => {}
        }
        if let Some(Err(mistake)) = secret.text().map(signing_key) {
            issues.push(wrong(
                secret.span.clone(),
                place(index, "to/secret"),
                mistake,
            ));
        }
    }
    if let Some(slack) = to.get("slack")
        && let Some(Err(mistake)) = slack.text().map(slack_url)
    {
        issues.push(wrong(slack.span.clone(), place(index, "to/slack"), mistake));
    }
}
