//! Marks that models take for structure: tags, tokens of chat formats, headings of roles, comments.

use super::{Sign, Signs};

/// Names of tags and of roles that speak with authority.
const AUTHORITIES: [&str; 28] = [
    "important",
    "system",
    "instruction",
    "instructions",
    "secret",
    "hidden",
    "critical",
    "override",
    "admin",
    "assistant",
    "user",
    "developer",
    "prompt",
    "directive",
    "command",
    "urgent",
    "required",
    "mandatory",
    "sys",
    "policy",
    "priority",
    "reminder",
    "llm",
    "ai",
    "agent",
    "human",
    "internal",
    "guidelines",
];

/// Tokens of chat formats.
const TOKENS: [&str; 8] = [
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "### Instruction",
    "### System",
];

/// How far behind its beginning a mark is read, in bytes: a bound against many that are not closed.
const FARTHEST: usize = 4096;

/// The text from `at`, as far as a mark is read.
fn near(text: &str, at: usize) -> &str {
    &text[at..text.floor_char_boundary(at + FARTHEST)]
}

/// Adds the signs of marks in the whole text.
pub(super) fn apply(text: &str, signs: &mut Signs) {
    let bytes = text.as_bytes();
    let mut line_starts = true;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'<' | b'[' | b'#' | b'{' => mark(text, at, signs),
            letter if line_starts && letter.is_ascii_uppercase() => role(text, at, signs),
            _ => {}
        }
        // A role may also begin after a sentence.
        line_starts = match bytes[at] {
            b'\n' | b'.' | b'>' | b'-' | b']' => true,
            b' ' | b'\t' => line_starts,
            _ => false,
        };
        at += 1;
    }
}

fn mark(text: &str, at: usize, signs: &mut Signs) {
    let rest = near(text, at);
    let is_chatml = rest
        .strip_prefix("<|")
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    if is_chatml || TOKENS.iter().any(|token| rest.starts_with(token)) {
        signs.add(Sign::Role, 1.0);
        return;
    }
    if rest.starts_with("### Assistant") {
        signs.add(Sign::Role, 0.6);
        return;
    }
    // A link definition of Markdown is a comment in disguise.
    if let Some(comment) = rest
        .strip_prefix("[//]:")
        .or_else(|| rest.strip_prefix("[comment]:"))
    {
        if comment.split_whitespace().nth(3).is_some() {
            signs.add(Sign::Role, 0.9);
        }
        return;
    }
    if let Some(comment) = rest.strip_prefix("<!--") {
        let inside = comment.split("-->").next().unwrap_or_default();
        let weight = if inside.split_whitespace().nth(2).is_some() {
            1.0
        } else {
            0.3
        };
        signs.add(Sign::Role, weight);
        return;
    }
    // A block of a template: `{{#system}}`.
    if let Some(block) = rest
        .strip_prefix("{{#")
        .or_else(|| rest.strip_prefix("{{~#"))
    {
        let name = block.split(['}', ' ']).next().unwrap_or_default();
        if has_authority(name) {
            signs.add(Sign::Role, 0.7);
        }
        return;
    }
    if rest.starts_with('[') {
        bracket(rest, signs);
        return;
    }
    let Some(inside) = rest.strip_prefix('<') else {
        return;
    };
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let length = inside
        .bytes()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
        .take(40)
        .count();
    let (name, after) = inside.split_at(length);
    if name.is_empty() || !after.starts_with(['>', ' ']) {
        return;
    }
    let is_authority = has_authority(name);
    let is_loud = name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
    // The end of a tag is looked for only where it matters.
    let is_closed = (is_authority || is_loud) && is_closed(text, at, name);
    let weight = match (is_authority, is_closed) {
        (true, true) => 1.0,
        (true, false) if name.bytes().all(|c| c.is_ascii_uppercase()) && after.starts_with('>') => {
            0.4
        }
        (false, true) => 0.4,
        _ => 0.0,
    };
    signs.add(Sign::Role, weight);
}

