//! Finds scripts for a browser, and directives for the web server that sends a page.

use super::Level;
use crate::reading::{Reading, clue, find, natural_words};
use crate::role::Role;

const SCRIPT: &str = "A script for a browser";
const DIRECTIVE: &str = "A directive for a web server";

/// What is wrong with the value as a part of a page.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    if reading.has(clue::ANGLE) {
        let mut at = 0;
        while let Some(next) = text[at..]
            .find('<')
            .filter(|next| at + next < reading.horizon)
        {
            let place = at + next;
            at = place + 1;
            let rest = &text[place..];
            let what = if is_directive(rest) {
                DIRECTIVE
            } else if level == Level::Fragment
                && !(role == Role::Html && (is_broken_out(text, place) || is_trial(rest)))
                && !(role == Role::Xml && rest.starts_with("<![cdata[<"))
            {
                continue;
            } else if is_script(rest, level) {
                SCRIPT
            } else {
                continue;
            };
            // Words behind it: a text about scripts.
            let behind = rest.rfind('>').map_or("", |end| &rest[end..]);
            let is_quoted = natural_words(behind) > 1 + level.words();
            if level.allows(reading, place) && !is_quoted {
                return Some(what);
            }
        }
    }
    if level == Level::Fragment {
        return None;
    }
    (is_script_url(text) || is_handler(text) || is_call(text)).then_some(SCRIPT)
}

/// `"><script…`: the value closes an attribute or an element that it did not open.
fn is_broken_out(text: &str, at: usize) -> bool {
    let before = text[..at].trim();
    before.starts_with(['"', '\'', '>']) && before.ends_with('>') && before.len() < 16
        || text[..at].trim().is_empty()
            && ["</title", "</textarea", "</script", "</style"]
                .iter()
                .any(|end| text[at..].starts_with(end))
}

/// Whether a short script there does nothing but show that it runs. `alert('Saved')` is said to a user, `alert(1)` is not.
fn is_trial(rest: &str) -> bool {
    const SHOWN: [&str; 16] = [
        "(1",
        "`1",
        "(0",
        "(/",
        "()",
        "(document.",
        "(window.",
        "('xss",
        "(\"xss",
        "(123",
        "(string.fromcharcode",
        "(origin",
        "(location",
        "(self",
        "(this",
        "&lpar;1",
    ];
    let is_short = rest.len() < 400;
    let shows = ["alert", "confirm", "prompt"].iter().any(|call| {
        rest.match_indices(call).any(|(at, _)| {
            let given = &rest[at + call.len()..];
            SHOWN.iter().any(|shown| given.starts_with(shown))
        })
    });
    let name = rest[1..]
        .find(|it: char| !it.is_ascii_alphanumeric())
        .map_or("", |end| &rest[1 + end..]);
    let is_slashed = name.starts_with("/on") && has_handler(name);
    is_short && (shows && is_script(rest, Level::Plain) || is_slashed)
}

fn is_directive(rest: &str) -> bool {
    let Some(directive) = rest.strip_prefix("<!--") else {
        return rest.starts_with("<esi:");
    };
    let Some(directive) = directive.trim_start().strip_prefix('#') else {
        return false;
    };
    let directive = directive.trim_start();
    let names = [
        "exec", "include", "echo", "printenv", "config", "fsize", "flastmod", "set", "if",
    ];

    names.iter().any(|name| {
        directive
            .strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(|it: char| it.is_ascii_alphanumeric()))
    })
}

