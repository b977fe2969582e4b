//! A host in its one spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name, in bytes.
const MAX_NAME: usize = 253;
/// The longest part between dots, in bytes.
const MAX_LABEL: usize = 63;

/// A host: a name or an address, in the one spelling by which hosts are compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name: ASCII, in lower case, without a dot at its end.
    Name(String),
    /// An address. IPv4 within IPv6 (`::ffff:…`) is IPv4.
    Ip(IpAddr),
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum HostError {
    #[error("is empty")]
    Empty,
    #[error("has a `%`: neither percent-encoding nor zones are read")]
    Percent,
    #[error("has letters outside of ASCII: its form in ASCII (xn--…) is read alone")]
    NotAscii,
    #[error("ends in a number, and is no IPv4 address of four parts")]
    Number,
    #[error("is no IPv6 address")]
    Ipv6,
    #[error("is no name of letters, digits, `-`, `_` and dots")]
    Name,
}

impl Host {
    /// Reads a host as URLs have it: a name, an IPv4 address of four decimal parts, or an IPv6 address in brackets.
    ///
    /// # Errors
    ///
    /// It is none of these, or a spelling of one that programs read differently.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.contains('%') {
            return Err(HostError::Percent);
        }
        if !text.is_ascii() {
            return Err(HostError::NotAscii);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let address = rest.strip_suffix(']').ok_or(HostError::Ipv6)?;
            let address: Ipv6Addr = address.parse().map_err(|_| HostError::Ipv6)?;
            return Ok(Self::Ip(IpAddr::V6(address).to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Ok(Self::Ip(address.into()));
        }
        if name.len() > MAX_NAME || !name.split('.').all(is_label) {
            return Err(HostError::Name);
        }
        // Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses.
        let last = name.rsplit('.').next().unwrap_or_default();
        let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| {
            let mut digits = digits.bytes();
            digits.all(|digit| digit.is_ascii_hexdigit())
        });
        if hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(HostError::Number);
        }
        Ok(Self::Name(name))
    }

    /// Whether the name stands for this very machine: `localhost` and what is below it.
    pub fn is_localhost(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Ip(_) => false,
        }
    }
}

/// As URLs write it.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for (text, one) in [
            ("API.GitHub.com", "api.github.com"),
            ("api.github.com.", "api.github.com"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_host", "my_host"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            ("0x7f.example", "0x7f.example"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), one, "{text}");
        }
    }

    #[test]
    fn a_spelling_that_programs_read_differently_is_no_host() {
        let long = format!("{}.com", "a".repeat(64));
        let longer = format!("{}com", "abcdefgh.".repeat(28) + "ab.");
        for (text, why) in [
            ("", HostError::Empty),
            (".", HostError::Name),
            ("a..b", HostError::Name),
            ("api.github.com..", HostError::Name),
            ("a%2eb", HostError::Percent),
            ("[fe80::1%eth0]", HostError::Percent),
            ("bücher.example", HostError::NotAscii),
            ("api。github.com", HostError::NotAscii),
            ("127.1", HostError::Number),
            ("2130706433", HostError::Number),
            ("0x7f000001", HostError::Number),
            ("127.0.0.0x1", HostError::Number),
            ("0177.0.0.1", HostError::Number),
            ("1.2.3.4.5", HostError::Number),
            ("[::1", HostError::Ipv6),
            ("[127.0.0.1]", HostError::Ipv6),
            ("::1", HostError::Name),
            ("u@h", HostError::Name),
            ("a b", HostError::Name),
            ("a\0b", HostError::Name),
            ("a/b", HostError::Name),
            ("-a.com", HostError::Name),
            ("*.a.com", HostError::Name),
            (&long, HostError::Name),
            (&longer, HostError::Name),
        ] {
            assert_eq!(Host::parse(text).unwrap_err(), why, "{text}");
        }
    }
}
