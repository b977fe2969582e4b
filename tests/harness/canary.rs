//! A word that must not turn up, looked for in every spelling in which it might.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How much around a finding is shown.
const AROUND: usize = 120;

/// A word that is put in at one end and looked for at all the others.
#[derive(Debug, Clone)]
pub struct Canary {
    word: &'static str,
    /// In lower case, but for the last ones.
    spellings: Vec<Spelling>,
}

#[derive(Debug, Clone)]
struct Spelling {
    name: &'static str,
    bytes: Vec<u8>,
    any_case: bool,
}

impl Canary {
    /// The word: ASCII letters and digits, so long that it is nowhere by chance.
    ///
    /// # Panics
    /// Where it is not.
    pub fn new(word: &'static str) -> Self {
        let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(word.len() >= 12 && plain, "{word} is no canary");
        let each = |spell: &dyn Fn(u8) -> String| word.bytes().map(spell).collect::<String>();
        let listed: Vec<String> = word.bytes().map(|byte| byte.to_string()).collect();
        let texts = [
            ("as it is", word.to_owned()),
            ("escaped as in JSON", each(&|byte| format!("\\u{byte:04x}"))),
            ("percent-encoded", each(&|byte| format!("%{byte:02x}"))),
            ("in hexadecimal", each(&|byte| format!("{byte:02x}"))),
            ("as a list of bytes", listed.join(", ")),
        ];
        let texts = texts.map(|(name, text)| Spelling {
            name,
            bytes: text.to_ascii_lowercase().into(),
            any_case: true,
        });
        // What stands before it decides how its bytes fall into groups of six bits.
        let base64 = (0..3).map(|before| Spelling {
            name: "in base64",
            bytes: {
                let text = STANDARD.encode([&vec![0; before], word.as_bytes()].concat());
                let whole = (before * 8).div_ceil(6)..(before + word.len()) * 8 / 6;
                text.as_bytes()[whole].to_vec()
            },
            any_case: false,
        });
        Self {
            word,
            spellings: texts.into_iter().chain(base64).collect(),
        }
    }

    /// The word.
    pub fn word(&self) -> &'static str {
        self.word
    }

    /// Where it stands in these bytes: for each spelling that is there, what and where, and what is around it.
    pub fn find(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let lower = bytes.to_ascii_lowercase();
        let mut found = Vec::new();
        for spelling in &self.spellings {
            let text = if spelling.any_case { &lower } else { bytes };
            let length = spelling.bytes.len();
            if let Some(at) = memchr::memmem::find(text, &spelling.bytes) {
                let around = at.saturating_sub(AROUND)..(at + length + AROUND).min(bytes.len());
                found.push(format!(
                    "{} stands {} in {place}: …{}…",
                    self.word,
                    spelling.name,
                    bytes[around].escape_ascii()
                ));
            }
        }
        found
    }

    /// The same in the names and contents of everything below a folder.
    ///
    /// # Panics
    /// Where something there cannot be read.
    pub fn find_below(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let place = path.display().to_string();
            found.extend(self.find("a file's name", place.as_bytes()));
            match path.is_dir() {
                true => found.extend(self.find_below(&path)),
                false => found.extend(self.find(&place, &std::fs::read(&path).unwrap())),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = "canaryQ7xK2vR9";

    #[test]
    fn a_canary_is_found_in_every_spelling() {
        let canary = Canary::new(WORD);
        for text in [
            "log: canaryQ7xK2vR9!",
            "x-CANARYq7xk2vr9: 1",
            r"\u0063\u0061\u006E\u0061\u0072\u0079\u0051\u0037\u0078\u004B\u0032\u0076\u0052\u0039",
            "%63%61%6e%61%72%79%51%37%78%4B%32%76%52%39",
            "63616E61727951 63616e617279513778 4b32 63616e6172795137784b32765239",
            "contents: [9, 99, 97, 110, 97, 114, 121, 81, 55, 120, 75, 50, 118, 82, 57]",
        ] {
            assert_eq!(canary.find("a text", text.as_bytes()).len(), 1, "{text}");
        }
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD.encode(format!("{before}{WORD} and more"));
            let found = canary.find("a text", text.as_bytes());
            assert_eq!(found.len(), 1, "{text}");
        }
    }

    #[test]
    fn another_word_is_not_found() {
        let canary = Canary::new(WORD);
        for text in ["", "canary", "canaryQ7xK2vR8", "Y2FuYXJ5"] {
            assert_eq!(canary.find("a text", text.as_bytes()), [""; 0], "{text}");
        }
    }
}
