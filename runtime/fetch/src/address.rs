//! Which addresses of a host a request may dial.

use std::net::{IpAddr, SocketAddr};

use sandgate_address::{is_metadata, is_public};
use url::{Host, Url};

use crate::FetchError;

/// How far a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses: of hosts that somebody else named.
    Public,
    /// To private addresses, too: of hosts that the operator named.
    Private,
}

/// The addresses of a URL's host, best first. Looks the name up.
///
/// # Errors
///
/// The URL has no host or no port, or the name cannot be looked up.
pub async fn look_up(url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
    let port = url.port_or_known_default().ok_or(FetchError::NoPort)?;
    Ok(match url.host().ok_or(FetchError::NoHost)? {
        Host::Domain(name) => tokio::net::lookup_host((name, port))
            .await
            .map_err(FetchError::LookUp)?
            .collect(),
        Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(ip), port)],
        Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(ip), port)],
    })
}

/// Whether a request for the URL may dial an address: without TLS loopback alone; with TLS never a cloud's metadata, and a
/// private one where `reach` allows it.
pub fn is_permitted(url: &Url, address: IpAddr, reach: Reach) -> bool {
    let address = address.to_canonical();
    match url.scheme() {
        "http" => address.is_loopback(),
        _ => !is_metadata(address) && (reach == Reach::Private || is_public(address)),
    }
}

/// The addresses of a URL's host that a request may dial.
///
/// # Errors
///
/// As [`look_up`], or none of the addresses is permitted.
pub async fn addresses(url: &Url, reach: Reach) -> Result<Vec<SocketAddr>, FetchError> {
    let mut found = look_up(url).await?;
    found.retain(|address| is_permitted(url, address.ip(), reach));
    match found.is_empty() {
        false => Ok(found),
        true => Err(FetchError::NotPermitted),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_others_name_is_public_and_nothing_is_a_clouds_metadata() {
        let (by_tls, clear) = ("https://one.example/", "http://one.example/");
        for (url, address, public, private) in [
            (by_tls, "1.1.1.1", true, true),
            (by_tls, "10.1.2.3", false, true),
            (by_tls, "127.0.0.1", false, true),
            (by_tls, "::ffff:10.1.2.3", false, true),
            (by_tls, "169.254.169.254", false, false),
            (by_tls, "::ffff:169.254.169.254", false, false),
            (clear, "127.0.0.1", true, true),
            (clear, "::1", true, true),
            (clear, "1.1.1.1", false, false),
            (clear, "10.1.2.3", false, false),
        ] {
            let url = Url::parse(url).unwrap();
            let judged = [Reach::Public, Reach::Private]
                .map(|reach| is_permitted(&url, address.parse().unwrap(), reach));
            assert_eq!(judged, [public, private], "{url} {address}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_not_permitted_is_not_returned() {
        let url = Url::parse("https://10.1.2.3/").unwrap();
        let refused = addresses(&url, Reach::Public).await.unwrap_err();
        assert!(matches!(refused, FetchError::NotPermitted), "{refused}");
        let found = addresses(&url, Reach::Private).await.unwrap();
        assert_eq!(found, ["10.1.2.3:443".parse().unwrap()]);
    }
}
