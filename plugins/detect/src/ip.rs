//! Detects IP addresses.

use std::net::Ipv6Addr;

use crate::context::{Context, VERSION};
use crate::number::{Gap, Number};

/// The end of the address with a prefix length (`/24`) or zone (`%eth0`) that follows it, of at most 15 characters.
pub(crate) fn suffix_end(bytes: &[u8], end: usize) -> usize {
    let is_part: fn(&u8) -> bool = match bytes.get(end) {
        Some(b'/') => u8::is_ascii_digit,
        Some(b'%') => u8::is_ascii_alphanumeric,
        _ => return end,
    };
    match bytes[end + 1..]
        .iter()
        .take_while(|byte| is_part(byte))
        .count()
    {
        count @ 1..=15 => end + 1 + count,
        _ => end,
    }
}

/// Whether four groups, beginning with group `first`, form an IPv4 address.
pub(crate) fn is_v4(number: &Number, first: usize, context: &Context) -> bool {
    let Some(groups) = number.groups().get(first..first + 4) else {
        return false;
    };
    let octet = |digits: &[u8]| {
        digits
            .iter()
            .fold(0u32, |octet, &digit| octet * 10 + u32::from(digit))
    };
    let mut octets = [0; 4];
    for (place, group) in octets.iter_mut().zip(groups) {
        let digits = number.digits(std::slice::from_ref(group));
        if digits.len() > 3 || (digits.len() > 1 && digits[0] == 0) {
            return false;
        }
        *place = octet(digits);
    }
    let outer = [groups[0].gap, number.gap_after(first + 3)];
    groups[1..].iter().all(|group| group.gap == Gap::Dot)
        && outer.iter().all(|gap| {
            matches!(
                gap,
                Gap::Edge | Gap::Space | Gap::Slash | Gap::Parenthesis | Gap::Hyphen
            )
        })
        && octets.iter().all(|octet| *octet < 256)
        && !is_nobodys(octets)
        && !context.says_within(&VERSION, groups[0].start, 16)
}

/// Whether the address is nobody's: it begins with 0, 127 (loopback) or 255 (a net mask), or all its numbers are below
/// 10, as in versions of software.
fn is_nobodys(octets: [u32; 4]) -> bool {
    octets[0] == 0 || octets[0] == 127 || octets[0] == 255 || octets.iter().all(|octet| *octet < 10)
}

/// The longest text form of an IPv6 address, with an embedded IPv4 address.
const V6: usize = 45;

/// The start and end of the IPv6 address around the colon at `at`. The address does not begin before `floor`.
pub(crate) fn v6_around(bytes: &[u8], at: usize, floor: usize) -> Option<(usize, usize)> {
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let before = bytes[floor..at].iter().rev().take(5);
    let start = at - before.take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut end = at + bytes[at..].iter().take(V6 + 1).take_while(is_part).count();
    // A full stop or colon after the address is not part of it.
    while end > start
        && (bytes[end - 1] == b'.' || (bytes[end - 1] == b':' && !bytes[..end].ends_with(b"::")))
    {
        end -= 1;
    }
    let goes_on = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at));
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    };
    if end - start < 3 || goes_on(start.checked_sub(1)) || goes_on(Some(end)) {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(&bytes[start..end]).ok()?.parse().ok()?;
    let is_somebodys = !address.is_unspecified() && !address.is_loopback();
    is_somebodys.then(|| (start, suffix_end(bytes, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> bool {
        let Some(start) = text.find(|character: char| character.is_ascii_digit()) else {
            return false;
        };
        is_v4(
            &Number::read(text.as_bytes(), start),
            0,
            &Context {
                text,
                key: &String::new,
            },
        )
    }

    fn v6(text: &str) -> Option<&str> {
        let (start, end) = v6_around(text.as_bytes(), text.find(':')?, 0)?;
        Some(&text[start..end])
    }

    #[test]
    fn four_octets_are_an_address_and_versions_are_none() {
        assert!(v4("from 203.0.113.9 to"));
        assert!(v4("10.20.30.40/24"));
        for text in [
            "192.168.1",
            "192.168.1.256",
            "1.2.3.4.5",
            "version 10.20.30.40",
            "v10.20.30.40",
            "127.0.0.1",
            "255.255.255.0",
            "01.2.3.4",
        ] {
            assert!(!v4(text), "{text}");
        }
    }

    #[test]
    fn eight_groups_or_a_double_colon_are_an_address_of_version_6() {
        assert_eq!(v6("at 2001:db8::8a2e:370,"), Some("2001:db8::8a2e:370"));
        assert_eq!(
            v6("b61b:459a:af56:a12c:d4aa:582d:e905:1fb6"),
            Some("b61b:459a:af56:a12c:d4aa:582d:e905:1fb6")
        );
        assert_eq!(v6("::ffff:192.168.1.1"), Some("::ffff:192.168.1.1"));
        assert_eq!(v6("fe80::1%eth0 2001:db8::/32"), Some("fe80::1%eth0"));
        assert_eq!(v6("on 2001:db8::/32."), Some("2001:db8::/32"));
        for text in [
            "12:34:56",
            "std::cout",
            "aa:bb:cc:dd:ee:ff",
            "::",
            "::1",
            "fe80::1text",
            "2001::db8::1",
            "text2001:db8::1",
            "2001:db8::256.1.1.1",
        ] {
            assert_eq!(v6(text), None, "{text}");
        }
    }
}
