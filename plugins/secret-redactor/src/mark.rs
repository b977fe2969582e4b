//! The mark that stands for a secret: `[secret~github-token]`. Nothing else has that form.

use sandgate_detect::secret::Secret;

const OPEN: &str = "[secret~";

/// The longest kind, in bytes, that is looked for in a mark.
const LONGEST: usize = 48;

/// The mark of a kind.
pub(crate) fn of(kind: &str) -> String {
    [OPEN, kind, "]"].concat()
}

/// The text with marks in the place of its secrets, which are in order.
pub(crate) fn marked<'s>(text: &str, secrets: impl IntoIterator<Item = &'s Secret>) -> String {
    let mut marked = String::with_capacity(text.len() + 32);
    let mut done = 0;
    for secret in secrets {
        marked += &text[done..secret.start];
        marked += &of(secret.kind);
        done = secret.end;
    }
    marked += &text[done..];
    marked
}

/// The kind of the first mark in a text.
pub(crate) fn within<'k>(text: &str, kinds: &[&'k str]) -> Option<&'k str> {
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        rest = &rest[at + OPEN.len()..];
        let end = rest.bytes().take(LONGEST + 1).position(|byte| byte == b']');
        let kind = end.and_then(|end| kinds.binary_search(&&rest[..end]).ok());
        if let Some(kind) = kind {
            return Some(kinds[kind]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_of_known_kinds_are_marks() {
        let kinds = ["github-token", "password"];
        assert_eq!(within("a [secret~password] b", &kinds), Some("password"));
        assert_eq!(
            within("a [secret~x] [secret~github-token]", &kinds),
            Some("github-token")
        );
        for text in [
            "[secret]",
            "[secret~]",
            "[secret~other]",
            "[secret~password",
            "secret~password]",
        ] {
            assert_eq!(within(text, &kinds), None, "{text}");
        }
    }

    #[test]
    fn marks_that_do_not_end_cost_no_more_than_their_length() {
        let text = OPEN.repeat(200_000);
        let began = std::time::Instant::now();
        assert_eq!(within(&text, &["password"]), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
