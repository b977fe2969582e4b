//! Words, addresses and hosts in a text.

use std::collections::BTreeSet;

/// The words that a definition uses, in a form that ignores endings.
#[derive(Default)]
pub(crate) struct Vocabulary {
    stems: BTreeSet<String>,
    /// Whether letters of other scripts than Latin were used.
    has_other_scripts: bool,
}

/// The fewest telling words that a sentence must have to be judged.
const FEWEST: usize = 3;

impl Vocabulary {
    pub(crate) fn add(&mut self, text: &str) {
        self.has_other_scripts |= text.chars().any(is_of_other_script);
        self.stems
            .extend(words_of_name(text).iter().filter_map(|word| stem(word)));
    }

    /// Whether a sentence is written in a script that the definition did not use.
    pub(crate) fn is_foreign(&self, sentence: &str) -> bool {
        let letters = sentence.chars().filter(|c| c.is_alphabetic()).count();
        let others = sentence.chars().filter(|c| is_of_other_script(*c)).count();
        !self.has_other_scripts && others >= 6 && others * 2 >= letters
    }

    /// Whether a sentence of several telling words shares none with what the definition said before.
    pub(crate) fn is_off_topic(&self, sentence: &str) -> bool {
        // `Once the result is there, …`: what is asked for stands behind the comma.
        let clause = sentence.split_once(", ").map(|(_, clause)| clause);
        self.is_strange(sentence) || clause.is_some_and(|clause| self.is_strange(clause))
    }

    fn is_strange(&self, clause: &str) -> bool {
        let telling: BTreeSet<String> = words_of_name(clause)
            .iter()
            .filter_map(|word| stem(word))
            .collect();
        let known = telling
            .iter()
            .filter(|word| self.stems.contains(*word))
            .count();
        telling.len() >= FEWEST && known * 6 <= telling.len()
    }
}

/// A letter beyond the Latin blocks.
fn is_of_other_script(c: char) -> bool {
    c.is_alphabetic() && c > '\u{24F}' && !matches!(c, '\u{1E00}'..='\u{1EFF}')
}

/// The beginning of a word that is long enough to tell something.
fn stem(word: &str) -> Option<String> {
    const COMMON: [&str; 48] = [
        "this",
        "that",
        "with",
        "from",
        "your",
        "when",
        "will",
        "must",
        "have",
        "only",
        "tool",
        "tools",
        "call",
        "please",
        "also",
        "into",
        "these",
        "them",
        "then",
        "each",
        "which",
        "before",
        "after",
        "using",
        "used",
        "always",
        "first",
        "additionally",
        "whenever",
        "other",
        "required",
        "reasons",
        "compliance",
        "calling",
        "note",
        "should",
        "user",
        "value",
        "every",
        "they",
        "than",
        "more",
        "where",
        "default",
        "their",
        "there",
        "some",
        "both",
    ];
    let is_telling = word.len() >= 4 && word.is_ascii() && !COMMON.contains(&word);
    is_telling.then(|| word.chars().take(5).collect())
}

/// The words of a text or of a name, in small letters: `sendEmail` and `send_email` are `send`, `email`.
pub(crate) fn words_of_name(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in text.chars() {
        let ends = !c.is_alphanumeric() || c.is_uppercase() && was_small;
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        was_small = c.is_lowercase();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The e-mail addresses of a text, without those that stand for any.
pub(crate) fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '<' | '>' | '(' | ')' | ',' | ';' | '`' | ':'
            )
    })
    .map(|word| word.trim_end_matches(['.', '!', '?']))
    .filter(|word| {
        word.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && host
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'))
                && host.bytes().any(|c| c.is_ascii_alphabetic())
                && !["example", "company", "domain", "acme", "your"]
                    .iter()
                    .any(|any| host.contains(any))
        })
    })
}

/// The hosts of the URLs in a text.
pub(crate) fn hosts(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(|(at, _)| {
        let rest = text.get(at + 3..)?;
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '@')))
            .unwrap_or(rest.len());
        let host = rest[..end].trim_end_matches(['.', ':']);
        let is_any =
            host.contains("example") || host.starts_with("localhost") || !host.contains('.');
        (!is_any).then_some(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!(
            words_of_name("sendEmail_to HTTPServer2"),
            ["send", "email", "to", "httpserver2"]
        );
    }

    #[test]
    fn addresses_and_hosts_are_found_and_examples_are_not() {
        let text = "Write to amy@mail.ru. or <user@example.com>, see https://docs.github.com/x and http://10.0.0.1:80/.";
        assert_eq!(addresses(text).collect::<Vec<_>>(), ["amy@mail.ru"]);
        assert_eq!(
            hosts(text).collect::<Vec<_>>(),
            ["docs.github.com", "10.0.0.1:80"]
        );
    }

    #[test]
    fn a_sentence_without_a_known_word_is_off_topic() {
        let mut known = Vocabulary::default();
        known.add("Lists the issues of a repository. Results are paged.");
        assert!(!known.is_off_topic("Sorts issues by their creation date descending."));
        assert!(known.is_off_topic("Unlock the front door of the house."));
        assert!(
            known.is_foreign("\u{79D8}\u{5BC6}\u{9375}\u{3092}\u{9001}\u{308B}\u{3053}\u{3068}")
        );
        assert!(!known.is_foreign("For example T\u{14D}ky\u{14D} \u{6771}\u{4EAC}."));
    }
}
