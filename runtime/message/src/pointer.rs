//! JSON Pointers (RFC 6901): parsing and building.

use std::borrow::Cow;

/// The reference tokens of a pointer, escapes resolved. `None` if the pointer is neither empty nor begins with `/`. A
/// token with an invalid `~` escape yields `None`.
pub(crate) fn tokens(pointer: &str) -> Option<impl Iterator<Item = Option<Cow<'_, str>>>> {
    let mut rest = match pointer.strip_prefix('/') {
        Some(rest) => Some(rest),
        None if pointer.is_empty() => None,
        None => return None,
    };
    Some(std::iter::from_fn(move || {
        let (token, after) = match rest?.split_once('/') {
            Some((token, after)) => (token, Some(after)),
            None => (rest?, None),
        };
        rest = after;
        Some(decode(token))
    }))
}

/// The array index that a token stands for: digits without leading zeros.
pub(crate) fn array_index(token: &str) -> Option<usize> {
    let plain =
        token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if plain { token.parse().ok() } else { None }
}

fn decode(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut plain = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(char) = chars.next() {
        plain.push(match char {
            '~' => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(plain))
}

/// Appends a member's name, or an index, to a pointer.
pub fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    for char in name.chars() {
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// A member's name as a part of a pointer: `~` becomes `~0`, `/` becomes `~1`.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The member's name that a part of a pointer stands for. A `~` that escapes nothing stays.
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use crate::json::Json;
    use crate::json_error::Limits;

    fn document() -> Json {
        // The example of RFC 6901, plus an array with more than nine elements.
        let text = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8,"\u0061b":[0,1,2,3,4,5,6,7,8,9,10],"-":7}"#;
        Json::parse(text, &Limits::default()).expect("valid")
    }

    fn at(pointer: &str) -> Option<String> {
        document().at(pointer).map(|json| json.as_str().into())
    }

    #[test]
    fn a_pointer_leads_to_what_rfc_6901_says() {
        assert_eq!(at(""), Some(document().as_str().into()));
        for (pointer, value) in [
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/m~0n", "8"),
            ("/ab/10", "10"),
            ("/-", "7"),
        ] {
            assert_eq!(at(pointer).as_deref(), Some(value), "{pointer}");
        }
    }

    #[test]
    fn a_pointer_to_nothing_leads_nowhere() {
        for pointer in [
            "foo", "/foo/2", "/foo/-", "/foo/00", "/foo/+0", "/foo/01", "/foo/ 0", "/foo/0/x",
            "/nope", "/m~n", "/m~2n", "/~",
        ] {
            assert_eq!(at(pointer), None, "{pointer}");
        }
        assert_eq!(at("/foo/99999999999999999999999999"), None);
    }

    #[test]
    fn the_pointer_to_a_value_leads_back_to_it() {
        let document = document();
        let strings = document.strings();
        for n in 0..strings.ends.len() as u32 {
            let pointer = document.string_pointer(n).expect("stands somewhere");
            assert!(document.at(&pointer).is_some(), "{pointer}");
        }
        assert_eq!(document.string_pointer(1).as_deref(), Some("/foo/1"));
        let odd = Json::parse(r#"{"a/b":{"m~n":[[],["x"]]}}"#, &Limits::default()).expect("valid");
        assert_eq!(odd.string_pointer(0).as_deref(), Some("/a~1b/m~0n/1/0"));
    }
}
