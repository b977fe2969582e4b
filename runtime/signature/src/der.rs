//! DER, read as it is written: a tag of one byte, a length in its shortest form, a value.

/// The tags that are looked for.
pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The largest number of elements of one sequence.
const MOST: usize = 256;

/// One element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// Tag, length and value.
    pub(crate) whole: &'a [u8],
}

/// The next element, which is taken off the front.
pub(crate) fn next<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let all = *rest;
    let (&tag, after) = all.split_first()?;
    // Tags of several bytes stand nowhere in what is read here.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, after) = after.split_first()?;
    let (length, after) = match first {
        0..=0x7f => (usize::from(first), after),
        0x81..=0x84 => {
            let (digits, after) = after.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            let shortest = digits.first()? != &0 && length > 0x7f;
            shortest.then_some((length, after))?
        }
        _ => return None,
    };
    let (value, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(Element {
        tag,
        value,
        whole: &all[..all.len() - after.len()],
    })
}

/// All elements of a value; `None`: it is no row of elements.
pub(crate) fn all(mut value: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !value.is_empty() {
        elements.push(next(&mut value)?);
        if elements.len() > MOST {
            return None;
        }
    }
    Some(elements)
}

/// The value of the one element that the bytes are.
pub(crate) fn only(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let element = next(&mut bytes)?;
    (element.tag == tag && bytes.is_empty()).then_some(element.value)
}

/// The elements of the one sequence that the bytes are.
pub(crate) fn sequence(bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    all(only(bytes, SEQUENCE)?)
}

/// An element with this value.
pub(crate) fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let digits = value.len().to_be_bytes();
            let skipped = digits.iter().take_while(|&&digit| digit == 0).count();
            let digits = &digits[skipped..];
            // At most eight digits.
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_longer_than_it_must_be() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let value = vec![7; length];
            let written = element(OCTET_STRING, &value);
            assert_eq!(only(&written, OCTET_STRING), Some(&value[..]), "{length}");
            assert_eq!(only(&written[..written.len() - 1], OCTET_STRING), None);
            assert_eq!(only(&[&written[..], &[0]].concat(), OCTET_STRING), None);
        }
        for wrong in [
            &[0x04, 0x80][..],
            &[0x04, 0x81, 0x01, 7],
            &[0x04, 0x82, 0x00, 0x81],
            &[0x1f, 0x01, 7],
            &[0x04, 0x85, 0, 0, 0, 0, 1, 7],
            &[0x04],
            &[],
        ] {
            assert!(next(&mut &*wrong).is_none(), "{wrong:?}");
        }
    }
}
