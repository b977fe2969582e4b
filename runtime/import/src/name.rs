//! Finds valid names for servers, since clients allow any text.

use std::collections::BTreeSet;

/// The longest name of a server, in characters.
const LONGEST: usize = 64;

/// The names given so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Gives the nearest valid name that is not taken.
    pub(super) fn give(&mut self, given: &str) -> String {
        let base = usable(given);
        let mut name = base.clone();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            let suffix = format!("-{number}");
            let room = LONGEST - suffix.len();
            name = format!("{}{suffix}", &base[..base.len().min(room)]);
            number += 1;
        }
        name
    }

    pub(super) fn take_back(&mut self, name: &str) {
        self.0.remove(name);
    }
}

fn usable(given: &str) -> String {
    let mut name = String::new();
    for c in given.chars() {
        let c = match c {
            c if c.is_ascii_alphanumeric() => c,
            '_' => '_',
            _ => '-',
        };
        // A name has no `__`, which separates server from tool, and no row of dashes.
        if c.is_ascii_alphanumeric() || !name.ends_with(['-', '_']) {
            name.push(c);
        }
        if name.len() == LONGEST {
            break;
        }
    }
    match name.trim_matches(['-', '_']) {
        "" => "server".into(),
        name => name.into(),
    }
}

/// The name of an environment variable: capitals, digits and `_`.
pub(super) fn variable(parts: &[&str]) -> String {
    let mut name = String::new();
    for c in parts.join("_").chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_uppercase()),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_matches('_');
    match name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        true => format!("MCP_{name}"),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_usable_and_unique() {
        let mut names = Names::default();
        for (given, name) in [
            ("github", "github"),
            ("GitHub (work)", "GitHub-work"),
            ("io.github.acme/search", "io-github-acme-search"),
            ("my__server_", "my_server"),
            ("サーバー", "server"),
            ("github", "github-2"),
            ("git hub!", "git-hub"),
        ] {
            assert_eq!(names.give(given), name);
        }
        let long = "x".repeat(100);
        assert_eq!(names.give(&long).len(), 64);
        assert_eq!(names.give(&long).len(), 64);
        names.take_back("github");
        assert_eq!(names.give("github"), "github");
    }

    #[test]
    fn variables_are_in_capitals() {
        assert_eq!(variable(&["my-server", "X-API-Key"]), "MY_SERVER_X_API_KEY");
        assert_eq!(variable(&["1password"]), "MCP_1PASSWORD");
    }
}
