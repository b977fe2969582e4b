//! Finds values that bring a command of their own to the shell, or code to the interpreter, that is given them.

use super::Level;
use super::shell::{self, Command, Given, Kind};
use crate::reading::{Reading, clue, find, natural_words};
use crate::role::Role;

const COMMAND: &str = "A value with a command of its own";
const CODE: &str = "A value with code of its own";

/// What is wrong with a value that a tool may pass to a shell.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<&'static str> {
    // A line end in the words of a programming language ends a command too.
    let text = reading
        .text
        .trim_end_matches(['"', '\''])
        .trim_end_matches("\\n");
    let judge = Judge {
        reading,
        text,
        role,
        level,
    };
    if judge.is_unmistakable() {
        return Some(COMMAND);
    }
    if judge.is_code() {
        return Some(CODE);
    }
    if !reading.has(clue::OPERATOR | clue::ANGLE) {
        return None;
    }
    let mut before = None;
    for (at, byte) in text.bytes().take(reading.horizon).enumerate() {
        let rest = &text.as_bytes()[at..];
        let is_found = match byte {
            b'`' => {
                let closed = text[at + 1..].find('`');
                closed.is_some_and(|end| judge.substitutes(at, at + end + 2, at + 1))
            }
            b'$' if rest.starts_with(b"$(") && !rest.starts_with(b"$((") => {
                let end = closed(&text[at + 2..]).map_or(text.len(), |end| at + end + 3);
                judge.substitutes(at, end, at + 2)
            }
            b'<' | b'>' if rest.starts_with(b"<(") || rest.starts_with(b">(") => {
                let is_whole = at == 0 && text.ends_with(')');
                shell::command(&text[at + 2..]).is_some_and(|it| it.is_given() || is_whole)
                    && judge.level == Level::Plain
            }
            // Of a run of operators only the first one is judged.
            b';' | b'|' | b'&' | b'\n' | b'\r' if before.is_some_and(is_operator) => false,
            b';' | b'|' | b'&' | b'\n' | b'\r' => judge.separates(at),
            _ => false,
        };
        if is_found {
            return Some(COMMAND);
        }
        before = Some(byte);
    }
    None
}

/// Where the parenthesis closes that was opened before.
fn closed(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.bytes().position(|byte| {
        depth += match byte {
            b'(' => 1,
            b')' => -1,
            _ => 0,
        };
        depth < 0
    })
}

/// Whether the text is one that no shell would run: an address, a number, a file of data, a letter in place of a value.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim_matches([' ', '\'', '"', ')', '(']);
    let is_number = text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(' ');
    let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_data = !text.contains([' ', '/'])
        && matches!(
            ending,
            "txt"
                | "png"
                | "jpg"
                | "jpeg"
                | "gif"
                | "pdf"
                | "csv"
                | "doc"
                | "docx"
                | "html"
                | "xml"
                | "json"
                | "com"
                | "org"
                | "net"
        );
    is_number || is_data || text.len() == 1
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b';' | b'|' | b'&' | b'\n' | b'\r')
}

struct Judge<'r> {
    reading: &'r Reading<'r>,
    text: &'r str,
    role: Role,
    level: Level,
}

