//! Names of variables of a program's environment.

use super::issue::Issue;
use super::rule::wrong;
use super::scalar::Mistake;
use super::tree::Key;

/// The longest plain name.
const LONGEST: usize = 64;

/// Whether a variable's name is plain: letters, digits and `_`, no digit at the beginning, 64 at most. A file may have such a
/// name, too.
pub fn is_plain_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=LONGEST).contains(&name.len())
        && name.chars().all(fits)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Reports a name that no variable can have, or with `plain` one that is not plain.
pub(crate) fn check(key: &Key, plain: bool, issues: &mut Vec<Issue>) {
    let name = &*key.name;
    let (good, help) = match plain {
        true => (
            is_plain_variable(name),
            "use letters, digits and `_`, at most 64",
        ),
        // Programs read names with other characters, too: `npm_config_//registry.npmjs.org/:_authToken`.
        false => (
            !name.is_empty() && !name.contains(['=', '\0']),
            "use letters, digits and `_`",
        ),
    };
    if !good {
        let mistake = Mistake::new("is not the name of a variable", help);
        issues.push(wrong(key.span.clone(), format!("{name:?}"), mistake));
    }
}
