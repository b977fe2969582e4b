//! Reads the name before a value: `api_key = …`, `"clientSecret": …`, `<password>…`, `DB_PASS=…`, `access token …`.

use super::class::{ALNUM, DIGIT, LETTER};
use super::provider::{self, Name as Provider};
use super::words::{JOINED, List, ending_with};

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// Something else than a credential: a hash, a page, a public key.
    Harmless,
    /// Nothing.
    None,
    /// A key of some kind: `key`, `access`, `private`.
    Weak,
    /// A credential that a machine made: `token`, `secret`, `api_key`.
    Token,
    /// A credential that a person may have made: `password`.
    Password,
}

/// Most bytes of a name that are read.
const LONGEST: usize = 48;

/// The end of a name in small letters, without what joins its words.
pub(crate) struct Name {
    letters: [u8; LONGEST],
    start: usize,
    end: usize,
    /// Whether a word begins at the letter of that index.
    begins: u64,
    /// Where the name begins in the text.
    pub(crate) from: usize,
}

impl Name {
    /// The name that ends at `end`. Words that are joined by one blank belong to it.
    pub(crate) fn ending(bytes: &[u8], end: usize) -> Self {
        let mut name = Self {
            letters: [0; LONGEST],
            start: LONGEST,
            end: LONGEST,
            begins: 0,
            from: end,
        };
        let mut at = end;
        let mut blanks = 0;
        while at > 0 && name.start > 0 {
            let byte = bytes[at - 1];
            if ALNUM.has(byte) {
                name.start -= 1;
                name.letters[name.start] = byte.to_ascii_lowercase();
                let before = at.checked_sub(2).map_or(b' ', |at| bytes[at]);
                let is_joint = !ALNUM.has(before)
                    || (byte.is_ascii_uppercase() && before.is_ascii_lowercase());
                if is_joint {
                    name.begins |= 1 << name.start;
                }
            } else if matches!(byte, b' ' | b'\t') {
                blanks += 1;
                let joins = at > 1 && ALNUM.has(bytes[at - 2]) && blanks < 3;
                if !joins {
                    break;
                }
            } else if !matches!(byte, b'_' | b'-' | b'.') {
                break;
            }
            at -= 1;
        }
        name.from = at;
        name
    }

    /// Whether it says nothing of the value, so that the name before it counts.
    pub(crate) fn is_filler(&self) -> bool {
        matches!(
            self.text(),
            b"value" | b"val" | b"default" | b"content" | b"str" | b"string" | b"text"
        )
    }

    fn text(&self) -> &[u8] {
        &self.letters[self.start..self.end]
    }

    fn ends_with(&self, word: &str) -> bool {
        // Byte by byte: nearly always the last one tells, and a call would cost more.
        let mut text = self.text().iter().rev();
        word.bytes().rev().all(|byte| text.next() == Some(&byte))
    }

    /// Whether it ends with the word, and a word begins there.
    fn ends_with_word(&self, word: &str) -> bool {
        self.ends_with(word) && self.begins & (1 << (self.end - word.len())) != 0
    }

    fn drop_digits(&mut self) {
        while self.start < self.end && DIGIT.has(self.letters[self.end - 1]) {
            self.end -= 1;
        }
    }

    /// What the name says of its value.
    pub(crate) fn sign(mut self) -> Sign {
        self.drop_digits();
        for _ in 0..3 {
            let sign = self.sign_of_end();
            if sign != Sign::None {
                return sign;
            }
            let Some(tail) = self.tail() else {
                break;
            };
            self.end -= tail.len();
            self.drop_digits();
        }
        Sign::None
    }

    /// The words of the lists that end with the same two letters as the name: for most names none.
    fn candidates(&self) -> &'static [(List, &'static str)] {
        match *self.text() {
            [.., before_last, last] => ending_with(before_last, last),
            _ => &[],
        }
    }

    /// A word at the end that says nothing.
    fn tail(&self) -> Option<&'static str> {
        self.candidates()
            .iter()
            .find(|(list, word)| *list == List::Tails && self.ends_with_word(word))
            .map(|(_, word)| *word)
    }

    fn sign_of_end(&self) -> Sign {
        let sign = |(list, word): &(List, &'static str)| {
            let (sign, is_there) = match list {
                List::Harmless => (Sign::Harmless, self.ends_with(word)),
                List::Passwords => (Sign::Password, self.ends_with(word)),
                List::ShortPasswords => (
                    Sign::Password,
                    self.ends_with_word(word) || self.is_joined(word),
                ),
                List::Tokens => (Sign::Token, self.ends_with(word)),
                List::ShortTokens => (Sign::Token, self.ends_with_word(word)),
                List::Weak if *word == "key" => (Sign::Weak, self.ends_with(word)),
                List::Weak => (Sign::Weak, self.ends_with_word(word)),
                List::Tails => return None,
            };
            is_there.then_some(sign)
        };
        self.candidates()
            .iter()
            .find_map(sign)
            .unwrap_or(Sign::None)
    }

    /// Whether a short word for a password ends a name such as `DBPASS`.
    fn is_joined(&self, word: &str) -> bool {
        let text = self.text();
        text.strip_suffix(word.as_bytes()).is_some_and(|front| {
            JOINED
                .iter()
                .any(|joined| front.ends_with(joined.as_bytes()))
        })
    }
}

