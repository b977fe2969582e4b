//! What the name of a tool says: its words, the verb among them, and the application before the verb.

use crate::vocabulary::{self, Verb};

/// The most words of a name that are read.
const MOST: usize = 12;

/// The words of a name, in lower case.
pub(crate) struct Name {
    words: Vec<String>,
    verb: Option<(usize, Verb)>,
}

impl Name {
    /// Reads `camelCase`, `PascalCase`, `snake_case`, `kebab-case` and dots.
    pub(crate) fn read(name: &str) -> Self {
        let words = words(name);
        // The first verb that does something counts; `get_post` and `ReadEmail` have theirs at the front, where one that
        // is a noun too (`post`, `email`) is a verb only there or as the first after an application.
        let verb = words.iter().enumerate().find_map(|(at, word)| {
            let verb = vocabulary::verb(word)?;
            Some((at, verb))
        });
        Self { words, verb }
    }

    /// The verb.
    pub(crate) fn verb(&self) -> Option<Verb> {
        self.verb.map(|(_, verb)| verb)
    }

    /// The first word of the application before the verb: `Amazon` of `AmazonGetProductDetails`.
    pub(crate) fn application(&self) -> Option<&str> {
        match self.verb {
            Some((at, _)) if at > 0 => self.words.first().map(String::as_str),
            _ => None,
        }
    }

    /// The words that are not the verb, nor the application where there are others.
    pub(crate) fn nouns(&self) -> impl Iterator<Item = &str> {
        let at = self.verb.map(|(at, _)| at);
        self.words
            .iter()
            .enumerate()
            .filter(move |(index, _)| Some(*index) != at)
            .map(|(_, word)| word.as_str())
    }

    /// Those after the verb.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        let from = self.verb.map_or(0, |(at, _)| at + 1);
        self.words.iter().skip(from).map(String::as_str)
    }
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = name.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let next_is_small = characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = character.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || before.is_uppercase() && next_is_small);
        if (begins || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
            if words.len() == MOST {
                return words;
            }
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_people_read_them() {
        for (name, wanted) in [
            ("AmazonGetProductDetails", "amazon get product details"),
            ("send_direct_message", "send direct message"),
            ("browser-navigate", "browser navigate"),
            ("getHTMLPage", "get html page"),
            ("The23andMeShareData", "the23and me share data"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), wanted);
        }
    }

    #[test]
    fn the_application_stands_before_the_verb() {
        let of = |name| Name::read(name).application().map(str::to_owned);
        assert_eq!(of("AmazonGetProductDetails").as_deref(), Some("amazon"));
        assert_eq!(of("get_user_details"), None);
        assert_eq!(of("weather"), None);
    }
}
