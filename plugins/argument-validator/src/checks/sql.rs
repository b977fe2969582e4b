//! Finds values that continue an SQL statement of the server: they close its quotes, widen its conditions, or add a
//! statement of their own.

use super::Level;
use crate::reading::{Reading, find, natural_words, words};

const WIDENS: &str = "A value that widens a condition of SQL";
const ADDS: &str = "A value that adds a statement of SQL";
const CALLS: &str = "A value that calls a function of a database";
const CUTS: &str = "A value that cuts a statement of SQL off";

/// What is wrong with the value as a part of an SQL statement.
pub(crate) fn found(reading: &Reading, level: Level) -> Option<&'static str> {
    let text = plain(&reading.text);
    let text = text.as_deref().unwrap_or(&reading.text);
    let sql = Sql {
        text,
        level,
        breakout: breakout(text),
    };
    if find(&reading.text, "/**/").is_some() {
        let joined = reading.text.replace("/**/", "");
        if find(&joined, "union select").is_some() && level != Level::Fragment {
            return Some(ADDS);
        }
    }
    if sql.is_cut_off() || sql.is_computed() {
        return Some(CUTS);
    }
    let near = text.get(..reading.horizon).unwrap_or(text);
    for (at, word) in words(near) {
        let found = match word {
            "or" | "and" | "xor" | "rlike" | "having" | "where" | "not" | "like" | "when"
            | "if" => sql.widens(at, at + word.len()).then_some(WIDENS),
            "union" => sql.unites(at).then_some(ADDS),
            "drop" | "delete" | "insert" | "update" | "alter" | "create" | "exec" | "execute"
            | "declare" | "shutdown" | "truncate" | "select" | "grant" | "begin" | "copy"
            | "waitfor" | "backup" | "load" | "call" | "merge" | "set" | "return" | "while" => {
                sql.adds(at, word).then_some(ADDS)
            }
            "order" | "group" | "limit" | "procedure" => sql.trails(at).then_some(CUTS),
            _ => sql.calls(at, word).then_some(CALLS),
        };
        if found.is_some() {
            return found;
        }
    }
    for (at, _) in near.match_indices(['|', '&']) {
        if (text[at..].starts_with("||") || text[at..].starts_with("&&"))
            && (sql.breakout.is_some_and(|out| out < at) || text[..at].trim().is_empty())
            && sql.widens(at, at + 2)
        {
            return Some(WIDENS);
        }
    }
    None
}

struct Sql<'t> {
    text: &'t str,
    level: Level,
    /// Where the value leaves the quotes or parentheses that it was put into.
    breakout: Option<usize>,
}

/// Comments as blanks, and `+` as blanks where there are no others. `None`: the text stays.
fn plain(text: &str) -> Option<String> {
    let has_comments = find(text, "/*").is_some();
    let has_pluses = text.contains('+') && !text.contains(' ');
    if !has_comments && !has_pluses {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        plain.push_str(&rest[..at]);
        let body = &rest[at + 2..];
        // What MySQL runs although it looks like a comment.
        if let Some(run) = body.strip_prefix('!') {
            plain.push(' ');
            rest = run.trim_start_matches(|digit: char| digit.is_ascii_digit());
            continue;
        }
        match body.find("*/") {
            Some(end) => {
                plain.push(' ');
                rest = &body[end + 2..];
            }
            None => {
                plain.push_str(" --");
                rest = "";
            }
        }
    }
    plain.push_str(rest);
    if has_pluses {
        plain = plain.replace('+', " ");
    }
    Some(plain.replace("*/", " "))
}

