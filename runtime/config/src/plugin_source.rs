//! The plugin of an interceptor: where it comes from, and which file it must be.

use std::path::PathBuf;

use sandgate_text::hex;

use super::image::Image;
use super::scalar::{Mistake, Scalar, scalar};

/// What a plugin of a registry begins with.
pub(crate) const REGISTRY: &str = "oci://";

/// The source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginSource {
    /// A builtin plugin, by its name.
    Builtin(String),
    /// A component file, by its path as it was written.
    File(PathBuf),
    /// A component in a registry.
    Registry(Image),
}

/// SHA-256 of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Scalar for PluginSource {
    const KIND: &'static str =
        "\"builtin:NAME\", the path of a component file or \"oci://REGISTRY/NAME:TAG\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write \"builtin:NAME\" or the path of a .wasm file";
        if let Some(reference) = text.strip_prefix(REGISTRY) {
            let help = "write the registry, the name, and a tag, a digest or both, for example \
                        \"oci://ghcr.io/example/mask:1.2.0\"";
            let image = Image::read(reference).map_err(|mistake| {
                let why = match &*mistake.why {
                    "has no image's name" => "has no name behind the registry's".into(),
                    _ => mistake.why,
                };
                Mistake::new(why, help)
            })?;
            return Ok(Self::Registry(image));
        }
        match text.strip_prefix("builtin:") {
            Some("") => Err(Mistake::new("names no plugin", help)),
            Some(name) => Ok(Self::Builtin(name.to_owned())),
            None if text.is_empty() => Err(Mistake::new("is empty", help)),
            None => Ok(Self::File(text.into())),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Builtin(name) => format!("builtin:{name}"),
            Self::File(path) => path.display().to_string(),
            Self::Registry(image) => format!("{REGISTRY}{}", image.0),
        }
    }
}

impl Scalar for Digest {
    const KIND: &'static str = "\"sha256:\" and 64 hexadecimal digits";
    const PATTERN: Option<&'static str> = Some("^sha256:[0-9a-f]{64}$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write \"sha256:\" and 64 lower-case hexadecimal digits, as `sandgate plugin inspect` prints them";
        let bad = || Mistake::new("is not a SHA-256 digest", help);
        let digits = text.strip_prefix("sha256:");
        let digest = digits.and_then(hex::decode_lower);
        digest.map(Self).ok_or_else(bad)
    }

    fn write(&self) -> String {
        format!("sha256:{}", hex::encode(self.0))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.write())
    }
}

scalar!(PluginSource, Digest);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_plugin_of_a_registry_names_one_version() {
        let digest = format!("oci://ghcr.io/example/mask@sha256:{}", "0a".repeat(32));
        for text in [
            "oci://localhost:5000/mask:1",
            "oci://ghcr.io/a/b:1.2.0",
            &digest,
        ] {
            let source = PluginSource::read(text).unwrap();
            assert!(matches!(source, PluginSource::Registry(_)));
            assert_eq!(source.write(), text);
        }
        for (text, words) in [
            ("oci://", "names no registry"),
            ("oci://mask:1", "names no registry"),
            ("oci://ghcr.io/mask", "neither a tag nor a digest"),
            ("oci://ghcr.io/../mask:1", "no name behind"),
            ("oci://ada:x@ghcr.io/mask:1", "registry"),
            ("oci://ghcr.io/mask@sha256:0", "64 hexadecimal"),
        ] {
            let said = PluginSource::read(text).unwrap_err();
            assert!(said.why.contains(words), "{text}: {}", said.why);
        }
    }

    #[test]
    fn a_digest_reads_back_as_it_was_written() {
        let text = format!("sha256:{}", "0123456789abcdef".repeat(4));
        assert_eq!(Digest::read(&text).unwrap().write(), text);
        for text in [
            "",
            "sha256:",
            "sha256:00",
            &text.to_uppercase(),
            &text.replace('f', "g"),
            &text[7..],
        ] {
            assert!(Digest::read(text).is_err(), "{text}");
        }
    }
}
