//! What an image's reference was resolved to, as it is kept beside the lock.

use sandgate_config::Package;
use sandgate_signature::Evidence;
use serde::{Deserialize, Serialize};

/// What an image's reference was resolved to, as it is kept beside the lock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// The reference, as the configuration has it.
    pub reference: String,
    /// The image's id, as the engine calls it: `sha256:` and the digest of its configuration, which has those of its
    /// layers, or that of its manifest or index.
    pub id: String,
    /// The reference by digest with which it can be fetched again; left out for an image of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    /// Folders for which the image wants a volume, as the engine told. The lock covers them, a signature does not.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Its size on disk, in bytes.
    pub size: u64,
    /// By whom it is signed, where that was asked for, and all that is needed to verify it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<LockedSignature>,
}

impl LockedImage {
    /// Reads what is kept.
    pub fn read(package: &Package, text: &str) -> Option<Self> {
        let image: Self = serde_json::from_str(text).ok()?;
        let digits = image.id.strip_prefix("sha256:")?;
        let hexadecimal = digits.len() == 64 && digits.bytes().all(|c| c.is_ascii_hexdigit());
        let path = |path: &String| {
            path.starts_with('/') && !path.contains([',', ':', '"', '\n', '\r', '\0'])
        };
        let fetched = image.fetched.as_ref().is_none_or(|fetched| {
            Package::source(&format!("image:{fetched}")).is_ok() && fetched.contains("@sha256:")
        });
        (image.reference == package.name
            && hexadecimal
            && fetched
            && image.volumes.iter().all(path))
        .then_some(image)
    }
}

/// A signature that was found and verified, with what ties it to the image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedSignature {
    /// The digest that is signed: that of the index, or that of the manifest.
    pub digest: String,
    /// The index as the registry sent it; left out for an image of one platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The manifest as the registry sent it.
    pub manifest: String,
    /// The signature.
    pub evidence: Evidence,
}
