//! The machine-readable part of a tool's result or of a log message: the places of its texts, and its long numbers. All
//! are found with one call to the host and one pass, because a call for each place would make the gateway walk the
//! document again.

use sandgate_sdk::{Document, Error};

use crate::json::leaves;

/// The pointer in a tool's result.
pub(crate) const STRUCTURED: &str = "/structuredContent";
/// The pointer in a log message.
pub(crate) const DATA: &str = "/data";

/// Fewest digits of a number that is checked. A telephone number has six.
pub(crate) const LONG: usize = 6;

/// The places of the texts in the machine-readable part, and its long numbers.
pub(crate) struct Structured {
    /// The pointer of the part in the document.
    pub(crate) at: &'static str,
    /// The index of the part's first text among the document's texts.
    first: usize,
    /// The pointers of the part's texts, joined into one string.
    pointers: String,
    /// Where each pointer ends in `pointers`.
    ends: Vec<usize>,
    /// Pointer and digits of each whole, non-negative number with [`LONG`] digits or more.
    pub(crate) numbers: Vec<(String, String)>,
}

impl Structured {
    /// Reads the part at `at`. `None` where the document has no such part. `texts` is the number of texts in the
    /// document.
    ///
    /// # Errors
    ///
    /// The document's texts do not match the part.
    pub(crate) fn of(
        document: &Document,
        at: &'static str,
        texts: usize,
    ) -> Result<Option<Self>, Error> {
        let Some(json) = document.get(at) else {
            return Ok(None);
        };
        let mut structured = Self {
            at,
            first: 0,
            pointers: String::new(),
            ends: Vec::new(),
            numbers: Vec::new(),
        };
        leaves(&json, &mut |leaf| {
            if leaf.is_string {
                structured.pointers += leaf.pointer;
                structured.ends.push(structured.pointers.len());
            } else if leaf.end - leaf.start >= LONG {
                let digits = json[leaf.start..leaf.end].to_owned();
                structured.numbers.push((leaf.pointer.to_owned(), digits));
            }
        });
        structured.first = structured.find(document, texts)?;
        Ok(Some(structured))
    }

    /// The pointer, within the part, of the document's text with that index. `None` where the text is outside the part.
    pub(crate) fn pointer(&self, text: usize) -> Option<&str> {
        let index = text.checked_sub(self.first)?;
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.pointers[start..end])
    }

    /// The index of the part's first text among the document's texts. Every string of the part is a text of the
    /// document, and these texts are consecutive.
    fn find(&self, document: &Document, texts: usize) -> Result<usize, Error> {
        let count = self.ends.len();
        if count == 0 {
            return Ok(texts);
        }
        let stands = |text: usize, index: usize| {
            let pointer = document.text_pointer(u32::try_from(text).ok()?)?;
            let end = self.ends[index];
            let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            (pointer.strip_prefix(self.at) == Some(&self.pointers[start..end])).then_some(())
        };
        let begins = |first: &usize| {
            stands(*first, 0).is_some() && stands(first + count - 1, count - 1).is_some()
        };
        // The part is nearly always last or first in the document.
        let last = texts.saturating_sub(count);
        let found = [last, 0].into_iter().find(begins);
        let found = found.or_else(|| Some(self.search(document, texts)).filter(begins));
        found.ok_or_else(|| {
            Error::new("the texts of the structured content are not where they should be")
        })
    }

    /// The index of the first text that stands in the part or behind it. Each look halves what is left: a look makes the
    /// gateway walk the document.
    fn search(&self, document: &Document, texts: usize) -> usize {
        let mut members: Vec<String> = Vec::new();
        leaves(&document.json(), &mut |leaf| {
            let member = member(leaf.pointer);
            if members.last().is_none_or(|last| last != member) {
                members.push(member.to_owned());
            }
        });
        let rank = |pointer: &str| members.iter().position(|name| name == member(pointer));
        let own = rank(self.at);
        let (mut low, mut high) = (0, texts);
        while low < high {
            let middle = low + (high - low) / 2;
            let pointer = u32::try_from(middle)
                .ok()
                .and_then(|middle| document.text_pointer(middle));
            match pointer.and_then(|pointer| rank(&pointer)) < own {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

/// The name of the document's member in which the pointer leads.
fn member(pointer: &str) -> &str {
    let path = pointer.strip_prefix('/').unwrap_or(pointer);
    path.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sandgate_sdk::testing::document;

    /// Compares the places with those that the document gives.
    fn agrees(json: &str) -> Structured {
        let reply = document(json);
        let texts = reply.texts().len();
        let structured = Structured::of(&reply, STRUCTURED, texts).unwrap().unwrap();
        for text in 0..=texts {
            let pointer = reply.text_pointer(text as u32);
            let within = pointer
                .as_deref()
                .and_then(|pointer| pointer.strip_prefix(STRUCTURED));
            let within = within.filter(|rest| rest.is_empty() || rest.starts_with('/'));
            assert_eq!(structured.pointer(text), within, "text {text} of {json}");
        }
        structured
    }

    #[test]
    fn places_are_the_documents_own() {
        agrees(
            r#"{"content":[{"type":"text","text":"a"}],"structuredContent":{"z":"1","a":["2",{"b/~":"3"},[]],"e":{},"n":null}}"#,
        );
        agrees(
            r#"{"structuredContent" : [ "x" , 1 , true, "\"\\" ] ,"content":[{"type":"text","text":"a"}]}"#,
        );
        agrees(r#"{"structuredContentX":["u","u"],"structuredContent":"alone","_meta":{"k":"v"}}"#);
        agrees(r#"{"content":[{"type":"text","text":"a"}],"structuredContent":{},"x":"y"}"#);
        agrees(r#"{"a":"1","structuredContent":["2","3"],"structuredContent2":["4"],"b":"5"}"#);
        let many = r#""x","#.repeat(200);
        agrees(&format!(
            r#"{{"content":[{many}"y"],"n":1,"structuredContent":["x","x"],"z":[{many}"x"]}}"#
        ));
        agrees(r#"{"structuredContent":{"caf\u00e9 \"q\"":"1","é":"2"}}"#);
    }

    #[test]
    fn only_long_whole_numbers_are_listed() {
        let structured = agrees(
            r#"{"structuredContent":{"a":4111111111111111,"b":12345,"c":-4111111111111111,"d":411111111.5,"e":"4111111111111111","f":[123456789 ],"g":1e400}}"#,
        );
        let numbers: Vec<_> = structured
            .numbers
            .iter()
            .map(|(pointer, digits)| (pointer.as_str(), digits.as_str()))
            .collect();
        assert_eq!(numbers, [("/a", "4111111111111111"), ("/f/0", "123456789")]);
    }

    #[test]
    fn without_it_there_is_nothing() {
        assert!(
            Structured::of(&document(r#"{"content":[]}"#), STRUCTURED, 0)
                .unwrap()
                .is_none()
        );
    }
}
