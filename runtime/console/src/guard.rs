//! Rules for every request: which name it may come by, from which page, and with which cookie.

use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Method};

/// The names under which the console is served, each with its port.
pub(crate) struct Hosts {
    /// The name of this start alone, which browsers lead to this machine. No other program's pages have it, so that none
    /// gets the console's cookie: cookies know no ports.
    pub(crate) own: String,
    /// By address.
    pub(crate) address: String,
    /// `localhost`.
    pub(crate) localhost: String,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Host,
    Origin,
    Form,
}

impl Denied {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Host => {
                "This name is not the console's. Take the link that `sandgate console` prints."
            }
            Self::Origin => {
                "Another page sent this. Type the address, or take the link that `sandgate console` prints."
            }
            Self::Form => "This is no form of this console.",
        }
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Hosts {
    fn has(&self, host: &str) -> bool {
        [&self.own, &self.address, &self.localhost]
            .into_iter()
            .any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Checks what every request must have.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Denied> {
        let host = only(headers, &HOST).ok_or(Denied::Host)?;
        if !self.has(host) {
            return Err(Denied::Host);
        }
        // A page of another origin on this machine is `same-site`, and not let in either.
        let site = match headers.contains_key(SEC_FETCH_SITE) {
            false => None,
            true => Some(only(headers, &SEC_FETCH_SITE).ok_or(Denied::Origin)?),
        };
        if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Err(Denied::Origin);
        }
        let origin = match headers.contains_key(ORIGIN) {
            false => None,
            true => Some(only(headers, &ORIGIN).ok_or(Denied::Origin)?),
        };
        // With `no-referrer` browsers send `null` with the console's own forms, and say of them that they are its own.
        let own = match origin {
            None => true,
            Some("null") => site == Some("same-origin"),
            Some(origin) => origin
                .strip_prefix("http://")
                .is_some_and(|origin| origin.eq_ignore_ascii_case(host)),
        };
        if !own {
            return Err(Denied::Origin);
        }
        if *method == Method::POST {
            if origin.is_none() && site != Some("same-origin") {
                return Err(Denied::Origin);
            }
            let kind = only(headers, &CONTENT_TYPE).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                return Err(Denied::Form);
            }
        }
        Ok(())
    }
}

/// The one value of a header. `None` where there is none, several, or one that is no text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The one cookie of this name. `None` where there is none, or several.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut own = pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (own.next(), own.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(method: &Method, pairs: &[(&'static str, &'static str)]) -> Result<(), Denied> {
        let hosts = Hosts {
            own: "sandgate-1.localhost:9809".into(),
            address: "127.0.0.1:9809".into(),
            localhost: "localhost:9809".into(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        hosts.check(method, &headers)
    }

    #[test]
    fn a_request_comes_by_the_consoles_name_and_from_its_own_pages() {
        let host = ("host", "sandgate-1.localhost:9809");
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(check(&Method::GET, &[host]), Ok(()));
        assert_eq!(
            check(&Method::GET, &[host, ("sec-fetch-site", "none")]),
            Ok(())
        );
        assert_eq!(check(&Method::GET, &[("host", "LOCALHOST:9809")]), Ok(()));
        for denied in [
            &[][..],
            &[("host", "evil.example")],
            &[("host", "127.0.0.1:9810")],
            &[("host", "127.0.0.1")],
            &[host, ("host", "127.0.0.1:9809")],
        ] {
            assert_eq!(check(&Method::GET, denied), Err(Denied::Host), "{denied:?}");
        }
        for site in ["cross-site", "same-site", "other"] {
            assert_eq!(
                check(&Method::GET, &[host, ("sec-fetch-site", site)]),
                Err(Denied::Origin)
            );
        }
        for origin in [
            "null",
            "http://evil.example",
            "https://sandgate-1.localhost:9809",
            "http://127.0.0.1:9809",
        ] {
            assert_eq!(
                check(&Method::GET, &[host, ("origin", origin)]),
                Err(Denied::Origin),
                "{origin}"
            );
        }
        let own = ("origin", "http://sandgate-1.localhost:9809");
        let same = ("sec-fetch-site", "same-origin");
        assert_eq!(check(&Method::POST, &[host, own, form]), Ok(()));
        assert_eq!(
            check(&Method::POST, &[host, same, ("origin", "null"), form]),
            Ok(())
        );
        assert_eq!(check(&Method::POST, &[host, form]), Err(Denied::Origin));
        assert_eq!(check(&Method::POST, &[host, own]), Err(Denied::Form));
        assert_eq!(
            check(&Method::POST, &[host, own, ("content-type", "text/plain")]),
            Err(Denied::Form)
        );
    }

    #[test]
    fn of_two_cookies_of_one_name_none_counts() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; console=x".parse().unwrap());
        assert_eq!(cookie(&headers, "console"), Some("x"));
        headers.append(COOKIE, "console=y".parse().unwrap());
        assert_eq!(cookie(&headers, "console"), None);
    }
}
