//! Finds expressions that only probe or break a template engine. A template may be filled with names; it has no reason
//! to compute seven times seven, or to start a process.

use super::Level;
use crate::reading::{Reading, find};
use crate::role::Role;

const PROBE: &str = "An expression that probes a template engine";
const CODE: &str = "An expression with code for a template engine";
const LOOKUP: &str = "An expression that a logger looks up";

/// What is wrong with the value as a part of a template.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    for (at, _) in reading.near().match_indices(['{', '<', '(', '[', '#', '$']) {
        let Some((inner, is_bare)) = inner(&text[at..]) else {
            continue;
        };
        // `(7*7)` is arithmetic, `@(7*7)` is not.
        if text[at..].starts_with('(') && !text[..at].ends_with('@') {
            continue;
        }
        let what = if is_lookup(&text[at..]) {
            LOOKUP
        } else if is_probe(inner) {
            PROBE
        } else if text[at..].starts_with("{php}")
            || text[at..].starts_with("{$smarty.")
            || !is_bare
                && (reaches_out(inner) || text[at..].starts_with("<%") && inner.contains('`'))
        {
            CODE
        } else {
            continue;
        };
        if role == Role::Template || level.allows(reading, at) {
            return Some(what);
        }
    }
    None
}

/// The inside of an expression that begins the text, and whether its brackets are those of many languages.
fn inner(text: &str) -> Option<(&str, bool)> {
    const DELIMITERS: [(&str, &str, bool); 15] = [
        ("{{", "}}", false),
        ("${{", "}}", false),
        ("${", "}", false),
        ("#{", "}", false),
        ("{%", "%}", false),
        ("{#", "}", false),
        ("{php}", "{/php}", false),
        ("<%", "%>", false),
        ("<#", ">", false),
        ("[[", "]]", true),
        ("[#", "]", false),
        ("#set", "\n", false),
        ("#foreach", "\n", false),
        ("{", "}", true),
        ("(", ")", true),
    ];
    let (open, close, is_bare) = DELIMITERS
        .iter()
        .find(|(open, _, _)| text.starts_with(open))?;
    let rest = &text[open.len()..];
    let end = match *close {
        "}" if !*is_bare => closed(rest),
        close => rest.find(close).unwrap_or(rest.len()),
    };
    Some((&rest[..end], *is_bare))
}

/// Where the brace closes that was opened before.
fn closed(text: &str) -> usize {
    let mut depth = 0;
    text.bytes()
        .position(|byte| {
            depth += match byte {
                b'{' => 1,
                b'}' => -1,
                _ => 0,
            };
            depth < 0
        })
        .unwrap_or(text.len())
}

/// A lookup of a logging library, also where it is spelled by other lookups.
fn is_lookup(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("${") else {
        return false;
    };
    [
        "jndi:",
        "lower:",
        "upper:",
        "script:",
        "dns:",
        "::-",
        "url:utf",
        "env:env_name:-",
        "date:'",
    ]
    .iter()
    .any(|it| rest.starts_with(it))
        || rest.starts_with("${") && find(rest, ":-").is_some()
}

/// Arithmetic on constants: `7*7`, `'7'*7`, `1337-1`.
fn is_probe(inner: &str) -> bool {
    let inner = inner.trim_matches([
        ' ', '=', '\t', '-', '_', '~', '{', '}', '%', '@', '(', ')', '[', ']', '"', '\'',
    ]);
    let Some(at) = inner.find(['*', '+', '/', '-', '^']) else {
        return false;
    };
    if inner.len() > 40 {
        return false;
    }
    let (first, second) = (inner[..at].trim(), inner[at + 1..].trim());
    let is_constant = |text: &str| {
        let text = text.trim_matches(['\'', '"', ' ', '*']);
        let digits = text.strip_suffix(['l', 'f', 'd']).unwrap_or(text);
        !digits.is_empty()
            && digits
                .bytes()
                .all(|it| it.is_ascii_digit() || b"*+-/^ ".contains(&it))
            && digits.bytes().any(|it| it.is_ascii_digit())
    };
    // A date or a range of lines is written with a hyphen.
    let is_sum = !(inner.as_bytes()[at] == b'-' || inner.as_bytes()[at] == b'/')
        || inner.contains(' ') && inner.as_bytes()[at] == b'/';
    is_sum && is_constant(first) && is_constant(second)
}

/// What leads from a template to the program that fills it in, or to its machine.
fn reaches_out(inner: &str) -> bool {
    const NAMES: [&str; 72] = [
        "__class__",
        "__mro__",
        "__subclasses__",
        "__globals__",
        "__builtins__",
        "__import__",
        "__init__",
        "__base__",
        "__getattribute__",
        "attr(\"_",
        "attr('_",
        "\\x5f\\x5f",
        "|attr(",
        "self.module",
        "self.template",
        "self._",
        "self.attr",
        "_mmarker",
        "config.items",
        "config.from_",
        "config.__",
        "request.application",
        "request|",
        "request[",
        "get_flashed_messages",
        "url_for.",
        "lipsum",
        "cycler",
        "joiner",
        "namespace.__",
        "getruntime",
        "java.lang",
        "java.util",
        "javax.",
        "t(java",
        "t(org",
        ".getclass",
        ".class.",
        ".forname",
        ".exec(",
        "processbuilder",
        "freemarker",
        "?new(",
        "?api",
        "objectconstructor",
        "scriptengine",
        "getenv",
        "getconfig",
        "os.system",
        "os.popen",
        ".popen(",
        "popen(",
        "subprocess",
        "import os",
        "system(",
        "shell_exec",
        "passthru",
        "file.open",
        "file.read",
        "dir.entries",
        "io.popen",
        "%x(",
        "constructor.constructor",
        ".constructor(",
        "constructor(",
        "child_process",
        "mainmodule",
        "require(",
        "_self",
        "registerundefinedfilter",
        "phpinfo",
        "|filter(",
    ];
    NAMES.iter().any(|name| find(inner, name).is_some())
        || [
            "|map(",
            "|system",
            "|passthru",
            "|exec",
            "|reduce(",
            "$smarty",
            "smarty_internal",
            "getfilter(",
            "dump(app",
            "app.request",
            "/etc/passwd",
            "file_excerpt",
            "debug %",
            "sleep(",
            "@print(",
            "get_user_file(",
            "settings.secret",
        ]
        .iter()
        .any(|name| find(inner, name).is_some())
        || inner.trim() == "debug"
        || find(inner, "config.iter").is_some()
}
