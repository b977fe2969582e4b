//! What a command is to print: as the book has it, with `…` where a reader's own differs.

/// Whether this is what was printed. A line that is `…` stands for any number of lines, `…` within one for any text.
pub(crate) fn fits(wanted: &str, printed: &str) -> bool {
    let wanted: Vec<_> = wanted.lines().map(str::trim_end).collect();
    let printed: Vec<_> = printed.trim_end().lines().map(str::trim_end).collect();
    lines(trimmed(&wanted), trimmed(&printed))
}

fn trimmed<'a>(mut lines: &'a [&'a str]) -> &'a [&'a str] {
    while let [rest @ .., ""] = lines {
        lines = rest;
    }
    lines
}

fn lines(wanted: &[&str], printed: &[&str]) -> bool {
    match wanted {
        [] => printed.is_empty(),
        ["…", rest @ ..] => (0..=printed.len()).any(|skipped| lines(rest, &printed[skipped..])),
        [first, rest @ ..] => match printed {
            [line, more @ ..] => text(first, line) && lines(rest, more),
            [] => false,
        },
    }
}

fn text(wanted: &str, printed: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn only_what_is_marked_may_differ() {
    let wanted = "guard: 2 fixtures\n  ok  a  … µs\n…\n2 passed, 0 failed\n";
    assert!(fits(
        wanted,
        "guard: 2 fixtures\n  ok  a  17 µs\n2 passed, 0 failed\n"
    ));
    assert!(fits(
        wanted,
        "guard: 2 fixtures\n  ok  a  17 µs\nx\ny\n2 passed, 0 failed"
    ));
    assert!(!fits(
        wanted,
        "guard: 2 fixtures\n  ok  a  17 ms\n2 passed, 0 failed"
    ));
    assert!(!fits(
        wanted,
        "guard: 2 fixtures\n  ok  a  17 µs\n1 passed, 1 failed"
    ));
    assert!(!fits(
        wanted,
        "guard: 2 fixtures\n  ok  a  17 µs\n2 passed, 0 failed\nmore"
    ));
}
