//! Images: what a reference leads to, and whether the engine has it.

use std::time::Duration;

use sandgate_config::Package;
use sandgate_contain::Engine;
use sandgate_signature::{Signer, Wanted};
use serde::Deserialize;

use crate::lock::LockedServer;
use crate::locked_image::LockedImage;
use crate::resolved::Resolved;
use crate::signature::{self, ImageSignatureError};

/// How long an image may take to be fetched, and an engine to answer.
const FETCH: Duration = Duration::from_secs(15 * 60);
const ANSWER: Duration = Duration::from_secs(20);
/// The registry of images that were built on this machine.
const HERE: &str = "localhost/";

/// Why an image is not locked, or not here.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ImageError {
    #[error("{0}")]
    Engine(String),
    #[error("the engine answered something unexpected: {0}")]
    Unexpected(String),
    #[error("the registry has {found} for it, and the lock {locked}: it is another image")]
    Other { found: String, locked: String },
    #[error("{0}")]
    Signature(#[from] ImageSignatureError),
    #[error("{0} was built on the machine that locked it, and is not on this one")]
    Elsewhere(String),
}

impl LockedImage {
    /// By whom it is signed, if it is as it must be. Asks nobody: all of it is kept.
    ///
    /// # Errors
    ///
    /// No signature is kept, or it does not count.
    pub fn signer(&self, wanted: &Wanted) -> Result<Signer, ImageSignatureError> {
        let kept = self.signature.as_ref();
        kept.ok_or(ImageSignatureError::NotKept)?
            .check(self, wanted)
    }

    /// Whether the engine has the image.
    ///
    /// # Errors
    ///
    /// The engine gives no answer.
    pub fn is_here(&self, engine: &Engine) -> Result<bool, ImageError> {
        let asked = ["image", "inspect", "--format", "{{.Id}}", self.id.as_str()];
        match engine.ask(&asked, ANSWER) {
            Ok(id) => Ok(with_kind(&id) == self.id),
            // The engines say in their own words that it is not there. Whether they answer at all is another question.
            Err(why) => match engine.ask(&["images", "--quiet", "--no-trunc"], ANSWER) {
                Ok(all) => Ok(all.lines().any(|id| with_kind(id.trim()) == self.id)),
                Err(_) => Err(ImageError::Engine(why)),
            },
        }
    }

    /// Fetches the image, unless it is here.
    ///
    /// # Errors
    ///
    /// The registry cannot be reached, or has another image under this digest.
    pub fn fetch(&self, engine: &Engine) -> Result<(), ImageError> {
        if self.is_here(engine)? {
            return Ok(());
        }
        let Some(fetched) = &self.fetched else {
            return Err(ImageError::Elsewhere(self.reference.clone()));
        };
        pull(engine, fetched)?;
        let found = inspect(engine, fetched)?.0.id;
        match found == self.id {
            true => Ok(()),
            false => Err(ImageError::Other {
                found,
                locked: self.id.clone(),
            }),
        }
    }
}

/// Resolves an image: fetches it, tells which one it is, and finds a signature where one is wanted. Nothing of it runs.
///
/// # Errors
///
/// The engine cannot have it, does not tell what it is, or it is not signed as it must be.
pub fn resolve_image(
    package: &Package,
    engine: &Engine,
    wanted: Option<&Wanted>,
) -> Result<Resolved, ImageError> {
    let reference = &package.name;
    if !reference.starts_with(HERE) {
        pull(engine, reference)?;
    }
    let (mut image, architecture) = inspect(engine, reference)?;
    let mut signer = None;
    if let Some(wanted) = wanted {
        let (found, by) = signature::find(&image, &architecture, wanted)?;
        image.signature = Some(found);
        signer = Some(by.to_string());
    }
    let (registry, _) = reference.split_once('/').unwrap_or_default();
    let version = engine
        .ask(&["--version"], ANSWER)
        .map_err(ImageError::Engine)?;
    let mut kept = serde_json::to_string_pretty(&image)
        .map_err(|error| ImageError::Unexpected(error.to_string()))?;
    kept.push('\n');
    let tools = vec![version];
    Ok(Resolved {
        entry: LockedServer::new(package, registry.into(), tools, &kept).signed_by(signer, &kept),
        kept,
    })
}

fn pull(engine: &Engine, reference: &str) -> Result<(), ImageError> {
    let done = engine.ask(&["pull", "--quiet", reference], FETCH);
    done.map(drop).map_err(ImageError::Engine)
}

/// What the engine says an image is, and for which kind of processor.
fn inspect(engine: &Engine, reference: &str) -> Result<(LockedImage, String), ImageError> {
    /// What engines tell of an image.
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told {
        id: String,
        #[serde(default)]
        repo_digests: Option<Vec<String>>,
        #[serde(default)]
        size: u64,
        #[serde(default)]
        architecture: String,
        #[serde(default)]
        config: Option<Config>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Config {
        #[serde(default)]
        volumes: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    }
    let told = engine
        .ask(&["image", "inspect", reference], ANSWER)
        .map_err(ImageError::Engine)?;
    let told: Vec<Told> =
        serde_json::from_str(&told).map_err(|error| ImageError::Unexpected(error.to_string()))?;
    let told = told
        .into_iter()
        .next()
        .ok_or_else(|| ImageError::Unexpected("no image".into()))?;
    let name = reference.split('@').next().unwrap_or_default();
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    let digests = told.repo_digests.unwrap_or_default();
    let own = digests
        .iter()
        .find(|one| one.split_once('@').is_some_and(|(of, _)| of == name));
    let here = reference.starts_with(HERE);
    // An engine leaves the first registry's name out where it is its own.
    let fetched = own.cloned().or_else(|| {
        let first = digests.iter().find_map(|one| one.split_once('@'))?;
        Some(format!("{name}@{}", first.1))
    });
    let config = told.config.unwrap_or_default();
    let image = LockedImage {
        reference: reference.to_owned(),
        id: with_kind(&told.id),
        fetched: fetched.filter(|_| !here),
        volumes: config.volumes.unwrap_or_default().into_keys().collect(),
        size: told.size,
        signature: None,
    };
    Ok((image, told.architecture))
}

/// An id with its kind, which Podman leaves out.
fn with_kind(id: &str) -> String {
    match id.starts_with("sha256:") {
        true => id.to_owned(),
        false => format!("sha256:{id}"),
    }
}
