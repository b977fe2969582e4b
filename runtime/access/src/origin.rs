//! Checks the Host and Origin of every request, so that a web page cannot reach a gateway on its visitor's machine by
//! pointing a name of its own at it (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

/// The hosts and origins that are allowed besides loopback and the listening address.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Allowed host names, with or without a port, for example `mcp.example.com`. A name without a port allows any
    /// port.
    pub hosts: Vec<String>,
    /// Allowed origins as browsers spell them, for example `https://app.example.com`.
    pub origins: Vec<String>,
}

/// Why a request's Host or Origin is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum OriginError {
    #[error("the Host header is missing, repeated or unreadable")]
    NoHost,
    #[error("this Host is not served here: add it to the allowed hosts if it should be")]
    Host,
    #[error("this Origin is not let in: add it to the allowed origins if it should be")]
    Origin,
}

impl Access {
    /// Checks the Host and Origin of a request. `local` is the address at which the connection arrived.
    ///
    /// # Errors
    ///
    /// The Host or the Origin is not allowed.
    pub fn check(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        local: SocketAddr,
    ) -> Result<(), OriginError> {
        let host = host_of(uri, headers).ok_or(OriginError::NoHost)?;
        if !self.host_allowed(host, local) {
            return Err(OriginError::Host);
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) if origin.to_str().is_ok_and(|o| self.origin_allowed(o)) => Ok(()),
            _ => Err(OriginError::Origin),
        }
    }

    fn host_allowed(&self, authority: &str, local: SocketAddr) -> bool {
        let Some(name) = name_of(authority) else {
            return false;
        };
        // An address literal cannot be rebound: it reaches this machine or it does not.
        is_loopback(name)
            || address_of(name).is_some_and(|address| address == local.ip())
            || self.hosts.iter().any(|allowed| {
                allowed.eq_ignore_ascii_case(authority)
                    || (port_of(allowed).is_none() && allowed.eq_ignore_ascii_case(name))
            })
    }

    fn origin_allowed(&self, origin: &str) -> bool {
        if self
            .origins
            .iter()
            .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        matches!(scheme, "http" | "https") && name_of(authority).is_some_and(is_loopback)
    }
}

/// The authority of a request: HTTP/2 has it in the URI, HTTP/1.1 in the Host header. `None` unless exactly one is
/// given or both agree.
pub fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut hosts = headers.get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().ok()?),
        _ => return None,
    };
    match (uri.authority().map(http::uri::Authority::as_str), header) {
        (Some(authority), Some(header)) => {
            authority.eq_ignore_ascii_case(header).then_some(authority)
        }
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

/// The host without the port; `None` if the text is not `host[:port]`.
fn name_of(authority: &str) -> Option<&str> {
    let port_is_fine = |port: &str| {
        !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit())
    };
    if let Some(rest) = authority.strip_prefix('[') {
        let end = rest.find(']')?;
        let after = &rest[end + 1..];
        let fine = after.is_empty() || after.strip_prefix(':').is_some_and(port_is_fine);
        return fine.then(|| &authority[..end + 2]);
    }
    let name = match authority.split_once(':') {
        Some((name, port)) if port_is_fine(port) => name,
        Some(_) => return None,
        None => authority,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

fn port_of(authority: &str) -> Option<&str> {
    authority
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|port| !port.contains(']'))
}

/// The address in a host name. Brackets may only contain an IPv6 address.
fn address_of(name: &str) -> Option<IpAddr> {
    match name.strip_prefix('[') {
        Some(rest) => Some(IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?)),
        None => Some(IpAddr::V4(name.parse().ok()?)),
    }
}

/// Whether a name in a request's headers is loopback's. Narrower than `sandgate_address::is_loopback`, which judges what the
/// operator wrote: IPv4 within IPv6 lets nobody in.
fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || address_of(name).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(access: &Access, host: &[&str], origin: Option<&str>) -> Result<(), OriginError> {
        let mut headers = HeaderMap::new();
        for one in host {
            headers.append(HOST, one.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        access.check(
            &"/mcp".parse().unwrap(),
            &headers,
            "192.0.2.7:8808".parse().unwrap(),
        )
    }

    #[test]
    fn loopback_and_the_listening_address_are_let_in() {
        for host in [
            "127.0.0.1:8808",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8808",
            "127.9.9.9",
            "192.0.2.7:8808",
            "192.0.2.7",
        ] {
            assert_eq!(check(&Access::default(), &[host], None), Ok(()), "{host}");
        }
    }

    #[test]
    fn foreign_and_malformed_hosts_are_not() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.8",
            "localhost@evil.example",
            "[::1",
            "[[127.0.0.1]:85",
            "[127.0.0.1]",
            "[localhost]",
            "localhost:80:80",
            "",
        ] {
            assert!(check(&Access::default(), &[host], None).is_err(), "{host}");
        }
        assert_eq!(
            check(&Access::default(), &[], None),
            Err(OriginError::NoHost)
        );
        assert_eq!(
            check(&Access::default(), &["localhost", "evil.example"], None),
            Err(OriginError::NoHost)
        );
    }

    #[test]
    fn an_origin_must_be_loopback_or_allowed() {
        let access = Access {
            hosts: vec![],
            origins: vec!["https://app.example.com".into()],
        };
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:80",
            "https://app.example.com",
        ] {
            assert_eq!(
                check(&access, &["localhost"], Some(origin)),
                Ok(()),
                "{origin}"
            );
        }
        for origin in [
            "null",
            "http://evil.example",
            "http://localhost.evil.example",
            "https://app.example.com:444",
            "file://localhost",
            "http://localhost:1@evil.example",
        ] {
            assert_eq!(
                check(&access, &["localhost"], Some(origin)),
                Err(OriginError::Origin),
                "{origin}"
            );
        }
    }

    #[test]
    fn an_allowed_host_may_name_its_port() {
        let access = Access {
            hosts: vec!["mcp.example.com".into(), "other.example:99".into()],
            origins: vec![],
        };
        assert_eq!(check(&access, &["mcp.example.com:7"], None), Ok(()));
        assert_eq!(check(&access, &["other.example:99"], None), Ok(()));
        assert_eq!(
            check(&access, &["other.example:98"], None),
            Err(OriginError::Host)
        );
    }
}
