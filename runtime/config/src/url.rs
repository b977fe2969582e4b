//! The URL of a server.

use super::scalar::{Mistake, Scalar, scalar};

/// An `http` or `https` URL without fragment or user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub http::Uri);

impl Scalar for Url {
    const KIND: &'static str = "a URL such as \"http://127.0.0.1:9000/mcp\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write an http or https URL, for example \"http://127.0.0.1:9000/mcp\"";
        let uri: http::Uri = text
            .parse()
            .map_err(|_| Mistake::new("is not a URL", help))?;
        let Some(authority) = uri.authority() else {
            return Err(Mistake::new("has no host", help));
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(Mistake::new("is neither http nor https", help));
        }
        if authority.as_str().contains('@') {
            let help = "put it into `headers`, for example Authorization = { from-env = \"NAME\" }";
            return Err(Mistake::new("has a user name or password", help));
        }
        if text.contains('#') {
            return Err(Mistake::new(
                "has a fragment (`#…`), which is never sent",
                "leave it out",
            ));
        }
        Ok(Self(uri))
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

scalar!(Url);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_holds_no_credentials() {
        assert!(Url::read("https://example.com/mcp?x=1").is_ok());
        for text in [
            "",
            "/mcp",
            "example.com",
            "ftp://x/",
            "http://u:p@x/",
            "http://x/#a",
            "http:///mcp",
        ] {
            assert!(Url::read(text).is_err(), "{text}");
        }
    }
}