/// Whether an element begins there that runs a script or loads something that may.
fn is_script(rest: &str, level: Level) -> bool {
    let inner = rest[1..].trim_start_matches([
        '/', '\0', ' ', '\t', '\n', '\r', '%', '<', '\u{b}', '\u{c}', '\u{fffd}', '?', '!', '-',
    ]);
    if inner.len() == rest.len() - 1
        && !inner.starts_with(|it: char| it.is_ascii_alphabetic())
        && !rest.starts_with("<![cdata[")
    {
        return false;
    }
    let end = inner
        .find(|it: char| !(it.is_ascii_alphanumeric() || it == ':' || it == '-'))
        .unwrap_or(inner.len());
    let (name, behind) = inner.split_at(end);
    let is_prose = natural_words(behind) > 6 && level == Level::Prose;
    let is_sure = match name {
        "script" => {
            let has_code = behind.contains(['(', '`'])
                || behind.contains("src")
                || behind.contains("href")
                || behind.contains("</script")
                || behind.contains("&#");
            has_code && !is_prose || rest.len() < 20 && !behind.contains(' ')
        }
        "iframe" | "frame" | "frameset" | "object" | "embed" | "applet" | "base" | "bgsound"
        | "isindex" | "xss" | "layer" | "ilayer" => behind.contains('=') && !is_prose,
        "meta" => {
            find(behind, "http-equiv").is_some()
                || find(behind, "refresh").is_some()
                || find(behind, "charset").is_some() && rest.contains('+')
        }
        "link" => {
            behind.contains("href")
                && (find(behind, "stylesheet").is_some() || find(behind, "import").is_some())
        }
        "style" => {
            [
                "expression(",
                "javascript:",
                "@import",
                "-moz-binding",
                "behavior:",
                "url(",
            ]
            .iter()
            .any(|it| find(behind, it).is_some())
                || behind.starts_with(['/'])
        }
        "xml" => behind.starts_with(' ') && behind.contains("src="),
        "import" if rest.starts_with("<?") => true,
        _ => false,
    };
    if is_sure {
        return true;
    }
    if rest.starts_with("<![cdata[") {
        return find(rest, "script").is_some() && rest.contains('(');
    }
    if name.is_empty() {
        return false;
    }
    has_handler(behind)
        || [
            "javascript:",
            "vbscript:",
            "livescript:",
            "data:text/html",
            "srcdoc=",
            "expression(",
            "xlink:href=\"data",
            "formaction=",
            "&#x6a",
            "&#106",
            "&#0000106",
            "-moz-binding",
            "behavior:url",
        ]
        .iter()
        .any(|it| find(behind, it).is_some())
        || has_hidden_scheme(behind)
}

/// `javascript:` with blanks, entities or comments within it.
fn has_hidden_scheme(text: &str) -> bool {
    let mut letters = [0; 11];
    let mut count = 0;
    let mut is_entity = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'&' => {
                // A blank or a colon by its number or name.
                let entity = &text[at + 1..];
                let end = entity
                    .find(|it: char| !(it.is_ascii_alphanumeric() || it == '#'))
                    .unwrap_or(entity.len());
                match entity[..end]
                    .trim_start_matches(['#', 'x'])
                    .trim_start_matches('0')
                {
                    "3a" | "58" | "colon" if letters[..count].ends_with(b"script") => return true,
                    _ => is_entity = true,
                }
            }
            b'\\' => {}
            b';' if is_entity => is_entity = false,
            _ if is_entity && (byte == b'#' || byte.is_ascii_alphanumeric()) => {}
            b' ' | b'\t' | b'\n' | b'\r' | 0..=8 => {}
            _ => {
                is_entity = false;
                if count == letters.len() {
                    letters.rotate_left(1);
                    count -= 1;
                }
                letters[count] = byte;
                count += 1;
                if count == letters.len() && letters == *b"javascript:" {
                    return true;
                }
            }
        }
    }
    false
}

/// An attribute that names a handler: `onload=`, behind a blank, a slash or a quote.
fn has_handler(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 4 < bytes.len() {
        if bytes[at..].starts_with(b"on")
            && (at == 0
                || !bytes[at - 1].is_ascii_alphanumeric()
                    && bytes[at - 1] != b'.'
                    && bytes[at - 1] != b'-')
        {
            let end = bytes[at + 2..]
                .iter()
                .position(|it| !it.is_ascii_alphabetic())
                .map_or(bytes.len(), |end| at + 2 + end);
            let is_name = (4..=24).contains(&(end - at));
            let rest = text
                .get(end..)
                .unwrap_or_default()
                .trim_start_matches([' ', '\t', '\n', '\r', '\0', '/', '\u{b}', '\u{c}', '%', '+']);
            if is_name
                && rest.starts_with('=')
                && !rest.starts_with("==")
                && !rest.starts_with("=>")
            {
                return true;
            }
            at = end;
        }
        at += 1;
    }
    false
}

