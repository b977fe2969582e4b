//! Ids and progress tokens as comparable values: a server may return `1.0` as `1`, or `"\u0041"` as `"A"`.

use sandgate_message::{Id, Json, Kind, Limits, Node};

/// The value of an id or token, independent of its spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A whole number that is not negative.
    Number(u64),
    /// Any other number, in its shortest spelling.
    Odd(Box<str>),
    /// A string.
    Text(Box<str>),
}

impl Key {
    pub(crate) fn of_id(id: &Id) -> Self {
        match number(id.as_str()) {
            Some(key) => key,
            None => {
                let json = Json::parse(id.as_str().to_owned(), &Limits::default());
                let text = json
                    .ok()
                    .and_then(|json| json.root().string().map(|text| text.into_owned()));
                Self::Text(text.unwrap_or_else(|| id.as_str().to_owned()).into())
            }
        }
    }

    /// The key as JSON.
    pub(crate) fn as_json(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Odd(text) => text.to_string(),
            Self::Text(text) => Json::string(text).as_str().to_owned(),
        }
    }

    /// The key of a JSON value; `None` if it is neither a number nor a string.
    pub(crate) fn of_node(node: Node<'_>) -> Option<Self> {
        match node.kind() {
            Kind::Number => number(node.as_str()),
            Kind::String => node.string().map(|text| Self::Text(text.into())),
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<Key> {
    if text.starts_with('"') {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Key::Number(number));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Key::Odd(number.to_string().into()));
    }
    // Up to 2^53 a whole float equals the integer. Beyond, two integers may be one float, so the text decides.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    Some(match text.parse::<f64>() {
        Ok(float) if float.fract() == 0.0 && (0.0..EXACT).contains(&float) => {
            Key::Number(float as u64)
        }
        Ok(float) if float.abs() < EXACT => Key::Odd(float.to_string().into()),
        _ => Key::Odd(text.into()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(text: &str) -> Key {
        Key::of_id(
            &Id::from_json(&Json::parse(text.to_owned(), &Limits::default()).unwrap()).unwrap(),
        )
    }

    #[test]
    fn spelling_does_not_make_another_id() {
        assert_eq!(key("1"), key("1.0"));
        assert_eq!(key("1"), key("10e-1"));
        assert_eq!(key("-3"), key("-3.0"));
        assert_eq!(key(r#""A""#), key(r#""\u0041""#));
    }

    #[test]
    fn type_and_value_do() {
        assert_ne!(key("1"), key(r#""1""#));
        assert_ne!(key("1"), key("1.5"));
        assert_ne!(key("9007199254740993"), key("9007199254740992"));
        assert_ne!(
            key("99999999999999999999999"),
            key("99999999999999999999998")
        );
    }
}
