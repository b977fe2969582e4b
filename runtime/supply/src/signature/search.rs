//! The search for an image's signature, in the registry that has the image.

use std::time::Duration;

use sandgate_signature::{Evidence, MAX_EVIDENCE, SignatureError, Signer, SimpleSigning, Wanted};

use super::{ImageSignatureError, LockedSignature, MOST, parts, read};
use crate::locked_image::LockedImage;
use crate::oci::{Descriptor, Registry, RegistryError, digest};

/// How long a registry may take for one image, in all.
const WITHIN: Duration = Duration::from_secs(5 * 60);
/// The most manifests of an index that are looked at for the image that the engine has.
const MOST_MANIFESTS: usize = 16;
/// The most reasons that are told.
const MOST_TOLD: usize = 5;
/// The largest payload of cosign's, in bytes.
const MAX_PAYLOAD: usize = 64 << 10;
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

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

    /// The manifest, if it is of the image that the engine has. Whether what is signed leads to that image is decided
    /// once it is known what is signed.
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
