//! The place of a server's protected-resource metadata (RFC 9728).

use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

use sandgate_wire::challenge::metadata_in;

/// The place that a server's challenge names for its metadata. `None` unless it is on the server itself: the gateway
/// asks no one else.
pub(crate) fn place_in(headers: &HeaderMap, server: &Uri) -> Option<PathAndQuery> {
    let url: Uri = metadata_in(headers)?.parse().ok()?;
    let (scheme, authority) = (url.scheme()?, url.authority()?);
    let own = server.scheme() == Some(scheme)
        && server
            .authority()
            .is_some_and(|own| own.as_str().eq_ignore_ascii_case(authority.as_str()));
    own.then(|| url.path_and_query().cloned())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(said: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        let challenge = format!("Bearer resource_metadata=\"{said}\"");
        headers.insert(http::header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        let server = Uri::from_static("https://s.example:8443/mcp");
        place_in(&headers, &server).map(|place| place.to_string())
    }

    #[test]
    fn the_place_of_the_metadata_is_believed_at_the_server_itself_alone() {
        assert_eq!(place("https://S.example:8443/x?y").as_deref(), Some("/x?y"));
        for elsewhere in [
            "https://s.example/x",
            "http://s.example:8443/x",
            "https://s.example:8443@evil.example/x",
            "https://169.254.169.254/latest",
            "/x",
            "",
        ] {
            assert_eq!(place(elsewhere), None, "{elsewhere}");
        }
    }
}