/// Whether a member, an argument or a header with this name holds a credential.
pub fn is_credential_name(name: &str) -> bool {
    Name::ending(name.as_bytes(), name.len()).sign() >= Sign::Token
}

/// Providers that the text before `end` names, at most 64 bytes away and on the same line: the most telling of them, and
/// whether it stands in the last word.
pub(crate) fn provider_before(bytes: &[u8], end: usize) -> Option<Provider> {
    provider_near(bytes, end, 64)
}

/// As [`provider_before`], at most `near` bytes away.
pub(crate) fn provider_near(bytes: &[u8], end: usize, near: usize) -> Option<Provider> {
    let from = end.saturating_sub(near);
    let window = &bytes[from..end];
    let line = window.iter().rposition(|byte| *byte == b'\n');
    let window = &window[line.map_or(0, |at| at + 1)..];
    let mut best = None;
    let mut word = [0; 24];
    let mut length = 0;
    // The word before, with which a name of two words is made: `new-relic`, `messageBird`.
    let mut before = [0; 24];
    let mut before_length = 0;
    let mut see = |word: &[u8], before: &[u8]| {
        let mut joined = [0; 48];
        let both = before.len() + word.len();
        joined[..before.len()].copy_from_slice(before);
        joined[before.len()..both].copy_from_slice(word);
        // A word for a key right behind the name tells as much as a telling name.
        if provider::named(without_key(word)).is_some() {
            best = Some(Provider::Telling);
        }
        for name in [word, &joined[..both]] {
            match provider::named(name) {
                Some(Provider::Telling) => best = Some(Provider::Telling),
                Some(Provider::Common) if best.is_none() => best = Some(Provider::Common),
                _ => {}
            }
        }
    };
    for (index, &byte) in window.iter().enumerate() {
        let last = index.checked_sub(1).map_or(b' ', |at| window[at]);
        let begins = byte.is_ascii_uppercase() && !last.is_ascii_uppercase();
        if (begins || !ALNUM.has(byte)) && length > 0 {
            see(&word[..length], &before[..before_length]);
            (before, before_length) = (word, length);
            length = 0;
        }
        if ALNUM.has(byte) && length < word.len() {
            word[length] = byte.to_ascii_lowercase();
            length += 1;
        } else if LETTER.has(byte) {
            // Longer than any name.
            length = 0;
        }
    }
    if length > 0 {
        see(&word[..length], &before[..before_length]);
    }
    best
}

/// The word without `key`, `token` or `secret` at its end: `uclassifykey`.
fn without_key(word: &[u8]) -> &[u8] {
    [b"apikey" as &[u8], b"key", b"token", b"secret", b"access"]
        .iter()
        .find_map(|tail| word.strip_suffix(*tail))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::words::{
        HARMLESS, PASSWORDS, SHORT_PASSWORDS, SHORT_TOKENS, TAILS, TOKENS, WEAK,
    };
    use super::*;

    #[test]
    fn every_word_of_the_lists_is_found_by_its_end() {
        for word in TAILS {
            let name = format!("some_password_{word}");
            assert_eq!(sign(&name), Sign::Password, "{name}");
        }
        for word in [
            PASSWORDS,
            SHORT_PASSWORDS,
            TOKENS,
            SHORT_TOKENS,
            WEAK,
            HARMLESS,
        ]
        .concat()
        {
            assert_ne!(sign(word), Sign::None, "{word}");
        }
    }

    fn sign(name: &str) -> Sign {
        Name::ending(name.as_bytes(), name.len()).sign()
    }

    #[test]
    fn names_of_credentials_are_known() {
        for name in [
            "password",
            "DB_PASS",
            "dbPassword1",
            "the password is",
            "PGPASS",
            "user.pwd",
        ] {
            assert_eq!(sign(name), Sign::Password, "{name}");
        }
        for name in [
            "api_key",
            "X-Api-Key",
            "clientSecret",
            "SECRET_KEY_BASE",
            "githubToken2",
            "access token",
            "API key",
            "aws_secret_access_key",
            "Authorization",
            "token_value",
        ] {
            assert_eq!(sign(name), Sign::Token, "{name}");
        }
        assert_eq!(sign("IO_KEY"), Sign::Token);
        assert_eq!(sign("some_key"), Sign::Weak);
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "publicKey",
            "nextPageToken",
            "csrf-token",
            "primary key",
            "compass",
            "git commit",
            "file_sha",
        ] {
            assert_eq!(sign(name), Sign::Harmless, "{name}");
        }
        for name in [
            "credentialsId",
            "tokenizer",
            "keystore",
            "author",
            "token_url",
            "max_tokens",
            "",
        ] {
            assert_eq!(sign(name), Sign::None, "{name}");
        }
    }

    #[test]
    fn providers_are_read_from_names() {
        let named = |text: &str| provider_before(text.as_bytes(), text.len());
        assert_eq!(named("new-relic_key = "), Some(Provider::Telling));
        assert_eq!(named("messageBirdSecret: "), Some(Provider::Telling));
        assert_eq!(named("signupgeniusSECRET="), Some(Provider::Telling));
        assert_eq!(named("github: "), Some(Provider::Common));
        assert_eq!(named("wandb\nkey "), None);
    }
}