/// Whether the tag that begins at `at` has its counterpart and at least a few words between.
fn is_closed(text: &str, at: usize, name: &str) -> bool {
    let from = at + 1 + name.len();
    let rest = match text.is_char_boundary(from) {
        true => near(text, from),
        false => return false,
    };
    let mut search = rest;
    let mut offset = 0;
    while let Some(found) = search.find("</") {
        let behind = &search[found + 2..];
        if behind.len() >= name.len()
            && behind.as_bytes()[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        {
            return rest[..offset + found].split_whitespace().nth(3).is_some();
        }
        offset += found + 2;
        search = behind;
    }
    false
}

/// `[SYSTEM DIRECTIVE]`, `[HIDDEN INSTRUCTION]: …`
fn bracket(rest: &str, signs: &mut Signs) {
    let Some((inside, _)) = rest
        .get(1..rest.len().min(60))
        .and_then(|near| near.split_once(']'))
    else {
        return;
    };
    let words = inside
        .split([' ', '_', '-', ':'])
        .filter(|word| !word.is_empty());
    let is_loud = inside.len() > 3 && !inside.bytes().any(|c| c.is_ascii_lowercase());
    let commands = |word: &str| {
        [
            "DIRECTIVE",
            "OVERRIDE",
            "INSTRUCTION",
            "INSTRUCTIONS",
            "HIDDEN",
            "COMMAND",
        ]
        .contains(&word)
    };
    let speaks = |word: &str| {
        [
            "system",
            "assistant",
            "hidden",
            "directive",
            "instruction",
            "instructions",
            "override",
            "developer",
            "admin",
            "internal",
            "ai",
            "agent",
        ]
        .iter()
        .any(|one| word.eq_ignore_ascii_case(one))
    };
    if words.clone().count() > 1 && words.clone().all(speaks) {
        signs.add(Sign::Role, 0.7);
    }
    if is_loud && words.clone().any(commands) && words.clone().count() > 1 {
        signs.add(Sign::Role, 0.9);
    } else if is_loud && words.clone().any(|word| word == "SYSTEM") {
        // May be a placeholder.
        signs.add(Sign::Role, 0.5);
    }
}

/// `SYSTEM:`, `Assistant:`, `SYSTEM OVERRIDE DIRECTIVE:` at the beginning of a line or a sentence.
fn role(text: &str, at: usize, signs: &mut Signs) {
    let rest = &text[at..];
    let length = rest
        .bytes()
        .take_while(|c| c.is_ascii_alphabetic() || matches!(c, b' ' | b'_'))
        .take(48)
        .count();
    let (head, after) = rest.split_at(length);
    if !after.starts_with(':') || after.starts_with("://") {
        return;
    }
    let words = || head.split([' ', '_']).filter(|word| !word.is_empty());
    let is_loud = !head.bytes().any(|c| c.is_ascii_lowercase());
    let speaks = |word: &str| {
        ["system", "assistant", "human", "user", "developer"]
            .iter()
            .any(|role| word.eq_ignore_ascii_case(role))
    };
    let weight = match (words().count(), is_loud) {
        (1, true) if speaks(head) => 0.9,
        (1, false) if speaks(head) => 0.4,
        (2.., true)
            if words().any(|word| {
                word == "OVERRIDE"
                    || word == "DIRECTIVE"
                    || word == "SYSTEM"
                    || word == "HIDDEN"
                    || word == "BYPASS"
            }) =>
        {
            0.7
        }
        _ => 0.0,
    };
    signs.add(Sign::Role, weight);
}

/// Whether a name has one of the words, as in `system_reminder`.
fn has_authority(name: &str) -> bool {
    name.split(['_', '-'])
        .any(|word| AUTHORITIES.iter().any(|one| word.eq_ignore_ascii_case(one)))
}
