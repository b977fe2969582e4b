//! Plugins of registries: what a reference leads to, by whom it is signed, and how a plugin gets there. The layout is that
//! of the CNCF's Wasm working group: a manifest, the configuration of a component, and one layer, the component.

use std::time::Duration;

use bytes::Bytes;
use sandgate_config::Image;
use sandgate_signature::{Signer, Wanted};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::locked_image::{LockedImage, LockedSignature};
use crate::oci::{Descriptor, MANIFEST, Manifest, Registry, RegistryError, digest};
use crate::signature::{self, ImageSignatureError, parts};

const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";
/// How long a registry may take for one plugin, in all.
const WITHIN: Duration = Duration::from_secs(5 * 60);

/// A plugin of a registry, as it is kept beside the lock: all that is needed to verify it again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LockedComponent {
    /// Registry, name and the manifest's digest.
    pub reference: String,
    /// The manifest as the registry sent it.
    pub manifest: String,
    /// By whom it is signed, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<LockedSignature>,
}

/// Why a plugin of a registry is not locked, not used or not pushed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ComponentError {
    #[error("{0}")]
    Registry(#[from] RegistryError),
    #[error("the registry has no such manifest")]
    Absent,
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    #[error(
        "it is an index of several manifests, and a plugin is one manifest; name that by its digest"
    )]
    Index,
    #[error("it is no component: its configuration is of {0:?}, and a component's of {CONFIG:?}")]
    OtherConfig(String),
    #[error("it has {0} layers, and a plugin has one, the component")]
    Layers(usize),
    #[error("its layer is of {0:?}, and a component's of {LAYER:?}")]
    OtherLayer(String),
    #[error("its manifest says {said} bytes, and a plugin may have {most}")]
    TooLarge { said: u64, most: usize },
    #[error("its manifest says {said} bytes, and {found} came")]
    OtherSize { said: u64, found: usize },
    #[error("what is kept of it has {found}, and the lock {locked}")]
    Other { found: String, locked: String },
    #[error("{0}")]
    Signature(#[from] ImageSignatureError),
    #[error("it took longer than {} s", WITHIN.as_secs())]
    Slow,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct FetchedComponent {
    /// What is kept.
    pub locked: LockedComponent,
    /// The component.
    pub bytes: Bytes,
    /// By whom it is signed; `None`: nobody asked.
    pub signer: Option<String>,
}

/// What was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedComponent {
    /// The manifest's digest.
    pub digest: String,
    /// The manifest that the tag led to before, where it was another.
    pub before: Option<String>,
}

impl LockedComponent {
    /// The digest of the manifest.
    pub fn digest(&self) -> String {
        digest(self.manifest.as_bytes())
    }

    /// The digest of the component.
    ///
    /// # Errors
    ///
    /// The manifest is not that of a component, or of another one than the reference.
    pub fn component(&self) -> Result<String, ComponentError> {
        let (found, (_, locked)) = (self.digest(), parts(&self.reference));
        if found != locked {
            let locked = locked.to_owned();
            return Err(ComponentError::Other { found, locked });
        }
        Ok(layer(&self.manifest, usize::MAX)?.digest)
    }

    /// By whom it is signed, if it is as it must be. Asks nobody: all of it is kept.
    ///
    /// # Errors
    ///
    /// No signature is kept, or it does not count.
    pub fn signer(&self, wanted: &Wanted) -> Result<Signer, ImageSignatureError> {
        self.image().signer(wanted)
    }

    /// What signatures are judged by: the image that is this manifest.
    fn image(&self) -> LockedImage {
        LockedImage {
            reference: self.reference.clone(),
            id: self.digest(),
            fetched: None,
            volumes: Vec::new(),
            size: 0,
            signature: self.signature.clone(),
        }
    }
}

/// Fetches what a reference leads to, of at most `most` bytes, and finds a signature where one is wanted.
///
/// # Errors
///
/// The registry does not have it, it is no component, or it is not signed as it must be.
pub fn fetch_component(
    reference: &Image,
    wanted: Option<&Wanted>,
    most: usize,
) -> Result<FetchedComponent, ComponentError> {
    let (name, which) = parts(&reference.0);
    let fetched = within(async {
        let mut registry = registry(name)?;
        let manifest = registry.manifest(which).await?;
        let manifest = manifest.ok_or(ComponentError::Absent)?;
        let manifest = String::from_utf8(manifest.to_vec())
            .map_err(|error| ComponentError::Unreadable(error.to_string()))?;
        let layer = layer(&manifest, most)?;
        let size = usize::try_from(layer.size).unwrap_or(most);
        let bytes = registry.blob(&layer.digest, size).await?;
        if bytes.len() != size {
            return Err(ComponentError::OtherSize {
                said: layer.size,
                found: bytes.len(),
            });
        }
        Ok((manifest, bytes))
    });
    let (manifest, bytes) = fetched?;
    let mut locked = LockedComponent {
        reference: format!("{name}@{}", digest(manifest.as_bytes())),
        manifest,
        signature: None,
    };
    let signer = match wanted {
        None => None,
        Some(wanted) => {
            let (found, signer) = signature::find(&locked.image(), "wasm", wanted)?;
            locked.signature = Some(found);
            Some(signer.to_string())
        }
    };
    Ok(FetchedComponent {
        locked,
        bytes,
        signer,
    })
}

