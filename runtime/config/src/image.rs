//! `image`: a container image that is the server.

use super::scalar::{Mistake, Scalar, scalar};

/// A reference to an image: registry, name, and a tag, a digest or both, for example
/// `ghcr.io/github/github-mcp-server:v1.2.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image(pub String);

const HELP: &str = "write the registry, the name, and a tag or a digest, for example \
                    \"ghcr.io/github/github-mcp-server:v1.2.0\" or \"docker.io/mcp/time@sha256:…\"";

impl Scalar for Image {
    const KIND: &'static str = "an image such as \"ghcr.io/github/github-mcp-server:v1.2.0\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let mistake = |why: &'static str| Mistake::new(why, HELP);
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let Some((registry, path)) = rest.split_once('/') else {
            return Err(mistake("names no registry"));
        };
        let (host, port) = registry.split_once(':').unwrap_or((registry, "0"));
        let in_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        // Without a dot it is the first part of a name, which each engine looks up in another place.
        if !(host.contains('.') || host == "localhost" || registry.contains(':')) {
            return Err(mistake("names no registry"));
        }
        if host.starts_with(['-', '.'])
            || !host.chars().all(in_host)
            || port.parse::<u16>().is_err()
        {
            return Err(mistake("has no registry's name at its beginning"));
        }
        let (name, tag) = match path.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (path, None),
        };
        let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        let part = |part: &str| {
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            part.chars().all(in_name) && ends(part.chars().next()) && ends(part.chars().last())
        };
        if text.len() > 512 || !name.split('/').all(part) {
            return Err(mistake("has no image's name"));
        }
        let in_tag = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let good_tag = |tag: &str| {
            (1..=128).contains(&tag.len())
                && !tag.starts_with(['-', '.'])
                && tag.chars().all(in_tag)
        };
        if tag.is_some_and(|tag| !good_tag(tag)) {
            return Err(mistake("has no tag's name behind the colon"));
        }
        let good_digest = |digest: &str| {
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            digits.len() == 64
                && digits
                    .bytes()
                    .all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        };
        match (tag, digest) {
            (_, Some(digest)) if !good_digest(digest) => Err(mistake(
                "has a digest that is not `sha256:` and 64 hexadecimal digits",
            )),
            (None, None) => Err(mistake("has neither a tag nor a digest")),
            _ => Ok(Self(text.to_owned())),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

scalar!(Image);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::package::Package;

    #[test]
    fn an_image_names_its_registry_and_one_version() {
        let digest = format!("docker.io/mcp/time@sha256:{}", "0a".repeat(32));
        for text in [
            "ghcr.io/github/github-mcp-server:v1.2.0",
            "localhost/time:1",
            "localhost:5000/a/b_c:latest",
            &digest,
        ] {
            let image = Image::read(text).unwrap();
            assert_eq!(
                Package::source(&image.source().to_string()),
                Ok(image.source())
            );
        }
        for (text, words) in [
            ("", "no registry"),
            ("time:1", "no registry"),
            ("mcp/time:1", "no registry"),
            ("-x.io/time:1", "registry's name"),
            ("x.io:99999/time:1", "registry's name"),
            ("--privileged.x/time:1", "registry's name"),
            ("x.io/../time:1", "image's name"),
            ("x.io/Time:1", "image's name"),
            ("x.io/-time:1", "image's name"),
            ("x.io/time", "neither a tag nor a digest"),
            ("x.io/time:", "tag's name"),
            ("x.io/time:-v", "tag's name"),
            ("x.io/time:a b", "tag's name"),
            ("x.io/time@sha256:0", "64 hexadecimal"),
            ("x.io/time@md5:0", "64 hexadecimal"),
            ("x.io/time:1@", "64 hexadecimal"),
        ] {
            let said = Image::read(text).unwrap_err();
            assert!(said.why.contains(words), "{text}: {}", said.why);
        }
    }
}
