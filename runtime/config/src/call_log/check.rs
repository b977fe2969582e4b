//! Rules for `[call-log]` that no schema can state.

use crate::alert::Syslog;
use crate::amount::{Period, Size};
use crate::call_log::Destination;
use crate::issue::Issue;
use crate::rule::wrong;
use crate::scalar::{Mistake, Scalar};
use crate::server::is_loopback;
use crate::tree::{Entry, Node, Table};
use crate::url::Url;
use crate::wording::named;

/// The most sinks.
const MOST: usize = 8;
/// The least size of a file and of a queue, in bytes.
const LEAST: u64 = 64 << 10;
/// The largest queue, in bytes.
const LARGEST_QUEUE: u64 = 1 << 30;

/// Checks the rules.
pub(crate) fn check(call_log: &Table, issues: &mut Vec<Issue>) {
    check_rotation(call_log, issues);
    if let Some((found, _)) = call_log.member("hash-key") {
        let payloads = call_log.get("payloads").map(|value| &value.node);
        if !matches!(payloads, Some(Node::Truth(true))) {
            let why = "`call-log.hash-key` has no effect without `payloads = true`";
            let help = "add `payloads = true`: payloads are recorded, their values as hashes";
            issues.push(Issue::error(Some(found.span.clone()), why).help(help));
        }
    }
    let sinks = call_log.get("sinks").and_then(Entry::list);
    let sinks = sinks.unwrap_or_default();
    if let Some(first) = sinks.get(MOST) {
        let why = format!("there are {} sinks, more than {MOST}", sinks.len());
        let help = "send to one collector that passes records on";
        issues.push(Issue::error(Some(first.span.clone()), why).help(help));
    }
    for (index, entry) in sinks.iter().enumerate() {
        if let Some(sink) = entry.table() {
            check_sink(index, entry, sink, issues);
        }
    }
}

/// Reports bounds of a log that is no file, and bounds that never come into force.
fn check_rotation(call_log: &Table, issues: &mut Vec<Issue>) {
    let destination = call_log
        .get("to")
        .and_then(Entry::text)
        .map(Destination::read);
    let is_file = matches!(destination, Some(Ok(Destination::File(_))));
    for key in ["max-size", "max-age", "max-files", "keep"] {
        if let (Some((found, _)), false) = (call_log.member(key), is_file) {
            let why = format!("`call-log.{key}` needs a call log in a file");
            let issue = Issue::error(Some(found.span.clone()), why);
            issues.push(issue.help("give `call-log.to` the path of a file, or leave this out"));
        }
    }
    let rotates = ["max-size", "max-age"]
        .iter()
        .any(|key| call_log.get(key).is_some());
    for key in ["max-files", "keep"] {
        if let (Some((found, _)), false, true) = (call_log.member(key), rotates, is_file) {
            let why = format!("`call-log.{key}` has no effect without `max-size` or `max-age`");
            let issue = Issue::error(Some(found.span.clone()), why);
            issues.push(issue.help("say when a file is moved away, for example max-age = \"1d\""));
        }
    }
    if let Some(value) = call_log.get("max-size")
        && let Some(Ok(size)) = value.text().map(Size::read)
        && size.0 < LEAST
    {
        let mistake = Mistake::new("is too small", "write at least \"64KiB\"");
        issues.push(wrong(
            value.span.clone(),
            named("/call-log/max-size"),
            mistake,
        ));
    }
    for key in ["max-age", "keep"] {
        if let Some(value) = call_log.get(key)
            && let Some(Ok(period)) = value.text().map(Period::read)
            && period < Period::secs(1)
        {
            let mistake = Mistake::new("is too short", "write at least \"1s\"");
            let place = named(&format!("/call-log/{key}"));
            issues.push(wrong(value.span.clone(), place, mistake));
        }
    }
}

fn check_sink(index: usize, entry: &Entry, sink: &Table, issues: &mut Vec<Issue>) {
    let place = |key: &str| named(&format!("/call-log/sinks/{index}/{key}"));
    let mut error = |span, why: String, help: &str| {
        issues.push(Issue::error(Some(span), why).help(help.to_owned()));
    };
    let (syslog, url) = (sink.get("syslog"), sink.get("url"));
    match (syslog, url) {
        (None, None) => error(
            entry.span.clone(),
            format!(
                "{} has neither `syslog` nor `url`",
                named(&format!("/call-log/sinks/{index}"))
            ),
            "say where records go, for example syslog = \"tls://log.example.com:6514\"",
        ),
        (Some(_), Some(url)) => error(
            url.span.clone(),
            format!("{} goes not with `syslog`", place("url")),
            "make a sink of its own of it",
        ),
        _ => {}
    }
    if let (Some((found, _)), None) = (sink.member("token"), url) {
        error(
            found.span.clone(),
            format!("{} goes with `url`", place("token")),
            "leave it out",
        );
    }
    let syslog = syslog.and_then(|value| Some((value, Syslog::read(value.text()?).ok()?)));
    if let Some((value, Syslog::Udp(_))) = &syslog {
        error(
            value.span.clone(),
            format!(
                "{} is UDP, which loses records without a word",
                place("syslog")
            ),
            "write tls://, tcp:// to this machine, or the path of a Unix datagram socket",
        );
    }
    if let Some((value, Syslog::Tcp(to))) = &syslog
        && !sandgate_address::is_loopback(&to.host)
    {
        error(
            value.span.clone(),
            format!(
                "{} is not TLS: records would be readable on their way",
                place("syslog")
            ),
            "write tls://, or an address of this machine",
        );
    }
    let read = url.and_then(|value| Some((value, Url::read(value.text()?).ok()?.0)));
    if let Some((value, url)) = &read
        && url.scheme_str() == Some("http")
        && !is_loopback(url)
    {
        error(
            value.span.clone(),
            format!(
                "{} is not https: records would be readable on their way",
                place("url")
            ),
            "write https://, or an address of this machine",
        );
    }
    let secure = matches!(syslog, Some((_, Syslog::Tls(_))))
        || read.is_some_and(|(_, url)| url.scheme_str() == Some("https"));
    if let (Some((found, _)), false) = (sink.member("ca"), secure) {
        let why = format!("{} has no effect without TLS", place("ca"));
        error(
            found.span.clone(),
            why,
            "leave it out, or write tls:// or https://",
        );
    }
    if let Some(value) = sink.get("queue")
        && let Some(Ok(size)) = value.text().map(Size::read)
        && !(LEAST..=LARGEST_QUEUE).contains(&size.0)
    {
        let mistake = Mistake::new("is out of range", "write \"64KiB\" to \"1GiB\"");
        issues.push(wrong(value.span.clone(), place("queue"), mistake));
    }
}