impl Judge<'_> {
    /// Forms that nothing else has: blanks by a variable, a function that a broken shell runs.
    fn is_unmistakable(&self) -> bool {
        let text = self.text;
        if !self
            .reading
            .has(clue::BRACE | clue::OPERATOR | clue::DASH | clue::COLON)
            && !text.contains(['?', '%', '\\'])
        {
            return false;
        }
        let at = find(text, "${ifs")
            .or_else(|| find(text, "$ifs$"))
            .or_else(|| find(text, "$ifs/"));
        if at.is_some_and(|at| self.reading.words_before(at) < 3) {
            return true;
        }
        let starts = [
            "--upload-pack=",
            "--receive-pack=",
            "-oproxycommand",
            "ext::sh",
            "%comspec%",
        ];
        if self.role != Role::Command && starts.iter().any(|start| text.starts_with(start)) {
            return true;
        }
        // `{cat,/etc/passwd}`, `/???/c?t`, and a line end in the words of a programming language.
        let is_braced = text.starts_with('{')
            && !text.contains([' ', ':', '"'])
            && shell::command(text).is_some_and(Command::is_given);
        let is_masked = find(text, "/???/").is_some() && self.reading.words_before(text.len()) < 3;
        let start = text.trim_start_matches(['"', '\'', '|', ';']);
        let behind = start
            .strip_prefix("\\r\\n")
            .or_else(|| start.strip_prefix("\\n"));
        let is_behind = behind
            .and_then(shell::command)
            .is_some_and(|it| it.is_given() || it.is_alone());
        let is_piped = self.role != Role::Prose
            && text.ends_with('|')
            && !text.starts_with('|')
            && shell::command(text).is_some_and(|it| it.kind == Kind::Rooted);
        if self.level != Level::Prose && (is_braced || is_masked || is_piped) || is_behind {
            return true;
        }
        let shock = find(text, "() {").or_else(|| find(text, "(){"));
        shock.is_some_and(|at| {
            let body = text[at..].trim_start_matches(['(', ')', '{', ' ']);
            self.reading.words_before(at) == 0
                && body.starts_with([':', '_', ';'])
                && body.contains("};")
        })
    }

    /// Whether the value is a call that runs a command, or a page of code.
    fn is_code(&self) -> bool {
        const CALLS: [&str; 19] = [
            "system",
            "exec",
            "passthru",
            "shell_exec",
            "popen",
            "proc_open",
            "pcntl_exec",
            "phpinfo",
            "eval",
            "assert",
            "__import__",
            "os.system",
            "os.popen",
            "subprocess.",
            "require",
            "runtime.getruntime",
            "java.lang.runtime",
            "import os",
            "file_get_contents",
        ];
        let text = self.text;
        let opened = find(text, "<?php")
            .or_else(|| find(text, "<?="))
            .or_else(|| find(text, "<% "));
        if opened.is_some_and(|at| self.level.allows(self.reading, at) && text.contains('(')) {
            return true;
        }
        let rest = text.trim_start_matches([
            ';', '|', '&', '\'', '"', ')', '(', '}', '{', '+', '.', '-', '$', '@', ' ', '\n', '\r',
        ]);
        let Some(call) = CALLS.iter().find(|call| rest.starts_with(**call)) else {
            return false;
        };
        let given = &rest[call.len()..];
        let is_call = given.starts_with('(') || call.ends_with(['.', 's']) && given.contains('(');
        let end = text.trim_end_matches([' ', '\n', '\'', '"', '/', '-', '#', '}', '|', '&', '+']);
        let is_whole = end.ends_with([')', ';', ']', '`']);
        let names = given.trim_start_matches(['(', ' ']);
        let has_argument = *call == "phpinfo"
            || names.starts_with(['\'', '"', '$', '`', '_'])
            || call.contains('.');
        is_call && is_whole && has_argument && natural_words(given) < 8
    }

    /// Whether the substitution from `at` to `end`, whose command begins at `inner`, is run by a shell.
    fn substitutes(&self, at: usize, end: usize, inner: usize) -> bool {
        let Some(command) = self.text.get(inner..).and_then(shell::command) else {
            return false;
        };
        let (before, after) = (&self.text[..at], self.text.get(end..).unwrap_or_default());
        let is_glued = before
            .ends_with(|last: char| last.is_ascii_alphanumeric() || "\"'/.-_=".contains(last))
            || after.starts_with(|first: char| first.is_ascii_alphanumeric());
        let around = natural_words(before) + natural_words(after);
        let is_alone = before.trim().is_empty() && after.trim().is_empty();
        let is_sure = command.kind != Kind::Word || command.is_given() || command.is_alone();
        match self.level {
            Level::Plain => {
                is_sure
                    && (around == 0
                        || is_glued && around < 3
                        || self.role == Role::Path && around < 3)
            }
            Level::Prose => is_alone && command.is_given() || is_glued && around == 0,
            Level::Fragment => {
                let is_quoted = before.trim_matches(['"', '\'']).is_empty()
                    && after.trim_matches(['"', '\'']).is_empty();
                let is_one_word = !before.is_empty()
                    && !before.contains([' ', '=', '/', '\n'])
                    && !after.contains(' ');
                (is_alone || is_quoted || is_one_word) && self.role == Role::Command
                    || is_glued && around == 0 && self.role == Role::Query
            }
        }
    }

    /// Whether a command follows the operator at that place.
    fn separates(&self, at: usize) -> bool {
        let text = self.text;
        let rest = text[at..].trim_start_matches([';', '|', '&', '\n', '\r', ' ', '\t']);
        let length = text.len() - at - rest.len();
        let run = &text[at..at + length];
        let Some(command) = shell::command(rest) else {
            return false;
        };
        let before = &text[..at];
        let is_leading = !before.contains(|it: char| it.is_alphanumeric());
        let operator = run.trim();
        let is_line_end = operator.is_empty();
        let is_written_as_code =
            self.reading.is_coded && !self.reading.value.contains(['\n', '\r']);
        // A table of Markdown.
        if is_leading && text.starts_with("| ") && text.matches('|').count() > 2 {
            return false;
        }
        // A single ampersand joins names and separates parameters; only clear arguments make what follows a command.
        let is_ampersand = operator == "&";
        if self.role == Role::Url
            && is_ampersand
            && !(command.kind == Kind::Rooted || command.given == Given::Arguments)
        {
            return false;
        }
        let is_given = if is_ampersand && !is_leading {
            command.kind == Kind::Rooted || command.given == Given::Arguments
        } else {
            command.is_given()
        };
        if is_line_end
            && !is_written_as_code
            && (self.level != Level::Plain || self.reading.words_before(at) > 0)
            && !is_leading
        {
            // Lines of a text.
            return false;
        }
        match self.level {
            Level::Fragment => {
                let breaks = is_leading && !is_line_end || is_line_end && is_written_as_code;
                let is_behind_data =
                    self.role == Role::Command && is_placeholder(before) && !is_line_end;
                let is_known = is_given
                    || command.is_alone() && (command.kind != Kind::Word || is_recon_word(rest));
                is_behind_data && is_known
                    || breaks
                        && (is_given
                            || command.is_alone()
                                && (self.role == Role::Command || command.kind == Kind::Recon))
            }
            Level::Prose => {
                natural_words(before) == 0
                    && !before.trim().contains(' ')
                    && (is_given
                        || command.is_alone() && command.kind == Kind::Recon
                        || is_leading
                            && command.is_alone()
                            && (command.kind == Kind::Program || is_recon_word(rest)))
            }
            Level::Plain => {
                if self.reading.words_before(at) > 2 {
                    return false;
                }
                let is_words = is_leading
                    && !is_line_end
                    && command.kind == Kind::Program
                    && command.given == Given::Words;
                is_words
                    || is_given
                        && (command.kind != Kind::Word
                            || command.given != Given::File
                            || operator != "&")
                    || command.is_alone()
                        && self.is_run_alone(command, rest, before, operator, is_leading)
            }
        }
    }

    /// Whether a command without arguments is one, and not a member of a list.
    fn is_run_alone(
        &self,
        command: Command,
        rest: &str,
        before: &str,
        operator: &str,
        is_leading: bool,
    ) -> bool {
        let is_hidden =
            self.reading.is_coded && !operator.is_empty() && !self.reading.value.contains(operator);
        let is_code = before
            .ends_with(|last: char| last.is_ascii_digit() || "'\")/".contains(last))
            || is_hidden
            || is_placeholder(before) && !before.ends_with(' ');
        if is_leading || self.role == Role::Path {
            return command.kind != Kind::Word || is_recon_word(rest);
        }
        match command.kind {
            Kind::Rooted => true,
            Kind::Recon => !(operator == "|" && rest.starts_with("ls") && !is_code),
            Kind::Program => is_code && operator != "/",
            Kind::Word => is_recon_word(rest) && (is_code || matches!(operator, "&&" | "||")),
        }
    }
}

/// Whether the text begins with a word that is a command by itself.
fn is_recon_word(text: &str) -> bool {
    ["id", "dir", "env", "w", "who", "set"].iter().any(|word| {
        text.trim_start_matches(['\'', '"', '('])
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    })
}
