//! What forms and queries hold.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The most bytes of a form.
pub(crate) const LARGEST: usize = 16 << 10;
/// The most fields.
const FIELDS: usize = 32;

/// The fields of a form or query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads the text. Of a field that comes twice, and of what is no text, nothing is known.
    pub(crate) fn read(text: &str) -> Self {
        let mut fields = BTreeMap::new();
        let mut twice = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()).take(FIELDS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decoded(name), decoded(value))
                && fields.insert(name.clone(), value).is_some()
            {
                twice.push(name);
            }
        }
        fields.retain(|name, _| !twice.contains(name));
        Self(fields)
    }

    /// A field, without white space around it; empty where it is left out.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// A field that is not empty.
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name).to_owned()).filter(|value| !value.is_empty())
    }

    /// A field as it was written.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

pub(crate) fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// A value for a query or a segment of a path.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A query of the fields that are not empty.
pub(crate) fn query(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_once_and_come_back_the_same() {
        let form = Form::read("a=1&b=x+y%26z&c=%ff&d=1&d=2&e");
        assert_eq!((form.get("a"), form.get("b")), ("1", "x y&z"));
        assert_eq!((form.get("c"), form.get("d"), form.get("e")), ("", "", ""));
        let text = "<a&b=\"ü\">";
        assert_eq!(Form::read(&query(&[("q", text), ("r", "")])).get("q"), text);
    }
}
