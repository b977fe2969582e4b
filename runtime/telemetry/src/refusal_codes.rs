//! The codes of one interceptor's refusals, as labels. The set stays small, whatever codes a plugin's author chooses.

use std::sync::OnceLock;

/// The most codes that have a label of their own.
pub(crate) const MOST: usize = 32;
/// The longest code that can be a label, in bytes.
const LONGEST: usize = 64;
/// The label of all other codes.
pub(crate) const OTHER: &str = "other";

/// The first codes that came, in their order. No lock is needed, since a code keeps its place.
#[derive(Debug, Default)]
pub(crate) struct RefusalCodes([OnceLock<Box<str>>; MOST]);

impl RefusalCodes {
    /// The place at which a code is counted. [`MOST`] if it counts among the others.
    pub(crate) fn place(&self, code: &str) -> usize {
        if !is_label(code) {
            return MOST;
        }
        let is_here = |place: &OnceLock<Box<str>>| **place.get_or_init(|| code.into()) == *code;
        self.0.iter().position(is_here).unwrap_or(MOST)
    }

    /// The label at a place. `None` if nothing was counted there.
    pub(crate) fn label(&self, place: usize) -> Option<&str> {
        match self.0.get(place) {
            Some(code) => code.get().map(|code| &**code),
            None => Some(OTHER),
        }
    }
}

/// Whether the code is a word such as `pii.email`. Text of a payload mostly is not.
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
