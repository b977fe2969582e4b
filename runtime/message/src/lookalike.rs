//! Names that people, models and some servers cannot tell apart.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// A name as it looks: in compatibility form (NFKC), without invisible characters. Names that differ and look the same
/// are look-alikes. Letters of different scripts that resemble one another are not the same.
pub fn looks_like(name: &str) -> Cow<'_, str> {
    if name.is_ascii() && !name.contains(|c: char| c.is_ascii_control()) {
        return Cow::Borrowed(name);
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // A removed character may have stood between two characters that compose.
    let seen: String = nfkc
        .normalize(name)
        .chars()
        .filter(|&c| is_seen(c))
        .collect();
    Cow::Owned(nfkc.normalize(&seen).into_owned())
}

fn is_seen(c: char) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    !(c.is_control()
        || ignorable.contains(c)
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFF9}'..='\u{FFFB}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for name in [
            "pay",
            "\u{FF50}ay",
            "p\u{200B}ay",
            "pay\u{202E}",
            "pa\u{AD}y",
            "\u{2066}pay\u{2069}",
            "pay\u{FE0F}",
            "pa\u{E0061}y",
            "pay\u{0}",
            "p\u{1D41A}y",
        ] {
            assert_eq!(looks_like(name), "pay", "{name:?}");
        }
        assert_eq!(looks_like("cafe\u{301}"), looks_like("caf\u{e9}"));
        assert_eq!(looks_like("cafe\u{200B}\u{301}"), looks_like("caf\u{e9}"));
    }

    #[test]
    fn letters_of_another_script_are_others() {
        assert_ne!(looks_like("p\u{430}y"), "pay");
        assert_eq!(looks_like("Pay"), "Pay");
    }
}
