//! Lists of hosts that may be reached: `api.github.com`, `*.example.com:8443`, `private:10.0.0.7:5432`.

use std::fmt;
use std::net::IpAddr;

use crate::host_name::{Host, HostError};
use crate::public_ip::{is_metadata, is_public};

/// The port of an entry that names none.
const DEFAULT_PORT: u16 = 443;

/// One entry of a list of allowed hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AllowedHost {
    hosts: Hosts,
    port: u16,
    /// Whether it may lead to an address that is not public.
    private: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Hosts {
    One(Host),
    /// Every name below this one, and not the name itself.
    Below(String),
}

/// What a list says of a host and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed<'a> {
    /// This entry lets it through.
    By(&'a AllowedHost),
    /// The host is on the list, with other ports.
    OtherPort,
    /// The host is not on the list.
    No,
}

/// Why a text is no entry. Continues "the entry …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum AllowedHostError {
    #[error("is empty")]
    Empty,
    #[error("has a scheme (`{0}://`)")]
    Scheme(String),
    #[error("has a path, a query or a fragment")]
    Path,
    #[error("has a user name")]
    User,
    #[error("stands for every host")]
    Everything,
    #[error("has a `*` elsewhere than as its whole first part")]
    Wildcard,
    #[error("stands for a whole top-level domain")]
    TopLevel,
    #[error("has an IPv6 address without brackets")]
    Brackets,
    #[error("has no port from 1 to 65535 after its colon")]
    Port,
    #[error("{0}")]
    Host(HostError),
    #[error("is this machine or another address that is not public, without `private:` before it")]
    NotPublic,
}

impl AllowedHost {
    /// Reads an entry: a host, with `*.` before it for the names below it, `:port` behind it (default 443), and
    /// `private:` before all where it may lead to an address that is not public.
    ///
    /// # Errors
    ///
    /// It is no such entry.
    pub fn parse(text: &str) -> Result<Self, AllowedHostError> {
        let (rest, private) = match text.strip_prefix("private:") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if rest.is_empty() {
            return Err(AllowedHostError::Empty);
        }
        if let Some((scheme, _)) = rest.split_once("://") {
            return Err(AllowedHostError::Scheme(scheme.to_owned()));
        }
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(AllowedHostError::Path);
        }
        if rest.contains('@') {
            return Err(AllowedHostError::User);
        }
        let (host, port) = split_port(rest)?;
        let port = port.map_or(Ok(DEFAULT_PORT), read_port)?;
        let hosts = match host.strip_prefix("*.") {
            _ if host == "*" => return Err(AllowedHostError::Everything),
            _ if host.trim_start_matches("*.").contains('*') || host.starts_with("*.*") => {
                return Err(AllowedHostError::Wildcard);
            }
            Some(below) => match Host::parse(below).map_err(AllowedHostError::Host)? {
                Host::Ip(_) => return Err(AllowedHostError::Wildcard),
                Host::Name(name) if !name.contains('.') && !private => {
                    return Err(AllowedHostError::TopLevel);
                }
                Host::Name(name) => Hosts::Below(name),
            },
            None => Hosts::One(Host::parse(host).map_err(AllowedHostError::Host)?),
        };
        let never = match &hosts {
            Hosts::One(Host::Ip(address)) => !is_public(*address),
            Hosts::One(host) => host.is_localhost(),
            Hosts::Below(_) => false,
        };
        if never && !private {
            return Err(AllowedHostError::NotPublic);
        }
        Ok(Self {
            hosts,
            port,
            private,
        })
    }

    /// The entry that lets one host and port through, and no more.
    pub fn exactly(host: &Host, port: u16) -> Self {
        Self {
            hosts: Hosts::One(host.clone()),
            port,
            private: false,
        }
    }

    fn names(&self, host: &Host) -> bool {
        match (&self.hosts, host) {
            (Hosts::One(one), host) => one == host,
            (Hosts::Below(above), Host::Name(name)) => name
                .strip_suffix(above.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (Hosts::Below(_), Host::Ip(_)) => false,
        }
    }

    /// Whether what the entry names may be reached at this address. Addresses by which clouds tell a machine its keys
    /// are reached where they are written out as an address, and by no name.
    pub fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.hosts == Hosts::One(Host::Ip(address)) {
            return self.private || is_public(address);
        }
        is_public(address) || (self.private && !is_metadata(address))
    }

    /// Whether the entry names this machine's loopback.
    pub fn is_loopback(&self) -> bool {
        match &self.hosts {
            Hosts::One(Host::Ip(address)) => address.is_loopback(),
            Hosts::One(host) => host.is_localhost(),
            Hosts::Below(above) => above == "localhost",
        }
    }
}

/// What a list says of a host and a port.
pub fn listed<'a>(list: &'a [AllowedHost], host: &Host, port: u16) -> Listed<'a> {
    let mut named = list.iter().filter(|one| one.names(host)).peekable();
    if named.peek().is_none() {
        return Listed::No;
    }
    // Of several the one that lets more through.
    let by = named
        .filter(|one| one.port == port)
        .max_by_key(|one| one.private);
    by.map_or(Listed::OtherPort, Listed::By)
}

