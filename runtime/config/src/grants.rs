//! `grants`: what the operator grants an interceptor. A plugin gets what it asks for and is granted, both.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{Mistake, Scalar, scalar};

/// What the operator gives. Nothing is given unless it is written here, and only what the plugin asks for can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grants {
    /// Memory between calls, of this interceptor alone.
    pub state: bool,
    /// Hosts it may call: `name`, `name:port` or `*.name`; with `private:` before it where the name may lead to a
    /// private address.
    pub http: Vec<HttpHost>,
    /// Directories, by the path under which the plugin sees them.
    pub dirs: BTreeMap<String, DirGrant>,
    /// Environment variables of the gateway that it may read, by name.
    pub env: Vec<String>,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DirGrant {
    /// The directory, relative to this file.
    pub path: PathBuf,
    /// `ro` to read, `rw` to read and write.
    #[serde(default)]
    pub access: Access,
}

/// Access to a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Read only.
    #[default]
    Ro,
    /// Read and write.
    Rw,
}

/// A host that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHost(pub String);

/// A path as the plugin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPath(pub String);

impl Scalar for HttpHost {
    const KIND: &'static str = "a host such as \"api.example.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write `name`, `name:port` or `*.name`, for example \"api.example.com\"; \
                    `private:` before it where it may lead to a private address";
        let bad = || Mistake::new("is not a host", help);
        let name = text.strip_prefix("private:").unwrap_or(text);
        let name = name.strip_prefix("*.").unwrap_or(name);
        if name == "*" {
            return Err(Mistake::new("would allow every host", help));
        }
        if name.contains(['/', '@', '*']) || name.ends_with(':') {
            return Err(bad());
        }
        name.parse::<http::uri::Authority>().map_err(|_| bad())?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Scalar for GuestPath {
    const KIND: &'static str = "an absolute path such as \"/rules\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let fits = text.len() > 1
            && text.starts_with('/')
            && text[1..]
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..")
            && !text.contains('\0');
        let help = "write the path as the plugin asks for it, for example \"/rules\"";
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Mistake::new("is not a path in the plugin's world", help))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

scalar!(HttpHost, GuestPath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_never_everything() {
        for text in [
            "api.example.com",
            "api.example.com:8443",
            "*.example.com",
            "private:crm.internal",
            "[::1]:80",
        ] {
            assert!(HttpHost::read(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "*",
            "private:*",
            "https://x",
            "x/y",
            "u@x",
            "a.*.com",
            "x:",
        ] {
            assert!(HttpHost::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_guest_path_is_absolute_and_has_no_dots() {
        assert!(GuestPath::read("/rules/eu").is_ok());
        for text in ["", "/", "rules", "/a/../b", "/a//b", "/a/"] {
            assert!(GuestPath::read(text).is_err(), "{text}");
        }
    }
}
