//! The address of a caller: that of the connection, or the one that a trusted proxy names.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::FORWARDED;
use ipnet::IpNet;
use sandgate_message::Account;

/// The networks of the proxies whose `Forwarded` header (RFC 7239) is trusted. By default none is.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    /// Whether a peer with this address is a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The account of a request: the last address before the trusted proxies. An unreadable entry (`unknown`, an
    /// obfuscated name) ends the search at the proxy that wrote it.
    pub fn account(&self, peer: IpAddr, headers: &HeaderMap) -> Account {
        let mut caller = peer;
        if self.trusts(peer) {
            for hop in hops(headers).into_iter().rev() {
                let Some(address) = hop else { break };
                caller = address;
                if !self.trusts(address) {
                    break;
                }
            }
        }
        Account::of_address(caller)
    }
}

/// The `for` of each hop, the first proxy's first.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all(FORWARDED).iter();
    values
        .flat_map(|value| match value.to_str() {
            Ok(text) => split(text, ',').into_iter().map(forwarded_for).collect(),
            Err(_) => vec![None],
        })
        .collect()
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').into_iter();
    let node = pairs.find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim())
    })?;
    let node = node
        .strip_prefix('"')
        .and_then(|node| node.strip_suffix('"'))
        .unwrap_or(node);
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    node.split(':').next()?.parse().ok()
}

/// Splits a text at a character outside quoted strings.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == at && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn account(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies(vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:ffff::/48".parse().unwrap(),
        ]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, value.parse().unwrap());
        }
        proxies.account(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(
            account("192.0.2.1", &["for=198.51.100.7"]),
            "address 192.0.2.1"
        );
        assert_eq!(
            account("10.0.0.1", &["for=198.51.100.7"]),
            "address 198.51.100.7"
        );
        assert_eq!(
            account("::ffff:10.0.0.1", &["for=198.51.100.7"]),
            "address 198.51.100.7"
        );
    }

    #[test]
    fn what_a_client_adds_before_the_proxies_is_not_believed() {
        for forwarded in [
            &["for=127.0.0.1, for=198.51.100.7"][..],
            &["for=127.0.0.1", "for=198.51.100.7"],
            &["for=127.0.0.1, for=198.51.100.7, for=10.9.9.9;proto=https"],
        ] {
            assert_eq!(
                account("10.0.0.1", forwarded),
                "address 198.51.100.7",
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn a_node_is_read_as_the_rfc_spells_it() {
        for (forwarded, expected) in [
            (
                r#"For="[2001:db8:cafe::17]:4711""#,
                "address 2001:db8:cafe::/64",
            ),
            (r#"for="192.0.2.43:47011";proto=http"#, "address 192.0.2.43"),
            (r#"by="a,b;c";for=192.0.2.43"#, "address 192.0.2.43"),
            ("for=unknown", "address 10.0.0.1"),
            ("for=_hidden", "address 10.0.0.1"),
            ("proto=https", "address 10.0.0.1"),
        ] {
            assert_eq!(account("10.0.0.1", &[forwarded]), expected, "{forwarded}");
        }
    }
}