/// The place of the quote or parenthesis that closes something which the value did not open.
fn breakout(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_word =
        |byte: Option<&u8>| byte.is_some_and(|it| it.is_ascii_alphanumeric() || *it >= 0x80);
    let mut open: Option<u8> = None;
    let mut depth = 0i32;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' | b'"' => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                let after = bytes.get(at + 1);
                if begins_a_condition(&text[at + 1..]) && open.is_none() {
                    return Some(at);
                } else if is_word(before) && is_word(after) {
                    // An apostrophe within a word.
                } else if open == Some(*byte) {
                    open = None;
                } else if open.is_none() {
                    // A quote opens where a word follows, and something other than a word stands before.
                    let is_opening = is_word(after)
                        && before.is_none_or(|it| b" (=,[{:".contains(it))
                        || before.is_some_and(|it| b"(=,[{:".contains(it))
                        || after == Some(byte) && before.is_some();
                    if !is_opening {
                        return Some(at);
                    }
                    open = Some(*byte);
                }
            }
            b'(' if open.is_none() => depth += 1,
            b')' if open.is_none() => {
                depth -= 1;
                if depth < 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// `or 1`, `and(`: a quote before it closes something.
fn begins_a_condition(text: &str) -> bool {
    ["or", "and", "xor", "union", "having"].iter().any(|word| {
        let Some(rest) = text.strip_prefix(word) else {
            return false;
        };
        let bytes = rest.as_bytes();
        match bytes.first() {
            Some(b' ' | b'(' | b'0'..=b'9') => true,
            Some(b'\'' | b'"') => bytes
                .get(1)
                .is_some_and(|it| it.is_ascii_digit() || *it == b'\'' || *it == b'"'),
            _ => false,
        }
    })
}

impl Sql<'_> {
    /// Whether what stands before is short enough to be a value that the attack was put behind.
    fn is_near(&self, at: usize) -> bool {
        natural_words(&self.text[..at]) <= self.level.words().max(1)
            && (self.level != Level::Fragment || self.is_broken(at) || self.is_behind_a_number(at))
    }

    /// Whether the value leaves its place before `at`. At the place of whole statements it must not begin with one.
    fn is_broken(&self, at: usize) -> bool {
        self.breakout.is_some_and(|out| out < at) && !self.begins_with_a_statement()
    }

    /// Whether nothing or a lone number stands before: the value of a column that the attack was put behind.
    fn is_behind_a_number(&self, at: usize) -> bool {
        let before = self.text[..at].trim_matches([' ', ')', '(', '-', '\t', '\n']);
        before.is_empty()
            || before == "null"
            || before.starts_with(|first: char| first.is_ascii_digit())
                && before.bytes().all(|it| it.is_ascii_alphanumeric())
                && before.len() < 12
    }

    /// `'-0#`: a quote, arithmetic, and a comment.
    fn is_computed(&self) -> bool {
        let Some(out) = self.breakout else {
            return false;
        };
        let rest = self.text[out..].trim_start_matches(['\'', '"', ')', ' ']);
        let behind =
            rest.trim_start_matches(['=', '-', '^', '*', '&', '|', '+', '<', '>', '(', ' ']);
        rest.len() > behind.len()
            && !rest.starts_with("--")
            && natural_words(self.text) < 2
            && operand(behind).is_some_and(|(operand, _)| operand.is_constant())
            && (behind.ends_with('#') || behind.contains("--"))
    }

    fn begins_with_a_statement(&self) -> bool {
        let start = self
            .text
            .trim_start_matches([' ', '(', '\n', '\t', '{', '[', '"']);
        let first = words(start)
            .next()
            .map_or("", |(at, word)| if at == 0 { word } else { "" });
        matches!(
            first,
            "select"
                | "with"
                | "insert"
                | "update"
                | "delete"
                | "create"
                | "alter"
                | "drop"
                | "explain"
                | "show"
                | "merge"
                | "match"
                | "describe"
                | "declare"
                | "begin"
                | "exec"
                | "execute"
                | "call"
                | "set"
                | "truncate"
                | "grant"
                | "pragma"
                | "copy"
                | "values"
                | "from"
                | "let"
                | "query"
                | "use"
                | "if"
        )
    }

    /// Whether the text from `at` ends with a comment that hides the rest of the statement.
    fn is_commented(&self, at: usize) -> bool {
        let rest =
            self.text[at..].trim_end_matches([' ', '\t', '\n', '+', '-', '\0', ';', '%', '*', '/']);
        let cut = &self.text[at + rest.len()..];
        cut.contains("--")
            || cut.contains("/*")
            || cut.contains(";\0")
            || rest.ends_with('#')
            || find(&self.text[at..], "-- ").is_some()
            || self.text[at..].contains("–")
    }

    /// A quote and a comment behind it: `admin'--`.
    fn is_cut_off(&self) -> bool {
        let Some(out) = self.breakout else {
            return false;
        };
        if natural_words(&self.text[..out]) > 1 {
            return false;
        }
        let rest = self.text[out..].trim_start_matches(['\'', '"', ')', ' ', ';', '`']);
        (rest.starts_with("--")
            || rest.starts_with('#')
            || rest.starts_with("/*")
            || rest.starts_with('–')
            || rest.starts_with('\0'))
            && natural_words(rest) < 2
            && self.text[out..].starts_with(['\'', '"', ')'])
            && (!self.text[out..].starts_with(')') || rest.starts_with("--"))
    }

    /// A condition that always holds, or that follows a closed quote.
    fn widens(&self, at: usize, end: usize) -> bool {
        if !self.is_near(at) {
            return false;
        }
        let is_broken = self.is_broken(at);
        let mut rest = &self.text[end..];
        // `not`, and the parentheses and signs before an operand.
        loop {
            let trimmed = rest.trim_start_matches([
                ' ', '\t', '\n', '(', '!', '~', '-', '+', '@', '\u{b}', '\u{c}', '\r', '\u{a0}',
            ]);
            let trimmed = trimmed.strip_prefix("not ").unwrap_or(trimmed);
            if trimmed.len() == rest.len() {
                break;
            }
            rest = trimmed;
        }
        // A statement within the condition, or a function behind a lone number.
        let is_inner = rest.starts_with("select ") || rest.starts_with("select(");
        let is_called =
            matches!(operand(rest), Some((Operand::Call, _))) && find(rest, "select").is_some();
        if (is_inner || is_called) && (is_broken || self.is_behind_a_number(at)) {
            return true;
        }
        let Some((first, after)) = operand(rest) else {
            return is_broken && (rest.is_empty() || self.is_commented(end));
        };
        let after = after.trim_start_matches([' ', ')', '\t', '\n']);
        if is_broken
            && (matches!(first, Operand::Call)
                || after.is_empty() && first != Operand::Name
                || after.starts_with("--")
                || after.starts_with(['#', '\'', '"']))
        {
            return true;
        }
        let Some((behind, is_equation)) = comparator(after) else {
            let is_first = self.text[..at].trim().is_empty()
                && &self.text[at..end] != "where"
                && (after.starts_with("--") || after.is_empty() && rest.starts_with("true"));
            return is_first && first.is_constant()
                || is_broken
                    && first.is_constant()
                    && (after.is_empty() || self.is_commented(end));
        };
        if is_broken {
            return is_equation || first.is_constant();
        }
        let behind = behind.trim_start_matches([' ', '(', '\t', '-']);
        match operand(behind) {
            Some((second, _)) => {
                let name = |text: &str| {
                    text.find(|it: char| !it.is_ascii_alphanumeric())
                        .unwrap_or(text.len())
                };
                let is_same = first == Operand::Name
                    && second == first
                    && rest[..name(rest)] == behind[..name(behind)];
                let is_leading = self.text[..at].trim().is_empty() && !after.starts_with("= ");
                if (is_same || is_leading) && self.is_behind_a_number(at) && after.starts_with('=')
                {
                    return true;
                }
                // Of two numbers one is less than the other in many sentences.
                is_equation
                    && !after.starts_with(['<', '>', 'i'])
                    && first.is_constant()
                    && (second.is_constant() || second == Operand::Call)
            }
            None => false,
        }
    }

    fn unites(&self, at: usize) -> bool {
        let mut following = words(&self.text[at..]).map(|(_, word)| word).skip(1);
        let next = following.next();
        let (next, is_all) = match next {
            Some("all" | "distinct" | "distinctrow") => (following.next(), true),
            next => (next, false),
        };
        if next != Some("select") && !(next == Some("values") && is_all) {
            return false;
        }
        let before = self.text[..at].trim();
        if self.level == Level::Fragment {
            return !self.begins_with_a_statement();
        }
        if natural_words(before) > self.level.words().max(1) {
            return false;
        }
        // «The union select committee» has no list of columns.
        let column = following.next().unwrap_or_default();
        let rest = find(&self.text[at..], "select")
            .map_or("", |select| self.text[at + select + 6..].trim_start());
        rest.starts_with(|it: char| it.is_ascii_digit() || "*'\"@(-".contains(it))
            || rest.is_empty()
            || matches!(
                column,
                "null"
                    | "top"
                    | "distinct"
                    | "char"
                    | "concat"
                    | "version"
                    | "user"
                    | "group_concat"
                    | "load_file"
                    | "unhex"
            )
            || self.text[at..].contains(',')
            || find(&self.text[at..], " from ").is_some()
            || self.is_commented(at)
    }

    /// A statement behind a semicolon or a closed quote.
    fn adds(&self, at: usize, word: &str) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\t', '\n', '\r', '(']);
        let is_stacked = before.ends_with(';');
        let is_broken = self.is_broken(at);
        if !(is_stacked || is_broken || matches!(word, "waitfor" | "exec" | "execute" | "declare"))
        {
            return false;
        }
        if natural_words(&self.text[..at]) > self.level.words().max(1) {
            return false;
        }
        if self.level == Level::Fragment
            && (self.begins_with_a_statement() || !is_broken && natural_words(before) > 0)
        {
            return false;
        }
        let rest = &self.text[at..];
        let mut following = words(rest).map(|(_, word)| word).skip(1);
        let (second, third) = (
            following.next().unwrap_or_default(),
            following.next().unwrap_or_default(),
        );
        match word {
            "drop" | "alter" | "create" | "truncate" => matches!(
                second,
                "table"
                    | "database"
                    | "schema"
                    | "view"
                    | "user"
                    | "index"
                    | "function"
                    | "procedure"
                    | "login"
                    | "role"
                    | "or"
                    | "global"
                    | "trigger"
            ),
            "delete" => second == "from",
            "insert" => second == "into",
            "merge" => second == "into",
            "update" => find(rest, " set ").is_some(),
            "select" => {
                is_broken
                    || rest.contains('(')
                    || rest.contains("@@")
                    || find(rest, " from ").is_some()
                    || second.bytes().all(|it| it.is_ascii_digit())
            }
            "exec" | "execute" => {
                second.starts_with("xp_")
                    || second.starts_with("sp_")
                    || second == "master"
                    || third.starts_with("xp_")
                    || second == "immediate"
                    || rest.contains("('")
                    || is_broken
                    || is_stacked && rest.contains('(')
            }
            "declare" => {
                rest.contains('@') && (is_broken || is_stacked || find(rest, "exec").is_some())
            }
            "waitfor" => {
                matches!(second, "delay" | "time") && (rest.contains('\'') || rest.contains('"'))
            }
            "shutdown" | "begin" => is_broken || second.is_empty() || second == "with",
            "grant" | "backup" | "copy" | "load" | "call" => is_broken || rest.contains('('),
            "set" => rest.contains('@'),
            "return" | "while" => is_broken && rest.contains(['=', '(', ' ']),
            _ => false,
        }
    }

    /// `ORDER BY 5--` and the like: a clause and a comment.
    fn trails(&self, at: usize) -> bool {
        let rest = &self.text[at..];
        let mut following = words(rest).map(|(_, word)| word).skip(1);
        let second = following.next().unwrap_or_default();
        let third = following.next().unwrap_or_default();
        let is_clause = second == "by"
            || rest.starts_with("limit") && second.bytes().all(|it| it.is_ascii_digit())
            || second == "analyse"
            || second == "analyze";
        let is_number = !third.is_empty() && third.bytes().all(|it| it.is_ascii_digit());
        // Behind a comment there is no sentence.
        let is_commented = self.is_commented(at)
            && rest
                .find("--")
                .is_none_or(|comment| natural_words(&rest[comment..]) == 0);
        // A column by its number, and nothing else.
        let is_probe = is_number
            && self.text[..at].trim().is_empty()
            && following.next().is_none()
            && rest.starts_with("order");
        let is_behind_a_number = self.is_behind_a_number(at)
            && (is_commented && is_number
                || rest.contains("sleep(")
                || rest.contains("benchmark("));
        is_clause
            && natural_words(&self.text[..at]) < 2
            && (is_behind_a_number
                || self.is_broken(at)
                    && !(self.level == Level::Fragment && self.begins_with_a_statement())
                || self.level != Level::Fragment
                    && (is_probe
                        || is_commented && (is_number || rest.contains("--"))
                        || second.starts_with("analy") && rest.contains('(')
                        || rest.contains("sleep(")))
    }

    /// A function or variable that serves attacks.
    fn calls(&self, at: usize, word: &str) -> bool {
        let rest = self.text[at + word.len()..].trim_start();
        let is_call = rest.starts_with('(');
        // Rare enough to need no more than their name.
        let is_telling = match word {
            "pg_sleep" | "benchmark" | "extractvalue" | "updatexml" | "load_file"
            | "randomblob" | "pg_read_file" | "pg_ls_dir" | "lo_import" | "xmltype"
            | "get_host_address" | "get_host_name" | "receive_message" | "generate_series"
            | "sys_eval" | "sys_exec" => is_call,
            "xp_cmdshell" | "xp_dirtree" | "xp_regread" | "xp_fileexist" | "dbms_pipe"
            | "dbms_lock" | "utl_http" | "utl_inaddr" | "ctxsys" | "utl_file" => true,
            "outfile" | "dumpfile" => self.text[..at].trim_end().ends_with("into"),
            _ => false,
        };
        if is_telling {
            return match self.level {
                Level::Fragment => {
                    !self.begins_with_a_statement()
                        && (self.breakout.is_some() || natural_words(&self.text[..at]) < 2)
                        && word != "extractvalue"
                }
                level => {
                    natural_words(&self.text[..at]) < 6 - usize::from(level == Level::Prose) * 3
                        && (self.text.len() < 400 || self.breakout.is_some())
                }
            };
        }
        let is_delay = is_call
            && matches!(
                word,
                "sleep"
                    | "char"
                    | "chr"
                    | "ascii"
                    | "substring"
                    | "substr"
                    | "mid"
                    | "concat"
                    | "count"
                    | "exists"
                    | "length"
                    | "md5"
                    | "version"
                    | "database"
                    | "user"
                    | "load"
                    | "exp"
                    | "cast"
                    | "convert"
                    | "name"
                    | "contains"
                    | "rlike"
                    | "ord"
            );
        if !is_delay {
            return false;
        }
        // Others only right behind an operator of a condition.
        let before = self.text[..at].trim_end_matches([' ', '(', '\t', '\n', '\'', '"']);
        let last = words(before).last().map_or("", |(start, word)| {
            if start + word.len() == before.len() {
                word
            } else {
                ""
            }
        });
        let is_joined = matches!(last, "or" | "and" | "xor" | "select" | "rlike" | "like")
            || before.ends_with("||")
            || before.ends_with("&&")
            || before.ends_with(['=', '-', '+', '*', '^', '%', ';', '|']);
        let is_timed = word == "sleep" && rest[1..].starts_with(|it: char| it.is_ascii_digit());
        let is_odd = self.is_commented(at)
            || self.breakout.is_some()
            || find(self.text, "if(").is_some()
            || last == "select";
        let is_near = natural_words(before) < if self.level == Level::Fragment { 2 } else { 4 };
        let is_behind =
            matches!(last, "or" | "and") && self.is_behind_a_number(before.len() - last.len());
        let is_whole = is_timed && (is_near && is_odd || is_behind);
        (is_joined && self.is_broken(at)
            || word == "sleep"
                && is_joined
                && last.len() > 1
                && self.level != Level::Fragment
                && self.is_near(at)
            || is_whole)
            && (self.level != Level::Fragment || !self.begins_with_a_statement())
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Operand {
    Number,
    Quoted,
    Name,
    Call,
}

impl Operand {
    fn is_constant(self) -> bool {
        matches!(self, Self::Number | Self::Quoted)
    }
}

/// The operand that the text begins with, and what follows it. A quote that is not closed ends with the text.
fn operand(text: &str) -> Option<(Operand, &str)> {
    let first = text.bytes().next()?;
    match first {
        b'\'' | b'"' => {
            let inner = &text[1..];
            // `'a'='a`: the last quote is the server's own.
            let end = inner.find(first as char).unwrap_or(inner.len());
            let rest = inner.get(end + 1..).unwrap_or("");
            Some((Operand::Quoted, rest))
        }
        b'0'..=b'9' => {
            let end = text
                .find(|it: char| !(it.is_ascii_alphanumeric() || it == '.'))
                .unwrap_or(text.len());
            let is_number = text[..end]
                .bytes()
                .all(|it| it.is_ascii_digit() || it == b'.')
                || text.starts_with("0x");
            // A quote behind a number is one that the value closes.
            let rest = text[end..].trim_start_matches(['\'', '"']);
            Some((
                if is_number {
                    Operand::Number
                } else {
                    Operand::Name
                },
                rest,
            ))
        }
        b'a'..=b'z' | b'_' | b'@' => {
            let end = text
                .find(|it: char| !(it.is_ascii_alphanumeric() || "_.@$".contains(it)))
                .unwrap_or(text.len());
            let rest = &text[end..];
            match rest.trim_start().starts_with('(') {
                true => {
                    let rest = rest.find(')').map_or("", |close| &rest[close + 1..]);
                    Some((Operand::Call, rest))
                }
                false => {
                    let kind = match &text[..end] {
                        "null" | "true" | "false" => Operand::Number,
                        _ => Operand::Name,
                    };
                    Some((kind, rest.trim_start_matches(['\'', '"'])))
                }
            }
        }
        _ => None,
    }
}

/// What follows the comparison or operator that the text begins with, and whether it compares.
fn comparator(text: &str) -> Option<(&str, bool)> {
    const SIGNS: [&str; 8] = ["<=>", "!=", "<>", "<=", ">=", "=", "<", ">"];
    const WORDS: [&str; 9] = [
        "like", "rlike", "regexp", "in", "is", "between", "not", "sounds", "div",
    ];
    const OTHERS: [&str; 9] = ["||", "&&", "+", "-", "*", "/", "^", "&", "|"];
    if let Some(rest) = SIGNS.iter().find_map(|sign| text.strip_prefix(sign)) {
        return Some((rest, true));
    }
    if let Some(rest) = WORDS.iter().find_map(|word| text.strip_prefix(word)) {
        return rest
            .starts_with(|it: char| !it.is_ascii_alphanumeric())
            .then_some((rest, true));
    }
    OTHERS
        .iter()
        .find_map(|sign| text.strip_prefix(sign))
        .map(|rest| (rest, false))
}
