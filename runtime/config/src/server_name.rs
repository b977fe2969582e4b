//! The name of a server.

use super::scalar::Mistake;

/// Checks a server's name, which clients see before its tools' names: letters, digits, `-` and `_`, no `__` (which ends
/// the prefix), at most 64 characters.
pub(crate) fn check_name(name: &str) -> Result<(), Mistake> {
    let help = "use letters, digits, `-` and single `_` within, at most 64";
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 {
        Err(Mistake::new("is not 1 to 64 characters long", help))
    } else if let Some(c) = name.chars().find(|&c| !fits(c)) {
        Err(Mistake::new(
            format!("has the character `{}`", c.escape_default()),
            help,
        ))
    } else if name.contains("__") {
        Err(Mistake::new(
            "has `__`, which ends the prefix of merged tool names",
            help,
        ))
    } else if name.starts_with('_') || name.ends_with('_') {
        Err(Mistake::new(
            "starts or ends with `_`, which would run into the `__` of merged tool names",
            help,
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_run_into_the_prefix_of_merged_tools() {
        for name in ["time", "crm-2", "a_b"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a__b", "_a", "a_", "a.b", "é", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