/// Pushes a component under the tag of a reference, with what registries show of it: pairs of an annotation's name and
/// value. The same component has the same digest each time.
///
/// # Errors
///
/// The registry does not take it.
pub fn push_component(
    reference: &Image,
    component: Bytes,
    annotations: &[(&str, &str)],
    (imports, exports): (&[String], &[String]),
) -> Result<PushedComponent, ComponentError> {
    let (name, tag) = parts(&reference.0);
    let own = digest(&component);
    let config = json!({
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [own],
        "component": { "exports": exports, "imports": imports, "target": null },
    });
    let config = Bytes::from(config.to_string());
    let annotations: serde_json::Map<_, _> = annotations
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": CONFIG, "digest": digest(&config), "size": config.len() },
        "layers": [{ "mediaType": LAYER, "digest": own, "size": component.len() }],
        "annotations": annotations,
    });
    let manifest = Bytes::from(manifest.to_string());
    let pushed = digest(&manifest);
    let before = within(async {
        let mut registry = registry(name)?.pushing();
        registry.put_blob(&component).await?;
        registry.put_blob(&config).await?;
        let before = registry.manifest(tag).await?;
        registry.put_manifest(tag, manifest).await?;
        Ok(before.map(|before| digest(&before)))
    })?;
    Ok(PushedComponent {
        before: before.filter(|before| *before != pushed),
        digest: pushed,
    })
}

fn registry(name: &str) -> Result<Registry, RegistryError> {
    Registry::of(name, |name| std::env::var(name).ok())
}

/// The command line has no runtime of its own at this place, and needs one for no longer.
fn within<T>(done: impl Future<Output = Result<T, ComponentError>>) -> Result<T, ComponentError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = async { tokio::time::timeout(WITHIN, done).await };
    runtime.block_on(done).unwrap_or(Err(ComponentError::Slow))
}

/// The only layer of a component's manifest.
fn layer(manifest: &str, most: usize) -> Result<Descriptor, ComponentError> {
    let manifest: Manifest = serde_json::from_str(manifest)
        .map_err(|error| ComponentError::Unreadable(error.to_string()))?;
    if manifest.manifests.is_some() {
        return Err(ComponentError::Index);
    }
    let config = manifest.config.unwrap_or_default();
    if config.media_type != CONFIG {
        return Err(ComponentError::OtherConfig(config.media_type));
    }
    let layers = manifest.layers.len();
    let mut all = manifest.layers.into_iter();
    let (Some(layer), None) = (all.next(), all.next()) else {
        return Err(ComponentError::Layers(layers));
    };
    if layer.media_type != LAYER {
        return Err(ComponentError::OtherLayer(layer.media_type));
    }
    if layer.size > most as u64 {
        let said = layer.size;
        return Err(ComponentError::TooLarge { said, most });
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn manifest(config: &str, layers: &[(&str, u64)]) -> String {
        let layers: Vec<_> = layers
            .iter()
            .map(|(kind, size)| json!({ "mediaType": kind, "digest": "sha256:00", "size": size }))
            .collect();
        json!({ "config": { "mediaType": config }, "layers": layers }).to_string()
    }

    #[test]
    fn a_manifest_that_is_not_of_one_component_is_refused_with_its_reason() {
        assert_eq!(layer(&manifest(CONFIG, &[(LAYER, 7)]), 8).unwrap().size, 7);
        let image = "application/vnd.oci.image.config.v1+json";
        let packed = "application/vnd.oci.image.layer.v1.tar+gzip";
        for (text, words) in [
            ("{".to_owned(), "cannot be read"),
            (json!({ "manifests": [] }).to_string(), "is an index"),
            ("{}".to_owned(), "configuration is of \"\""),
            (manifest(image, &[(LAYER, 7)]), "oci.image.config"),
            (manifest(CONFIG, &[]), "has 0 layers"),
            (manifest(CONFIG, &[(LAYER, 1), (LAYER, 1)]), "has 2 layers"),
            (manifest(CONFIG, &[(packed, 7)]), "layer is of"),
            (
                manifest(CONFIG, &[(LAYER, 9)]),
                "9 bytes, and a plugin may have 8",
            ),
        ] {
            let said = layer(&text, 8).unwrap_err().to_string();
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }

    #[test]
    fn what_is_kept_is_of_the_manifest_that_its_reference_names() {
        let text = manifest(CONFIG, &[(LAYER, 7)]);
        let kept = |which: &str| LockedComponent {
            reference: format!("ghcr.io/example/mask@{which}"),
            manifest: text.clone(),
            signature: None,
        };
        let own = digest(text.as_bytes());
        assert_eq!(kept(&own).component().unwrap(), "sha256:00");
        let other = kept("sha256:11").component().unwrap_err().to_string();
        assert!(
            other.contains(&own) && other.contains("sha256:11"),
            "{other}"
        );
    }
}
