//! The classifier's address. It is read strictly: what two readers could take for different hosts is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Checks the URL of a classifier. Without `allow_remote` it must lead to this machine; with it, another host must be
/// reached by TLS.
///
/// # Errors
///
/// What is wrong, and what to write.
pub(crate) fn check(url: &str, allow_remote: bool) -> Result<(), String> {
    let says = |what: &str| Err(what.to_owned());
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return says(
            "has a blank, a control character or a letter outside ASCII: write a plain URL",
        );
    }
    let (secure, rest) = match url.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        _ => return says("does not begin with `http://` or `https://`"),
    };
    if rest.contains(['\\', '#']) {
        return says("has a backslash or a fragment: write the plain address");
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return says("has a user name or a password: give `api-key` instead");
    }
    if authority.contains('%') {
        return says("has an escape in its host: write the host plainly");
    }
    if !path.starts_with('/') {
        return says(
            "has no path: write the whole address of the endpoint, such as http://127.0.0.1:5002/analyze",
        );
    }
    let (host, port) = parts(authority)?;
    if port.is_some_and(|port| !is_port(port)) {
        return says("has a port that is no number from 1 to 65535");
    }
    match (is_loopback(host)?, allow_remote) {
        (true, _) => Ok(()),
        (false, false) => says(
            "leads to another machine: run the classifier on this one (127.0.0.1, [::1] or localhost), or set \
             allow-remote = true and use https",
        ),
        (false, true) if !secure => says("leads to another machine without TLS: use https"),
        (false, true) => Ok(()),
    }
}

/// Host and port. The host of version 6 keeps its brackets.
fn parts(authority: &str) -> Result<(&str, Option<&str>), String> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => match rest.find(']') {
            Some(at) => at + 2,
            None => return Err("has a bracket that is not closed".into()),
        },
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err("has something between the host and the port".into()),
    }
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether the host is this machine.
fn is_loopback(host: &str) -> Result<bool, String> {
    if host == "localhost" {
        return Ok(true);
    }
    let address: IpAddr = if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.trim_end_matches(']');
        let address: Ipv6Addr = inner
            .parse()
            .map_err(|_| "has no address of version 6 within the brackets".to_owned())?;
        if address.to_ipv4().is_some() && address != Ipv6Addr::LOCALHOST {
            return Err(
                "has an address of version 4 written as one of version 6: write 127.0.0.1".into(),
            );
        }
        address.into()
    } else if host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        // The standard library takes four plain decimal numbers only: no 127.1, 2130706433 or 0177.0.0.1.
        let address: Ipv4Addr = host
            .parse()
            .map_err(|_| "has an odd spelling of an address: write 127.0.0.1".to_owned())?;
        address.into()
    } else {
        return is_name(host).map(|()| false);
    };
    if address.is_unspecified() {
        return Err("has the unspecified address: write 127.0.0.1 or [::1]".into());
    }
    Ok(address.is_loopback())
}

/// Checks a host name. Its last label must not be a number, since some readers take such a name for an address.
fn is_name(host: &str) -> Result<(), String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with(|c: char| c.is_ascii_digit());
    if host.len() > 253 || is_number || !host.split('.').all(is_label) {
        return Err(
            "has no host that is plainly an address or a name: write localhost, 127.0.0.1, or a name in small letters"
                .into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_plain_names() {
        for url in [
            "http://localhost:5002/analyze",
            "http://127.0.0.1/analyze",
            "http://127.8.9.10:80/",
            "https://127.0.0.1:8443/v1/moderations?x=1",
            "http://[::1]:8080/predict",
            "http://[0:0:0:0:0:0:0:1]/predict",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn another_machine_needs_leave_and_tls() {
        for host in [
            "models.example.com",
            "10.0.0.5",
            "[fd00::5]",
            "sub.localhost",
        ] {
            let (plain, tls) = (format!("http://{host}/a"), format!("https://{host}/a"));
            assert!(
                check(&tls, false).is_err_and(|why| why.contains("allow-remote")),
                "{host}"
            );
            assert!(
                check(&plain, true).is_err_and(|why| why.contains("https")),
                "{host}"
            );
            assert_eq!(check(&tls, true), Ok(()), "{host}");
        }
    }

    #[test]
    fn odd_spellings_are_refused_even_with_leave() {
        for url in [
            "",
            "127.0.0.1/a",
            "HTTP://127.0.0.1/a",
            "ftp://127.0.0.1/a",
            "http:///a",
            "http://127.0.0.1",
            "http://127.0.0.1?x",
            "http://user@127.0.0.1/a",
            "http://127.0.0.1@evil.example/a",
            "http://127.0.0.1#@evil.example/a",
            "http://127.0.0.1\\@evil.example/a",
            "http://127.1/a",
            "http://2130706433/a",
            "http://0x7f.0.0.1/a",
            "http://0177.0.0.1/a",
            "http://127.0.0.1./a",
            "http://localhost./a",
            "http://LOCALHOST/a",
            "http://localhost%2eexample/a",
            "http://%6cocalhost/a",
            "http://ⓛocalhost/a",
            "http://local host/a",
            "http://localhost\t/a",
            "http://0.0.0.0/a",
            "http://[::]/a",
            "http://[::ffff:127.0.0.1]/a",
            "http://[::127.0.0.1]/a",
            "http://[::1%25lo]/a",
            "http://[::1/a",
            "http://[::1]x:80/a",
            "http://127.0.0.1:/a",
            "http://127.0.0.1:0/a",
            "http://127.0.0.1:080/a",
            "http://127.0.0.1:65536/a",
            "http://127.0.0.1:80:80/a",
            "https://-a.example/a",
            "https://a..example/a",
            "https://a.example.7/a",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
    }
}
