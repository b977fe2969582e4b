//! Detects IP addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::context::Context;
use crate::number::{Gap, Number};
use crate::words::Topic;

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
pub(crate) fn is_v4(bytes: &[u8], number: &Number, first: usize, context: &Context) -> bool {
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
    let (start, end) = (groups[0].start, groups[3].end);
    let loose = |gap: Gap| matches!(gap, Gap::Edge | Gap::Space | Gap::Slash | Gap::Parenthesis);
    // A range of addresses has another address after its hyphen; a version has a revision.
    let is_range = |gap: Gap, groups: usize| gap == Gap::Hyphen && groups >= 4;
    groups[1..].iter().all(|group| group.gap == Gap::Dot)
        && (loose(groups[0].gap) || is_range(groups[0].gap, first))
        && (loose(number.gap_after(first + 3))
            || is_range(
                number.gap_after(first + 3),
                number.groups().len() - first - 4,
            ))
        && octets.iter().all(|octet| *octet < 256)
        && !is_version(octets, bytes, start, end, context)
}

/// Whether the address is rather a version of software: all its numbers are below 10, an operator or a name is before
/// it, or the words around call it one. Without a word such as "ip", small numbers with a zero between are one, too.
fn is_version(octets: [u32; 4], bytes: &[u8], start: usize, end: usize, context: &Context) -> bool {
    let called = context.says(Topic::Ip, start);
    let before = |n: usize| start.checked_sub(n).map(|at| bytes[at]);
    let is_operator = match before(1) {
        Some(byte) if byte.is_ascii_alphanumeric() => true,
        Some(b'=') => matches!(before(2), Some(b'=' | b'~' | b'>' | b'<' | b'^' | b'!')),
        Some(b'/') => before(2).is_some_and(|byte| byte.is_ascii_alphanumeric()),
        Some(b'-') => before(2).is_some_and(|byte| byte.is_ascii_alphabetic()),
        Some(b'~' | b'^' | b'>' | b'<' | b'@' | b'#' | b'$' | b'\\') => {
            bytes.get(end) != Some(&b'<')
        }
        _ => false,
    };
    let is_revision =
        bytes.get(end) == Some(&b'-') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphabetic);
    let is_file =
        bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphabetic);
    let is_small =
        octets.iter().all(|octet| *octet < 10) && octets != [1, 1, 1, 1] && octets != [8, 8, 8, 8];
    is_operator
        || is_file
        || is_revision
        || (is_small && !called)
        || (!called && octets[0] != 10 && octets.iter().all(|octet| *octet < 50) && !is_small)
        || (!called
            && octets[0] <= 2
            && octets.iter().all(|octet| *octet < 100)
            && octets[1..] != [1, 1, 1]
            && octets[1..] != [0, 0, 1])
        || (!called && octets[0] <= 30 && octets[0] != 10 && octets[1..3].contains(&0))
        || (context.says_within(Topic::Version, start, 24)
            && !context.is_nearer(Topic::Ip, Topic::Version, start))
        || context.is_named(Topic::Version)
}

/// Whether an address belongs to nobody in particular: of this host or network, private, link-local, for documentation,
/// for several receivers, or reserved. The value may have a prefix length or a zone.
///
/// 198.18.0.0/15 and 2001:db8::/32 count as public: recordings put them in the place of public addresses, and have to be
/// judged as those.
pub fn is_private(value: &str) -> bool {
    let address = value.split(['/', '%']).next().unwrap_or(value);
    match address.parse() {
        Ok(IpAddr::V4(address)) => is_private_v4(address),
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => is_private_v4(address),
            None => {
                let [first, second, ..] = address.segments();
                address.is_unspecified()
                    || address.is_loopback()
                    || matches!(first & 0xfe00, 0xfc00)
                    || matches!(first & 0xffc0, 0xfe80 | 0xfec0)
                    || first & 0xff00 == 0xff00
                    || (first, second) == (0x100, 0)
            }
        },
        Err(_) => false,
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
}

/// The longest text form of an IPv6 address, with an embedded IPv4 address.
const V6: usize = 45;

