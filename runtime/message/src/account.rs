//! Accounts: the parties that the gateway's shared limits are divided among.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// A party that has a share of the gateway's limits. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Account {
    /// The one client of a gateway on stdio. Nobody competes with it.
    #[default]
    Local,
    /// An authenticated client, by its name in the configuration.
    Client(Arc<str>),
    /// Callers without a key, by the address that they call from. See [`Account::of_address`].
    Address(Arc<str>),
    /// A server, by its name in the configuration, for bytes that nobody asked for.
    Server(Arc<str>),
}

impl Account {
    /// The account of an address: an IPv4 address as a whole, an IPv6 address by its /64, since whoever has one address
    /// of a /64 commonly has them all. An IPv4 address that is mapped into IPv6 counts as the IPv4 address.
    pub fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => address.to_string().into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let network = std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
                format!("{network}/64").into()
            }
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Client(name) => write!(f, "client {name}"),
            Self::Address(address) => write!(f, "address {address}"),
            Self::Server(name) => write!(f, "server {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(address: &str) -> String {
        Account::of_address(address.parse().unwrap()).to_string()
    }

    #[test]
    fn an_ipv6_network_is_one_account() {
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "address 2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2::"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_ipv4_address() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_client_is_not_an_address_of_the_same_name() {
        assert_ne!(
            Account::Client("192.0.2.1".into()),
            Account::of_address("192.0.2.1".parse().unwrap())
        );
    }
}
