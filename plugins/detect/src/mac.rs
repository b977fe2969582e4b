//! Detects hardware addresses (48 bits).

use crate::context::Context;
use crate::words::Topic;

/// Length of six pairs with separators.
const LENGTH: usize = 17;

/// The end of the hardware address that begins at `start`, where the words before speak of one.
pub(crate) fn end(bytes: &[u8], start: usize, context: &Context) -> Option<usize> {
    let text = bytes.get(start..bytes.len().min(start + LENGTH))?;
    let separator = *text.get(2)?;
    let fits = text.len() == LENGTH
        && matches!(separator, b':' | b'-')
        && text.chunks(3).all(|pair| {
            pair[0].is_ascii_hexdigit()
                && pair[1].is_ascii_hexdigit()
                && pair.get(2).is_none_or(|byte| *byte == separator)
        })
        && !bytes
            .get(start + LENGTH)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_'));
    // Some devices write three groups of four.
    let groups = bytes.get(start..start + 14).filter(|text| {
        text.chunks(5).all(|group| {
            group[..4].iter().all(u8::is_ascii_hexdigit)
                && group.get(4).is_none_or(|byte| *byte == b'.')
        })
    });
    if groups.is_some()
        && !bytes
            .get(start + 14)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
    {
        return context.says(Topic::Mac, start).then_some(start + 14);
    }
    // All zeros and all ones are nobody's.
    let is_nobodys = |digit: u8| {
        text.iter()
            .all(|byte| byte.eq_ignore_ascii_case(&digit) || *byte == separator)
    };
    (fits && !is_nobodys(b'0') && !is_nobodys(b'f') && context.says(Topic::Mac, start))
        .then_some(start + LENGTH)
}
