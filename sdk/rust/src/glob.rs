//! Names by pattern.

/// Whether `text` is as `pattern` says: `*` stands for any characters (none included, `/` included), `?` for one.
/// Everything else stands for itself, capitals and small letters told apart.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when what follows the last `*` does not fit: that much later in the text.
    let mut retry = None;
    loop {
        let mut ahead = pattern.clone();
        match (ahead.next(), text.clone().next()) {
            (Some('*'), _) => {
                pattern = ahead;
                retry = Some((pattern.clone(), text.clone()));
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                pattern = ahead;
                text.next();
            }
            (None, None) => return true,
            _ => {
                let Some((after, from)) = &mut retry else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                text = from.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn a_name_without_wildcards_stands_for_itself() {
        assert!(glob_matches("lookup", "lookup"));
        assert!(!glob_matches("lookup", "Lookup"));
        assert!(!glob_matches("lookup", "lookups"));
        assert!(!glob_matches("lookup", "look"));
        assert!(glob_matches("", ""));
        assert!(!glob_matches("", "x"));
    }

    #[test]
    fn a_star_stands_for_any_stretch() {
        for text in ["", "a", "a/b", "äöü"] {
            assert!(glob_matches("*", text));
        }
        assert!(glob_matches("lookup_*", "lookup_customer"));
        assert!(!glob_matches("lookup_*", "lookup"));
        assert!(glob_matches("*_by_*_id", "get_by_x_by_id_id"));
        assert!(!glob_matches("*_by_*_id", "get_by_id"));
        assert!(glob_matches("a**b", "ab"));
    }

    #[test]
    fn a_question_mark_stands_for_one_character() {
        assert!(glob_matches("v?", "v1"));
        assert!(glob_matches("v?", "vü"));
        assert!(!glob_matches("v?", "v"));
        assert!(!glob_matches("v?", "v10"));
    }

    #[test]
    fn many_stars_cost_no_exponential_time() {
        assert!(!glob_matches(&"*a".repeat(30), &"a".repeat(29)));
        assert!(glob_matches(&"*a".repeat(30), &"a".repeat(5000)));
        assert!(!glob_matches(&("*a".repeat(30) + "b"), &"a".repeat(5000)));
    }
}
