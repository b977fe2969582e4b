//! The codes of one interceptor's refusals, as labels: a set that stays small, whatever a plugin's author chooses.

use std::sync::OnceLock;

/// RefusalCodes that are told apart; all others are one.
pub(crate) const MOST: usize = 32;
/// Bytes of a code that is a label.
const LONGEST: usize = 64;
/// The label of every other code.
pub(crate) const OTHER: &str = "other";

/// The first codes that came, in the order in which they did. No lock: a code keeps its place.
#[derive(Debug, Default)]
pub(crate) struct RefusalCodes([OnceLock<Box<str>>; MOST]);

impl RefusalCodes {
    /// Where a code is counted; at [`MOST`], where it is one of the others.
    pub(crate) fn place(&self, code: &str) -> usize {
        if !is_label(code) {
            return MOST;
        }
        let is_here = |place: &OnceLock<Box<str>>| **place.get_or_init(|| code.into()) == *code;
        self.0.iter().position(is_here).unwrap_or(MOST)
    }

    /// The label at a place; none: nothing was counted there.
    pub(crate) fn label(&self, place: usize) -> Option<&str> {
        match self.0.get(place) {
            Some(code) => code.get().map(|code| &**code),
            None => Some(OTHER),
        }
    }
}

/// A word such as `pii.email`: text of a payload mostly is none.
fn is_label(code: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
    (1..=LONGEST).contains(&code.len()) && code.bytes().all(is_plain) && code != OTHER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_makes_no_more_labels_than_there_is_room_for() {
        let codes = RefusalCodes::default();
        let label = |code: &str| {
            codes
                .label(codes.place(code))
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(label("pii.email"), "pii.email");
        for n in 0..1000 {
            label(&format!("code.{n}"));
        }
        assert_eq!(label("pii.email"), "pii.email");
        assert_eq!(label("code.30"), "code.30");
        assert_eq!(label("code.31"), OTHER);
    }

    #[test]
    fn what_is_no_word_is_other() {
        let codes = RefusalCodes::default();
        for code in ["", "other", "two words", "é", "a\"b", &"x".repeat(65)] {
            assert_eq!(codes.place(code), MOST, "{code}");
        }
        assert_eq!(codes.label(0), None);
    }
}
