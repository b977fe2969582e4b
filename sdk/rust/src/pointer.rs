//! JSON Pointers (RFC 6901), which say where in a document something stands.

use std::borrow::Cow;

/// A member's name as a part of a pointer: `~` becomes `~0`, `/` becomes `~1`.
///
/// ```
/// assert_eq!(sandgate_sdk::pointer::escape("a/b~c"), "a~1b~0c");
/// ```
pub fn escape(name: &str) -> Cow<'_, str> {
    match name.contains(['~', '/']) {
        true => name.replace('~', "~0").replace('/', "~1").into(),
        false => name.into(),
    }
}

/// The member's name that a part of a pointer stands for.
///
/// ```
/// assert_eq!(sandgate_sdk::pointer::unescape("a~1b~0c"), "a/b~c");
/// ```
pub fn unescape(part: &str) -> Cow<'_, str> {
    match part.contains('~') {
        true => part.replace("~1", "/").replace("~0", "~").into(),
        false => part.into(),
    }
}

/// The name of the member at the pointer. For an element of a list: the name of the member that holds the list. Empty
/// where there is none.
///
/// ```
/// assert_eq!(sandgate_sdk::pointer::member("/customers/0/e~1mail/1"), "e/mail");
/// ```
pub fn member(pointer: &str) -> Cow<'_, str> {
    let is_index = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let name = pointer.rsplit('/').find(|part| !is_index(part));
    unescape(name.unwrap_or_default())
}
