//! Where an entry leads: a package in one version, an image, a host, a remote server.

use sandgate_address::{AllowedHost, Host};
use sandgate_config::{Image, Package, Scalar};
use url::Url;

use super::text::{plain, shown};
use crate::entry::{Refusal, Runs, Text};

/// Ends of names that are known in somebody's own network alone.
const PRIVATE_ENDS: [&str; 8] = [
    ".local",
    ".localhost",
    ".internal",
    ".intranet",
    ".lan",
    ".corp",
    ".home",
    ".home.arpa",
];

/// A package in exactly one version.
pub(crate) fn package(ecosystem: &str, name: &str, version: Option<&str>) -> Result<Runs, Refusal> {
    let between = if ecosystem == "npm" { "@" } else { "==" };
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        return Err(Refusal::of(format!(
            "the package {} has no version",
            shown(name)
        )));
    };
    let text = format!("{ecosystem}:{name}{between}{version}");
    let package = Package::read(&text).map_err(|mistake| {
        let what = format!("the package {}", shown(&text));
        Refusal::of(format!("{what} {}", mistake.why))
    })?;
    Ok(Runs::Package(package, None))
}

/// An image. A name without a registry is one of Docker's, as its engine reads it.
pub(crate) fn image(text: &str) -> Result<Image, Refusal> {
    let first = text.split('/').next().unwrap_or_default();
    let host = first.contains(['.', ':']) || first == "localhost";
    let whole = match (text.contains('/'), host) {
        (true, true) => text.to_owned(),
        (true, false) => format!("docker.io/{text}"),
        (false, _) => format!("docker.io/library/{text}"),
    };
    if text.contains('/') && host {
        let name = first.rsplit_once(':').map_or(first, |(name, _)| name);
        let name = name.to_ascii_lowercase();
        let is_private = PRIVATE_ENDS.iter().any(|end| name.ends_with(end));
        if AllowedHost::parse(first).is_err() || !name.contains('.') || is_private {
            let why = "is of this machine or of a private network, which no catalog knows";
            return Err(Refusal::of(format!("the image {} {why}", shown(text))));
        }
    }
    Image::read(&whole)
        .map_err(|mistake| Refusal::of(format!("the image {} {}", shown(text), mistake.why)))
}

/// A host that a server may reach.
pub(crate) fn host(text: &str) -> Result<AllowedHost, Refusal> {
    if text.starts_with("private:") {
        let why = "is private, which only the operator may allow";
        return Err(Refusal::of(format!("the host {} {why}", shown(text))));
    }
    AllowedHost::parse(text)
        .map_err(|error| Refusal::of(format!("the host {} {error}", shown(text))))
}

/// Judges the place of a remote server.
pub(crate) fn remote(text: &Text) -> Result<(), Refusal> {
    plain("its URL", text)?;
    let whole = text.to_string();
    let failed = |why: &str| Err(Refusal::of(format!("the URL {} {why}", shown(&whole))));
    let Some(rest) = whole.strip_prefix("https://") else {
        return failed("is not https");
    };
    // Before an input is filled in, what it stands for cannot be judged. It may not decide where the host ends.
    let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let stand_in = authority.replace(['{', '}', '_'], "");
    if text.inputs().next().is_none() {
        let Ok(url) = Url::parse(&whole) else {
            return failed("is none");
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return failed("has a user, a password or a fragment");
        }
        let written = url.host_str().unwrap_or_default();
        if Host::parse(authority.split(':').next().unwrap_or_default()).is_err()
            && Host::parse(written).is_err()
        {
            return failed("has no host");
        }
        let at = format!("{written}:{}", url.port_or_known_default().unwrap_or(443));
        if let Err(error) = AllowedHost::parse(&at) {
            return failed(&error.to_string());
        }
    } else if stand_in.contains(['@', '\\', ' ', '%']) || !stand_in.contains('.') {
        return failed("has no host that can be told");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_package_has_one_version_and_an_image_a_registry() {
        package("npm", "@acme/x", Some("1.2.3")).unwrap();
        for version in [
            None,
            Some(""),
            Some("latest"),
            Some("^1.2.3"),
            Some("1.x"),
            Some("1.2.3 --ignore"),
            Some("*"),
        ] {
            assert!(package("npm", "x", version).is_err(), "{version:?}");
        }
        for name in ["-g", "../x", "x@npm:y", "git+https://x/y", "a b"] {
            assert!(package("npm", name, Some("1.2.3")).is_err(), "{name}");
        }
        for (text, whole) in [
            ("mcp/time:1", "docker.io/mcp/time:1"),
            ("time:1", "docker.io/library/time:1"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ] {
            assert_eq!(image(text).unwrap().0, whole);
        }
        for text in [
            "",
            "mcp/time",
            "--privileged",
            "localhost/x:1",
            "localhost:5000/x:1",
            "127.0.0.1:5000/x:1",
            "127.0.0.2/x:1",
            "10.0.0.1/x:1",
            "169.254.169.254/x:1",
            "[::1]:5000/x:1",
            "registry:5000/x:1",
            "registry.corp/x:1",
            "Registry.Internal:5000/x:1",
            "mcp/time:1 -v /:/x",
            "x/y:${z}",
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_remote_server_is_elsewhere_and_by_tls() {
        let good = |text: &str| remote(&Text::read(text, "{", "}", |name| Some(name.into())));
        for text in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com:8443/mcp?x=y",
            "https://{tenant}.example.com/mcp",
            "https://mcp.example.com/{tenant}",
        ] {
            good(text).unwrap();
        }
        for text in [
            "http://mcp.example.com/mcp",
            "https://127.0.0.1/mcp",
            "https://localhost/mcp",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/mcp",
            "https://[::1]/mcp",
            "https://0x7f000001/mcp",
            "https://2130706433/mcp",
            "https://user:word@example.com/mcp",
            "https://example.com/mcp#x",
            "https://",
            "https://{host}/mcp",
            "https://x@{host}.example.com/mcp",
            "file:///etc/passwd",
            "https://example.com/\x1b[2J",
        ] {
            assert!(good(text).is_err(), "{text}");
        }
    }
}