/// The start and end of the IPv6 address around the colon at `at`. The address does not begin before `floor`.
pub(crate) fn v6_around(
    bytes: &[u8],
    at: usize,
    floor: usize,
    context: &Context,
) -> Option<(usize, usize)> {
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
    let end = suffix_end(bytes, end);
    is_written(bytes, start, end, address, context).then_some((start, end))
}

/// Whether the text is an address and not code or another identifier that can be read as one.
fn is_written(
    bytes: &[u8],
    start: usize,
    end: usize,
    address: Ipv6Addr,
    context: &Context,
) -> bool {
    let text = &bytes[start..end];
    let mut groups = text.split(|byte| *byte == b':');
    if !text.windows(2).any(|pair| pair == b"::") {
        // Eight pairs are a hardware address of 64 bits.
        return groups.any(|group| group.len() > 2);
    }
    // In `x[1::2]` and `a::b` the colons are code.
    let is_index = start.checked_sub(1).is_some_and(|at| bytes[at] == b'[')
        && start.checked_sub(2).is_some_and(|at| {
            bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b']' | b')')
        });
    let has_digit = text.iter().any(u8::is_ascii_digit);
    let first = groups.next().unwrap_or_default();
    let is_global = first.len() >= 3
        && (0x2000..0x4000).contains(&address.segments()[0])
        && first.iter().any(u8::is_ascii_digit)
        || (first.len() == 4
            && matches!(address.segments()[0], 0xfc00..0xfe00 | 0xfe80..0xfec0)
            && has_digit)
        || text.contains(&b'.');
    !is_index && (is_global || (context.says(Topic::Ip, start) && (has_digit || text == b"::")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> bool {
        let Some(start) = text.find(|character: char| character.is_ascii_digit()) else {
            return false;
        };
        let number = Number::read(text.as_bytes(), start);
        is_v4(
            text.as_bytes(),
            &number,
            0,
            &Context::new(text, &String::new),
        )
    }

    fn v6(text: &str) -> Option<&str> {
        let at = text.find(':')?;
        let (start, end) = v6_around(text.as_bytes(), at, 0, &Context::new(text, &String::new))?;
        Some(&text[start..end])
    }

    #[test]
    fn four_octets_are_an_address_and_versions_are_none() {
        for text in [
            "from 81.2.69.142 to",
            "10.20.30.40/24",
            "ip 5.15.0.91",
            "ip: 1.2.3.4",
            "http://81.2.69.142/",
        ] {
            assert!(v4(text), "{text}");
        }
        for text in [
            "192.168.1",
            "192.168.1.256",
            "1.2.3.4.5",
            "version 10.20.30.40",
            "v10.20.30.40",
            "01.2.3.4",
            "5.15.0.91",
            "{\"version\": \"10.4.0.10\"}",
            "Chrome/120.0.6099.109",
            "foo==11.22.33.44",
            "linux-5.15.31.91",
            "11.22.33.44-1",
            "11.22.33.44.tgz",
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
        assert_eq!(v6("from ip ::1"), Some("::1"));
        for text in [
            "12:34:56",
            "std::cout",
            "aa:bb:cc:dd:ee:ff",
            "::",
            "x[::2]",
            "x[1::2]",
            "addr[::2]",
            "de::{self",
            "use fed::add",
            "fe80::1text",
            "2001::db8::1",
            "text2001:db8::1",
            "2001:db8::256.1.1.1",
            "00:11:22:33:44:55:66:77",
        ] {
            assert_eq!(v6(text), None, "{text}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_others() {
        for value in [
            "10.0.0.1",
            "192.168.1.1/24",
            "127.0.0.1",
            "203.0.113.9",
            "169.254.1.1",
            "240.0.0.1",
            "::1",
            "fe80::1%eth0",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(value), "{value}");
        }
        for value in [
            "81.2.69.142",
            "8.8.8.8",
            "2606:4700::1111",
            "b61b:459a:af56:a12c:d4aa:582d:e905:1fb6",
        ] {
            assert!(!is_private(value), "{value}");
        }
    }
}
