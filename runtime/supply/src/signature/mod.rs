//! Signatures of images: found in a registry when an image is locked, and verified again, offline, from what is kept.

mod search;

use std::sync::Arc;

use sandgate_config::{Loaded, SignedBy};
use sandgate_signature::{
    Identity, PublicKey, SignatureError, Signer, TrustedRoot, Wanted, verify,
};

use crate::locked_image::{LockedImage, LockedSignature};
use crate::oci::{Manifest, RegistryError, digest};

pub(crate) use search::find;

/// The most signatures of one image that are looked at.
const MOST: usize = 32;
/// The largest key, and the largest trusted root, in bytes.
const MAX_KEY: u64 = 64 << 10;
const MAX_ROOT: u64 = 1 << 20;

/// Why an image's signature does not count.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ImageSignatureError {
    #[error("{0}")]
    Registry(#[from] RegistryError),
    #[error("it is not signed: the registry has no signature of {digests}")]
    NotSigned { digests: String },
    #[error("none of its {number} signatures counts: {reasons}")]
    NoneCounts { number: usize, reasons: String },
    #[error("more than {MOST} signatures do not count, and no more are looked at: {reasons}")]
    TooMany { reasons: String },
    #[error(
        "the registry has {found} for it, which is another image than {id}, which the engine has"
    )]
    OtherImage { found: String, id: String },
    #[error("no signature of it is kept")]
    NotKept,
    #[error("what is signed is {signed}, and the image is {wanted}")]
    OtherDigest { signed: String, wanted: String },
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A key or a trusted root that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SignedByError {
    /// Which of the keys of `signed-by` it is.
    pub key: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// By whom `signed-by` asks for.
///
/// # Errors
///
/// A file that it names cannot be read, or is not what it should be.
pub fn wanted(loaded: &Loaded, by: &SignedBy) -> Result<Wanted, SignedByError> {
    let failed = |key: &'static str, why: &dyn std::fmt::Display| SignedByError {
        key,
        why: why.to_string(),
    };
    if let Some(file) = &by.key {
        let wrong = |why: &dyn std::fmt::Display| failed("key", why);
        let text = loaded
            .files
            .read(file, MAX_KEY)
            .map_err(|error| wrong(&error))?;
        let named = |error| wrong(&format!("{}: {error}", loaded.files.path(file).display()));
        return PublicKey::from_pem(&text).map(Wanted::Key).map_err(named);
    }
    let root = match &by.trusted_root {
        None => TrustedRoot::public().map_err(|error| failed("identity", &error))?,
        Some(file) => {
            let wrong = |why: &dyn std::fmt::Display| failed("trusted-root", why);
            let text = loaded
                .files
                .read(file, MAX_ROOT)
                .map_err(|error| wrong(&error))?;
            let parsed = TrustedRoot::parse(&String::from_utf8_lossy(&text));
            let named = |error| wrong(&format!("{}: {error}", loaded.files.path(file).display()));
            parsed.map_err(named)?
        }
    };
    Ok(Wanted::Identity(Identity {
        identity: by
            .identity
            .as_ref()
            .map(|one| one.0.clone())
            .unwrap_or_default(),
        issuer: by.issuer.clone().unwrap_or_default(),
        root: Arc::new(root),
    }))
}

/// A reference without its tag and digest, and what of the two leads to it: the digest where it has one.
pub(crate) fn parts(reference: &str) -> (&str, &str) {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (rest, "latest"),
    };
    (name, digest.unwrap_or(tag))
}

impl LockedSignature {
    /// Whether it is of this image and by whom it should be. Asks nobody.
    ///
    /// # Errors
    ///
    /// It is of another image, or does not count.
    pub(crate) fn check(
        &self,
        image: &LockedImage,
        wanted: &Wanted,
    ) -> Result<Signer, ImageSignatureError> {
        let manifest = digest(self.manifest.as_bytes());
        let other = |signed: &str, wanted: &str| ImageSignatureError::OtherDigest {
            signed: signed.to_owned(),
            wanted: wanted.to_owned(),
        };
        let mut all = vec![manifest.clone()];
        if let Some(index) = &self.index {
            let named = read(index).manifests.unwrap_or_default();
            if !named.iter().any(|one| one.digest == manifest) {
                return Err(other(&digest(index.as_bytes()), &manifest));
            }
            all.push(digest(index.as_bytes()));
        }
        // The reference's digest, where it has one, and the engine's image are both what was signed.
        let (_, reference) = parts(&image.reference);
        if reference.starts_with("sha256:") && !all.iter().any(|one| one == reference) {
            return Err(other(&self.digest, reference));
        }
        // An engine that calls the image by its index chooses a manifest itself: one that is signed says nothing of the
        // others in an index that is not.
        let config = read(&self.manifest).config.unwrap_or_default();
        let is_bound = config.digest == image.id
            || manifest == image.id
            || (all.contains(&image.id) && self.digest == image.id);
        if !is_bound {
            return Err(other(&self.digest, &image.id));
        }
        let signed = match &self.index {
            _ if self.digest == manifest => &self.manifest,
            Some(index) if all.contains(&self.digest) => index,
            _ => return Err(other(&self.digest, &manifest)),
        };
        Ok(verify(&self.evidence, signed.as_bytes(), wanted)?)
    }
}

/// A manifest or an index; one that cannot be read names nothing.
fn read(text: &str) -> Manifest {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_leads_to_an_image_before_a_tag_does() {
        for (reference, expected) in [
            ("ghcr.io/a/b:1", ("ghcr.io/a/b", "1")),
            ("localhost:5000/a:1", ("localhost:5000/a", "1")),
            (
                "localhost:5000/a@sha256:00",
                ("localhost:5000/a", "sha256:00"),
            ),
            ("ghcr.io/a/b:1@sha256:00", ("ghcr.io/a/b", "sha256:00")),
        ] {
            assert_eq!(parts(reference), expected);
        }
    }
}
