//! JSON Pointers (RFC 6901): taken apart and put together.

use std::borrow::Cow;

use crate::json::Node;

/// The reference tokens of a pointer, escapes resolved; none where it does not begin with `/` (and is not empty). A token
/// with a `~` that is no escape comes out as none.
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

/// The number that a token stands for in an array: digits without leading zeros.
pub(crate) fn array_index(token: &str) -> Option<usize> {
    let plain =
        token.bytes().all(|b| b.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if plain { token.parse().ok() } else { None }
}

/// The pointer from `root` to the entry of that index, which must lie within it.
pub(crate) fn pointer_to(root: Node<'_>, index: u32) -> String {
    let mut pointer = String::new();
    let mut node = root;
    'down: while node.index() < index {
        for (key, value) in node.fields() {
            if index < value.end() {
                pointer.push('/');
                encode_into(&key.content(), &mut pointer);
                node = value;
                continue 'down;
            }
        }
        for (n, element) in node.elements().enumerate() {
            if index < element.end() {
                pointer.push('/');
                pointer.push_str(&n.to_string());
                node = element;
                continue 'down;
            }
        }
        break;
    }
    pointer
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

fn encode_into(token: &str, pointer: &mut String) {
    for char in token.chars() {
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
