//! Signatures of images: found in a registry when an image is locked, and verified again, offline, from what is kept.

use std::sync::Arc;
use std::time::Duration;

use sandgate_config::{Loaded, SignedBy};
use sandgate_signature::{
    Evidence, Identity, MAX_EVIDENCE, PublicKey, SignatureError, Signer, SimpleSigning,
    TrustedRoot, Wanted, verify,
};
use serde::{Deserialize, Serialize};

use crate::image::LockedImage;
use crate::oci::{Descriptor, Manifest, Registry, RegistryError, digest};

/// How long a registry may take for one image, in all.
const WITHIN: Duration = Duration::from_secs(5 * 60);
/// The most signatures of one image that are looked at.
const MOST: usize = 32;
/// The most manifests of an index that are looked at for the image that the engine has.
const MOST_MANIFESTS: usize = 16;
/// The most reasons that are told.
const MOST_TOLD: usize = 5;
/// The largest payload of cosign's, in bytes.
const MAX_PAYLOAD: usize = 64 << 10;
/// The largest key, and the largest trusted root, in bytes.
const MAX_KEY: u64 = 64 << 10;
const MAX_ROOT: u64 = 1 << 20;

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

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
fn parts(reference: &str) -> (&str, &str) {
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
        let config = read(&self.manifest).config.unwrap_or_default();
        if config.digest != image.id && !all.contains(&image.id) {
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

/// Finds a signature of an image that counts.
///
/// # Errors
///
/// The registry cannot be asked, has another image, or has no signature of it that counts.
pub(crate) fn find(
    image: &LockedImage,
    architecture: &str,
    wanted: &Wanted,
) -> Result<(LockedSignature, Signer), ImageSignatureError> {
    // The command line has no runtime of its own at this place, and needs one for no longer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let variable = |name: &str| std::env::var(name).ok();
    let (name, _) = parts(&image.reference);
    let registry = Registry::of(name, variable)?;
    let search = Search {
        registry,
        image,
        wanted,
        seen: 0,
        reasons: Vec::new(),
    };
    let within = WITHIN.as_secs();
    let slow = || RegistryError::Unreachable {
        url: image.reference.clone(),
        why: format!("its signatures were not found within {within} s"),
    };
    let found = async { tokio::time::timeout(WITHIN, search.run(architecture)).await };
    match runtime.block_on(found) {
        Ok(found) => found,
        Err(_) => Err(slow().into()),
    }
}

/// The search for one image's signature.
struct Search<'a> {
    registry: Registry,
    image: &'a LockedImage,
    wanted: &'a Wanted,
    seen: usize,
    /// Why signatures do not count.
    reasons: Vec<String>,
}

/// What may be signed: the bytes of an index and of the manifest in it, or of a manifest alone.
struct Subject {
    index: Option<String>,
    manifest: String,
}

impl Search<'_> {
    async fn run(
        mut self,
        architecture: &str,
    ) -> Result<(LockedSignature, Signer), ImageSignatureError> {
        let subject = self.subject(architecture).await?;
        let of = |text: &String| digest(text.as_bytes());
        let index = subject.index.as_ref().map(of);
        let digests: Vec<String> = index.into_iter().chain([of(&subject.manifest)]).collect();
        for signed in &digests {
            if let Some(found) = self.under_tag(signed, &subject).await? {
                return Ok(found);
            }
            if let Some(found) = self.referring(signed, &subject).await? {
                return Ok(found);
            }
        }
        match self.seen {
            0 => Err(ImageSignatureError::NotSigned {
                digests: digests.join(" or "),
            }),
            number => Err(ImageSignatureError::NoneCounts {
                number,
                reasons: self.told(),
            }),
        }
    }

    /// The manifest of the image that the engine has, as the registry sends it.
    async fn subject(&mut self, architecture: &str) -> Result<Subject, ImageSignatureError> {
        let (_, reference) = parts(&self.image.reference);
        let sent = self.text(reference).await?;
        let Some(manifests) = read(&sent).manifests else {
            let subject = Subject {
                index: None,
                manifest: sent,
            };
            return self.bound(subject);
        };
        let fits = |one: &&Descriptor| {
            let platform = one.platform.as_ref();
            platform.is_none_or(|it| it.os == "linux" && it.architecture == architecture)
        };
        for one in manifests.iter().filter(fits).take(MOST_MANIFESTS) {
            let manifest = self.text(&one.digest).await?;
            let subject = Subject {
                index: Some(sent.clone()),
                manifest,
            };
            if let Ok(subject) = self.bound(subject) {
                return Ok(subject);
            }
        }
        Err(ImageSignatureError::OtherImage {
            found: format!("{}, an index without it,", digest(sent.as_bytes())),
            id: self.image.id.clone(),
        })
    }

    /// The manifest, if it is of the image that the engine has.
    fn bound(&self, subject: Subject) -> Result<Subject, ImageSignatureError> {
        let id = &self.image.id;
        let manifest = digest(subject.manifest.as_bytes());
        let index = subject.index.as_ref().map(|index| digest(index.as_bytes()));
        let config = read(&subject.manifest).config.unwrap_or_default();
        if config.digest == *id || manifest == *id || index.as_ref() == Some(id) {
            return Ok(subject);
        }
        Err(ImageSignatureError::OtherImage {
            found: manifest,
            id: id.clone(),
        })
    }

    async fn text(&mut self, reference: &str) -> Result<String, ImageSignatureError> {
        let sent = self.registry.manifest(reference).await?;
        let odd = |why: &str| RegistryError::Odd {
            url: self.image.reference.clone(),
            why: format!("{reference}: {why}"),
        };
        let sent = sent.ok_or_else(|| odd("the registry has no such manifest"))?;
        let sent = String::from_utf8(sent.to_vec()).map_err(|_| odd("it is no text"))?;
        Ok(sent)
    }

    /// cosign's older place: the layers of an image under the tag `sha256-….sig`.
    async fn under_tag(
        &mut self,
        signed: &str,
        subject: &Subject,
    ) -> Result<Option<(LockedSignature, Signer)>, ImageSignatureError> {
        let tag = format!("{}.sig", signed.replace(':', "-"));
        let Some(manifest) = self.registry.manifest(&tag).await? else {
            return Ok(None);
        };
        let manifest = read(&String::from_utf8_lossy(&manifest));
        for layer in &manifest.layers {
            if layer.media_type != SIMPLE_SIGNING {
                continue;
            }
            self.count()?;
            let payload = match self.registry.blob(&layer.digest, MAX_PAYLOAD).await {
                Ok(payload) => payload,
                Err(error) => {
                    self.reasons.push(error.to_string());
                    continue;
                }
            };
            let annotation = |name: &str| layer.annotations.get(name).cloned();
            let evidence = Evidence::SimpleSigning(SimpleSigning {
                payload: String::from_utf8_lossy(&payload).into_owned(),
                signature: annotation("dev.cosignproject.cosign/signature").unwrap_or_default(),
                certificate: annotation("dev.sigstore.cosign/certificate"),
                bundle: annotation("dev.sigstore.cosign/bundle"),
                timestamp: annotation("dev.sigstore.cosign/rfc3161timestamp"),
            });
            if let Some(found) = self.judge(signed, subject, evidence) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Bundles that refer to the image.
    async fn referring(
        &mut self,
        signed: &str,
        subject: &Subject,
    ) -> Result<Option<(LockedSignature, Signer)>, ImageSignatureError> {
        let is_bundle = |kind: Option<&str>| kind.is_some_and(|kind| kind.starts_with(BUNDLE));
        for one in self.registry.referrers(signed).await? {
            if !is_bundle(one.artifact_type.as_deref()) {
                continue;
            }
            self.count()?;
            match self.bundle(&one.digest).await {
                Ok(text) => {
                    if let Some(found) = self.judge(signed, subject, Evidence::Bundle(text)) {
                        return Ok(Some(found));
                    }
                }
                Err(error) => self.reasons.push(error.to_string()),
            }
        }
        Ok(None)
    }

    async fn bundle(&mut self, manifest: &str) -> Result<String, ImageSignatureError> {
        let manifest = read(&self.text(manifest).await?);
        let mut layers = manifest.layers.into_iter();
        let layer = layers.find(|layer| layer.media_type.starts_with(BUNDLE));
        let layer = layer.ok_or_else(|| SignatureError::Malformed("it has no bundle".into()))?;
        let text = self.registry.blob(&layer.digest, MAX_EVIDENCE).await?;
        let text = String::from_utf8(text.to_vec());
        Ok(text.map_err(|_| SignatureError::Malformed("it is no text".into()))?)
    }

    fn judge(
        &mut self,
        signed: &str,
        subject: &Subject,
        evidence: Evidence,
    ) -> Option<(LockedSignature, Signer)> {
        let found = LockedSignature {
            digest: signed.to_owned(),
            index: subject.index.clone(),
            manifest: subject.manifest.clone(),
            evidence,
        };
        match found.check(self.image, self.wanted) {
            Ok(signer) => Some((found, signer)),
            Err(error) => {
                self.reasons.push(error.to_string());
                None
            }
        }
    }

    fn count(&mut self) -> Result<(), ImageSignatureError> {
        if self.seen == MOST {
            return Err(ImageSignatureError::TooMany {
                reasons: self.told(),
            });
        }
        self.seen += 1;
        Ok(())
    }

    /// Why they do not count, each reason once.
    fn told(&self) -> String {
        let mut reasons: Vec<&str> = Vec::new();
        for reason in &self.reasons {
            if !reasons.contains(&reason.as_str()) {
                reasons.push(reason);
            }
        }
        let more = reasons.len().saturating_sub(MOST_TOLD);
        reasons.truncate(MOST_TOLD);
        match more {
            0 => reasons.join("; "),
            more => format!("{}; and {more} reasons more", reasons.join("; ")),
        }
    }
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
