//! Telling public IP addresses from private, local and reserved ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is public: not in IANA's special-purpose registries, and none of a cloud's metadata services.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Whether an address is one at which clouds tell a machine its keys, or link-local, where others may do so.
pub fn is_metadata(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_link_local()
                || matches!(
                    ip.octets(),
                    [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16]
                )
        }
        IpAddr::V6(ip) => match ip.segments() {
            // Translated, embedded and of 6to4.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low]
            | [0, 0, 0, 0, 0, 0, high, low]
            | [0x2002, high, low, ..] => {
                let embedded = (u32::from(high) << 16) | u32::from(low);
                is_metadata(Ipv4Addr::from(embedded).into())
            }
            // All that clouds keep for their services, and not the one address alone.
            [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..] => true,
            _ => ip.is_unicast_link_local(),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        // Azure's own service of each machine, in the middle of public addresses.
        || [a, b, c, d] == [168, 63, 129, 16]
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // An IPv6 address that embeds an IPv4 address is public if the IPv4 address is.
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let s = ip.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // IANA assigns global addresses from 2000::/3 only. Within it, Teredo, ORCHID, benchmarking and documentation
        // prefixes are not public.
        [first, second, ..] => {
            (0x2000..0x4000).contains(&first)
                && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_the_internet_routes_is_public() {
        for ip in [
            "8.8.8.8",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "168.63.129.17",
            "2002:808:808::",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn where_clouds_tell_keys_is_known() {
        for ip in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "fd00:ec2::253",
            "fd00:ec2:1::1",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
            "168.63.129.16",
            "::ffff:168.63.129.16",
            "64:ff9b::a83f:8110",
            "2002:a83f:8110::1",
            "2002:a9fe:a9fe::",
            "2002:a9fe:a9fe:1::1",
            "::a9fe:a9fe",
            "100.100.100.200",
            "192.0.0.192",
        ] {
            let ip = ip.parse().unwrap();
            assert!(is_metadata(ip) && !is_public(ip), "{ip}");
        }
        for ip in [
            "10.0.0.1",
            "127.0.0.1",
            "8.8.8.8",
            "fd00::1",
            "fd20::1",
            "168.63.129.17",
            "2002:a00:1::1",
            "::1",
            "::",
        ] {
            assert!(!is_metadata(ip.parse().unwrap()), "{ip}");
        }
    }
}
