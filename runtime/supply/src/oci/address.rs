//! Where requests go: TLS, but for registries on this machine, and no private address that a registry names.

use std::net::SocketAddr;

use sandgate_address::{is_loopback, is_metadata, is_public};
use sandgate_fetch::{FetchError, look_up};
use url::Url;

/// Whether a URL leads to this machine by its name or address.
pub(crate) fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// Checks an address that is asked, or that a registry leads to.
///
/// # Errors
///
/// It is not of TLS, or has what an address has no business to have; the text says what.
pub(crate) fn check(url: &Url, own: &Url) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password in it".into());
    }
    let both = is_local(url) && is_local(own);
    match url.scheme() {
        "https" => Ok(()),
        "http" if both => Ok(()),
        _ => Err("it is not https".into()),
    }
}

/// The addresses of a host that may be asked. The registry's own may be private. Where it leads to may be so only from
/// within such a network: no registry elsewhere leads into it.
///
/// # Errors
///
/// The name leads nowhere, or nowhere that may be asked.
pub(crate) async fn permitted(url: &Url, own: &Url) -> Result<Vec<SocketAddr>, FetchError> {
    let found = look_up(url).await?;
    let is_own = url.host() == own.host();
    let on_this_machine = is_local(own);
    let public = |address: &SocketAddr| is_public(address.ip().to_canonical());
    let within = match is_own || found.iter().all(public) {
        true => false,
        false => look_up(own).await?.iter().all(|address| {
            let ip = address.ip().to_canonical();
            !is_public(ip) && !ip.is_loopback() && !is_metadata(ip)
        }),
    };
    let fits = |address: &SocketAddr| {
        let ip = address.ip().to_canonical();
        match url.scheme() {
            "http" => ip.is_loopback(),
            _ if is_own => !is_metadata(ip),
            _ if within => !is_metadata(ip) && !ip.is_loopback(),
            _ => is_public(ip) || on_this_machine && ip.is_loopback(),
        }
    };
    let fitting: Vec<SocketAddr> = found.into_iter().filter(fits).collect();
    match fitting.is_empty() {
        false => Ok(fitting),
        true if is_own => Err(FetchError::NotPermitted),
        true => Err(FetchError::Refused(
            "the registry leads to a private address".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn without_tls_a_registry_of_this_machine_alone_is_asked() {
        let (own, here) = (url("https://ghcr.io/"), url("http://localhost:5000/"));
        check(&url("https://cdn.example.com/blob?x=1"), &own).unwrap();
        check(&url("http://127.0.0.1:5001/"), &here).unwrap();
        for (to, from) in [
            ("http://ghcr.io/", &own),
            ("http://127.0.0.1/", &own),
            ("http://example.com/", &here),
            ("https://a:b@ghcr.io/", &own),
            ("ftp://ghcr.io/", &own),
        ] {
            assert!(check(&url(to), from).is_err(), "{to}");
        }
    }

    #[tokio::test]
    async fn where_a_registry_leads_is_public() {
        let own = url("https://1.1.1.1/");
        for private in [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://169.254.169.254/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://0.0.0.0/",
        ] {
            let said = permitted(&url(private), &own).await.unwrap_err();
            let said = said.to_string();
            assert!(said.contains("private address"), "{private}: {said}");
        }
        permitted(&url("https://1.0.0.1/"), &own).await.unwrap();
        // One's own registry may be within one's own network, and no cloud's metadata.
        let own = url("https://10.1.2.3/");
        permitted(&own, &own).await.unwrap();
        permitted(&url("https://10.1.2.4/"), &own).await.unwrap();
        permitted(&url("https://1.1.1.1/"), &own).await.unwrap();
        for elsewhere in ["https://127.0.0.1/", "https://169.254.169.254/"] {
            assert!(permitted(&url(elsewhere), &own).await.is_err());
        }
        let metadata = url("https://169.254.169.254/");
        assert!(permitted(&metadata, &metadata).await.is_err());
    }
}
