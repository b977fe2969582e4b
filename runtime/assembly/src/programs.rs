//! Checks that the program of a server exists, and that its arguments and values work without a shell.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use sandgate_config::{Environment, Issue, Loaded, ResolvedServer, Side, ValueOrRef};
use sandgate_message::pointer;

use crate::warning::warning;

/// Programs that replace variables themselves.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "env"];

/// Warnings about the program of a server.
pub(super) fn of(
    loaded: &Loaded,
    name: &str,
    server: &sandgate_config::Server,
    values: &ResolvedServer,
    environment: &Environment,
) -> Vec<Issue> {
    let mut issues = Vec::new();
    let command = match (&server.command, &server.source()) {
        (Some(command), _) => {
            issues.extend(program(loaded, name, command, values, environment));
            command.as_str()
        }
        (None, Some(_)) => "",
        (None, None) => return issues,
    };
    if let Some(cwd) = &server.cwd {
        let folder = loaded.files.path(cwd);
        if !folder.is_dir() {
            let place = format!("/servers/{name}/cwd");
            let why = format!("{} is not a folder", folder.display());
            issues.push(warning(loaded, &place, why).help("correct the path, or make the folder"));
        }
    }
    let last = command.rsplit('/').next().unwrap_or_default();
    if !SHELLS.contains(&last) {
        for (index, argument) in server.args.iter().enumerate() {
            if let Some(word) = shell_word(argument) {
                let place = format!("/servers/{name}/args/{index}");
                let why = format!("`{word}` is handed on as it is: no shell replaces it");
                let help = "write the value itself; where it is a secret, give it in `env`, which takes { from-env = \"NAME\" }";
                issues.push(warning(loaded, &place, why).help(help));
            }
        }
    }
    issues.extend(given(loaded, &format!("/servers/{name}/env"), &server.env));
    issues
}

/// Warnings about values that look as if something were to replace a part of them.
pub(super) fn given<'a>(
    loaded: &Loaded,
    place: &str,
    values: impl IntoIterator<Item = (&'a String, &'a ValueOrRef)>,
) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (key, value) in values {
        let ValueOrRef::Plain(text) = value else {
            continue;
        };
        if let Some(word) = shell_word(text) {
            let place = format!("{place}/{}", pointer::escape(key));
            let why = format!("`{word}` is handed on as it is: nothing replaces it");
            let variable = word.trim_matches(['$', '{', '}']);
            let help = match variable.starts_with('~') {
                true => "write the whole path".to_owned(),
                false => format!(
                    "where the whole value is that variable's, write {{ from-env = {variable:?} }}"
                ),
            };
            issues.push(warning(loaded, &place, why).help(help));
        }
    }
    issues
}

fn program(
    loaded: &Loaded,
    name: &str,
    command: &str,
    values: &ResolvedServer,
    environment: &Environment,
) -> Option<Issue> {
    let place = format!("/servers/{name}/command");
    let found = match command.contains('/') {
        true => Some(loaded.files.path(command.as_ref())).filter(|path| path.exists()),
        false => {
            let own = values.env.iter().find(|(name, _)| name == "PATH");
            let path = own.map(|(_, value)| value.expose());
            let path = path.or_else(|| environment.get("PATH")).unwrap_or_default();
            look_up(command, path)
        }
    };
    if let Some(found) = found {
        let is_program = found.is_file() && access(&found, Access::EXEC_OK).is_ok();
        return (!is_program).then(|| {
            let why = format!("{} cannot be executed", found.display());
            let help = "name a program, and let the gateway's user execute it (chmod +x)";
            warning(loaded, &place, why).help(help)
        });
    }
    if let Some(word) = shell_word(command) {
        let why = format!("there is no program {command:?}: no shell replaces `{word}`");
        return Some(warning(loaded, &place, why).help("write the whole path"));
    }
    let mut words = command.split_whitespace();
    let first = words.next().unwrap_or_default();
    let rest: Vec<String> = words.map(|word| format!("{word:?}")).collect();
    if !rest.is_empty() {
        let why = "a whole command line, where a program alone belongs";
        let help = format!("write command = {first:?} and args = [{}]", rest.join(", "));
        // A path may have blanks, and exist later.
        return Some(match first.contains('/') {
            true => warning(loaded, &place, why).help(help),
            false => loaded.error(&place, Side::Value, why).help(help),
        });
    }
    let (why, help) = match command.contains('/') {
        true => (
            format!(
                "{} is not there",
                loaded.files.path(command.as_ref()).display()
            ),
            "correct the path (a relative one is relative to this file), or install the program",
        ),
        false => (
            format!("no program {command:?} is in the gateway's PATH"),
            "install it, correct the name, or write the program's whole path",
        ),
    };
    Some(warning(loaded, &place, why).help(help))
}

/// The first file of this name in a search path that may be executed.
pub(super) fn look_up(command: &str, path: &str) -> Option<PathBuf> {
    let folders = path.split(':').filter(|folder| !folder.is_empty());
    let mut files = folders.map(|folder| Path::new(folder).join(command));
    files.find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}

/// A leading `~/`, or a variable in capitals, as people write environment variables.
fn shell_word(text: &str) -> Option<&str> {
    if text.starts_with("~/") {
        return Some("~");
    }
    let mut from = 0;
    while let Some(at) = text[from..].find('$').map(|at| from + at) {
        let rest = &text[at + 1..];
        let braced = rest.strip_prefix('{');
        let name = braced.unwrap_or(rest);
        let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let length = name.find(|c| !fits(c)).unwrap_or(name.len());
        let begins = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        match braced {
            Some(_) if begins && name[length..].starts_with('}') => {
                return Some(&text[at..at + 3 + length]);
            }
            None if begins && length > 1 => return Some(&text[at..at + 1 + length]),
            _ => from = at + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_one_that_a_shell_would_replace() {
        assert_eq!(shell_word("Bearer ${TOKEN}"), Some("${TOKEN}"));
        assert_eq!(shell_word("a/$HOME/b"), Some("$HOME"));
        assert_eq!(shell_word("~/bin/server"), Some("~"));
        for text in [
            "^[A-Z]+$", "cost: $5", "$", "${", "a~/b", "$x", "$$", "${a}",
        ] {
            assert_eq!(shell_word(text), None, "{text}");
        }
    }
}
