#![allow(clippy::unwrap_used)]
use super::*;

/// The kinds of what is found, and the text with each value replaced by `_`.
fn seen(text: &str) -> (Vec<&'static str>, String) {
    let mut found = Vec::new();
    scan(text, &mut found);
    let mut left = String::new();
    let mut done = 0;
    for secret in &found {
        left += &text[done..secret.start];
        left.push('_');
        done = secret.end;
    }
    left += &text[done..];
    (found.iter().map(|secret| secret.kind).collect(), left)
}

#[test]
fn keys_are_found_by_their_format() {
    for (text, kind) in [
        ("use ghp_75uk55s0jgd33792bsw1deat8kxnyrjw86b8 now", "github-token"),
        ("AKIALALEMEL33243OLIB", "aws-access-key"),
    ] {
        assert_eq!(seen(text).0, [kind], "{text}");
    }
}
