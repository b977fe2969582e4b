//! Hosts that are this very machine.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a URL's host is this machine: `localhost` in any case, or an address of loopback. An IPv6 address may stand in
/// brackets, as URLs write it; IPv4 within IPv6 (`::ffff:127.0.0.1`) is IPv4. Nothing is looked up.
pub fn is_loopback(host: &str) -> bool {
    let address = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .and_then(|inner| inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)),
        None => host.parse::<IpAddr>().ok(),
    };
    host.eq_ignore_ascii_case("localhost")
        || address.is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_and_nothing_that_sounds_like_it() {
        for own in [
            "127.0.0.1",
            "127.8.8.8",
            "localhost",
            "LocalHost",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(own), "{own}");
        }
        for other in [
            "",
            "localhost.",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::2]",
            "[::1",
            "[127.0.0.1]",
            "127.1",
            "[::ffff:10.0.0.1]",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