/// A value that is the address of a script.
fn is_script_url(text: &str) -> bool {
    let start = text.trim_start_matches(|it: char| {
        it.is_whitespace() || it.is_control() || matches!(it, '"' | '\'' | '`' | '/' | '\\')
    });
    let start = start
        .strip_prefix("feed:")
        .or_else(|| start.strip_prefix("view-source:"))
        .unwrap_or(start);
    let mut letters = start
        .chars()
        .filter(|it| !it.is_whitespace() && !it.is_control() && *it != '\\');
    let is_scheme = |wanted: &str| {
        let mut letters = letters.clone();
        wanted.chars().all(|it| letters.next() == Some(it))
    };
    let is_script = is_scheme("javascript:")
        || is_scheme("vbscript:")
        || is_scheme("livescript:")
        || is_scheme("data:text/html")
        || is_scheme("javascript&colon;")
        || is_scheme("data:text/javascript");
    // A sentence may begin with the word.
    let behind = letters
        .by_ref()
        .skip(10)
        .take(400)
        .any(|it| matches!(it, '(' | '/' | '`' | '=' | ',' | '\''));
    let is_sentence = start.get(11..12) == Some(" ") && natural_words(&start[11..]) > 2;
    is_script && behind && !is_sentence
}

/// A closed attribute and a handler: `" onmouseover=alert(1) x="`.
fn is_handler(text: &str) -> bool {
    let Some(quote) = text.find(['"', '\'', '`', '>', '/']) else {
        return false;
    };
    natural_words(&text[..quote]) < 2 && has_handler(&text[quote..]) && is_called(text)
}

/// Whether the text calls what shows that a script runs, or what takes a session.
fn is_called(text: &str) -> bool {
    [
        "alert",
        "confirm",
        "prompt",
        "eval",
        "document.",
        "window.",
        "location",
        "fetch(",
        "fromcharcode",
        "console.",
        "import(",
        "settimeout",
    ]
    .iter()
    .any(|it| find(text, it).is_some())
}

/// A closed string or block of a script, and a call behind it: `';alert(1)//`, `}alert(1);{`, `-alert(1)-`.
fn is_call(text: &str) -> bool {
    let start = text.trim_start_matches(|it: char| it.is_ascii_alphanumeric());
    if text.len() - start.len() > 12 || start.is_empty() {
        return false;
    }
    let code = start.trim_start_matches([
        '\'', '"', '`', ';', '}', ')', ']', '-', '+', '/', '*', '\\', '{', '(', '>', '<', '^', '%',
        '|', '&', ',', '!', ' ',
    ]);
    let is_broken = code.len() < start.len() || text.len() == start.len();
    let calls = [
        "alert",
        "confirm",
        "prompt",
        "eval",
        "window[",
        "self[",
        "top[",
        "this[",
        "parent[",
        "frames[",
        "globalthis[",
        "function(",
        "settimeout",
        "setinterval",
        "document.cookie",
        "document.write",
        "document.location",
        "location=",
        "location.href=",
        "location.replace",
        "string.fromcharcode",
        "write(",
        "import(",
        "new function",
        "onerror=",
        "[].constructor",
    ];
    let call = calls.iter().find(|call| code.starts_with(**call));
    let Some(call) = call else {
        return false;
    };
    let behind = &code[call.len()..];
    let is_run = behind.starts_with(['(', '`', '[', '?', '.', '=', '"', '\'', ' ', '\\', '/'])
        || call.ends_with(['(', '[', '=', 'e']);
    let has_code = behind.contains(['(', '`', '=', '"', '\'', ')']);
    is_broken
        && is_run
        && has_code
        && natural_words(behind) < 5
        && (code.len() < start.len() || behind.contains([')', '`', ']']))
}