/// As it is written in a configuration, with its port where that is not the default.
impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.private {
            f.write_str("private:")?;
        }
        match &self.hosts {
            Hosts::One(host) => write!(f, "{host}")?,
            Hosts::Below(name) => write!(f, "*.{name}")?,
        }
        match self.port {
            DEFAULT_PORT => Ok(()),
            port => write!(f, ":{port}"),
        }
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), AllowedHostError> {
    if text.starts_with('[') {
        return Ok(match text.rsplit_once("]:") {
            Some((host, port)) => (&text[..=host.len()], Some(port)),
            None => (text, None),
        });
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(AllowedHostError::Brackets),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn read_port(text: &str) -> Result<u16, AllowedHostError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or(AllowedHostError::Port)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(text: &str) -> AllowedHost {
        AllowedHost::parse(text).unwrap_or_else(|error| panic!("{text} {error}"))
    }

    fn lets(entries: &[&str], host: &str, port: u16) -> bool {
        let list: Vec<_> = entries.iter().map(|text| entry(text)).collect();
        let host = Host::parse(host).unwrap();
        matches!(listed(&list, &host, port), Listed::By(_))
    }

    #[test]
    fn an_entry_is_written_as_it_is_read() {
        for text in [
            "api.github.com",
            "*.example.com:8443",
            "private:db.internal:5432",
            "private:127.0.0.1:9000",
            "private:[::1]:9000",
            "private:localhost:9000",
            "private:*.internal",
            "8.8.8.8",
            "[2606:4700::1111]:8443",
        ] {
            assert_eq!(entry(text).to_string(), text);
        }
        assert_eq!(entry("API.GitHub.com.:443").to_string(), "api.github.com");
    }

    #[test]
    fn a_wrong_entry_says_what_is_wrong() {
        use AllowedHostError::*;
        for (text, why) in [
            ("", Empty),
            ("private:", Empty),
            ("https://api.github.com", Scheme("https".into())),
            ("api.github.com/repos", Path),
            ("api.github.com?x", Path),
            ("u@api.github.com", User),
            ("*", Everything),
            ("private:*", Everything),
            ("*:443", Everything),
            ("api.*.com", Wildcard),
            ("*api.com", Wildcard),
            ("*.*.com", Wildcard),
            ("*.10.0.0.1", Wildcard),
            ("*.com", TopLevel),
            ("::1", Brackets),
            ("[::1]x", Host(HostError::Ipv6)),
            ("a.com:", Port),
            ("a.com:0", Port),
            ("a.com:65536", Port),
            ("a.com:+443", Port),
            ("a.com:https", Port),
            ("[2606:4700::1111]:0", Port),
            ("a%2ecom", Host(HostError::Percent)),
            ("bücher.de", Host(HostError::NotAscii)),
            ("127.1", Host(HostError::Number)),
            ("127.0.0.1:9000", NotPublic),
            ("169.254.169.254", NotPublic),
            ("[::1]:9000", NotPublic),
            ("localhost:9000", NotPublic),
        ] {
            assert_eq!(AllowedHost::parse(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn a_host_is_listed_by_its_name_and_port() {
        let list = ["api.example.com", "*.example.org:8443", "1.1.1.1"];
        assert!(lets(&list, "API.example.com.", 443));
        assert!(!lets(&list, "api.example.com", 8443));
        assert!(!lets(&list, "evil-api.example.com", 443));
        assert!(!lets(&list, "api.example.com.evil.test", 443));
        assert!(!lets(&list, "www.api.example.com", 443));
        assert!(lets(&list, "a.b.example.org", 8443));
        assert!(!lets(&list, "example.org", 8443));
        assert!(!lets(&list, "evilexample.org", 8443));
        assert!(lets(&list, "1.1.1.1", 443));
        assert!(!lets(&list, "1.0.0.1", 443));
        let entries: Vec<_> = list.iter().map(|text| entry(text)).collect();
        let api = Host::parse("api.example.com").unwrap();
        assert_eq!(listed(&entries, &api, 22), Listed::OtherPort);
        assert_eq!(listed(&entries, &Host::Name("x".into()), 22), Listed::No);
    }

    #[test]
    fn a_name_leads_to_public_addresses_unless_it_is_private_and_never_to_a_clouds_keys() {
        let public: IpAddr = "93.184.216.34".parse().unwrap();
        let lan: IpAddr = "10.0.0.7".parse().unwrap();
        let mapped: IpAddr = "::ffff:10.0.0.7".parse().unwrap();
        let metadata: IpAddr = "169.254.169.254".parse().unwrap();
        let name = entry("api.example.com");
        assert!(name.admits(public));
        assert!(!name.admits(lan) && !name.admits(mapped) && !name.admits(metadata));
        let private = entry("private:db.example.com");
        assert!(private.admits(public) && private.admits(lan) && private.admits(mapped));
        assert!(!private.admits(metadata));
        assert!(entry("private:169.254.169.254:80").admits(metadata));
        // Of two entries for one host the one counts that lets more through.
        let both = [entry("*.example.com"), entry("private:db.example.com")];
        let host = Host::parse("db.example.com").unwrap();
        assert!(matches!(listed(&both, &host, 443), Listed::By(by) if by.admits(lan)));
    }
}
