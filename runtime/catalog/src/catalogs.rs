//! The catalogs of a configuration: the copies that were taken of them, and what is found in these. Nothing is fetched
//! here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sandgate_config::{Digest, FileError, Files, Loaded, Scalar};
use sandgate_detect::confusable::skeleton;
use sha2::{Digest as _, Sha256};

use crate::entry::Entry;
use crate::format::{Contents, FormatError, LARGEST};
use crate::rules;

/// The folder of the copies, beside the configuration.
pub const FOLDER: &str = "sandgate.catalogs.d";

/// A catalog of the configuration, as its copy has it.
#[derive(Debug)]
pub struct Catalog {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub contents: Contents,
}

/// The catalogs of a configuration that may be used.
#[derive(Debug)]
pub struct Catalogs(pub Vec<Catalog>);

/// Why a catalog's copy cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CatalogError {
    #[error(
        "the copy of the catalog {0} cannot be used: {1}; `sandgate catalog update {0}` takes another"
    )]
    File(String, FileError),
    #[error("{}: {}", .0.display(), .1)]
    Write(PathBuf, String),
    #[error(
        "the copy of the catalog {name} has the digest {found}, and the configuration has {expected}: one of the two was \
         changed by hand; `sandgate catalog update {name}` takes another copy"
    )]
    Changed {
        name: String,
        found: String,
        expected: String,
    },
    #[error("the catalog {0}: {1}")]
    Format(String, FormatError),
}

/// Why no one entry was found. Names every one that is meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum FindError {
    #[error("there is no catalog; `sandgate catalog add NAME SOURCE` adds one")]
    NoCatalog,
    #[error("the configuration has no catalog {0}")]
    UnknownCatalog(String),
    #[error("the catalog {0} may not be used: `catalog.only` does not have it")]
    Forbidden(String),
    #[error("no catalog has {0}; {1}")]
    Missing(String, String),
    #[error("{0} is in several catalogs: {1}; name one with --from")]
    Several(String, String),
    #[error(
        "{0} looks like {1}, which is another: name the catalog with --from, once you know which you mean"
    )]
    LooksLike(String, String),
    #[error("{0} has several versions, and none is called the latest: {1}; name one with @VERSION")]
    Versions(String, String),
    #[error("{0} has no version {1}; there are {2}")]
    NoVersion(String, String, String),
}

/// Digests a catalog's copy.
pub fn digest(text: &str) -> String {
    Digest(Sha256::digest(text.as_bytes()).into()).write()
}

/// The copy of a catalog, relative to the configuration. Its name has the beginning of its digest, so that another copy
/// lies beside it until the configuration names that one.
fn path(name: &str, digest: &str) -> PathBuf {
    let begin = digest.get(7..23).unwrap_or_default();
    Path::new(FOLDER).join(format!("{name}-{begin}.catalog"))
}

/// Keeps a copy. It is used once the configuration has its digest.
///
/// # Errors
///
/// It cannot be written, or the folder is a link.
pub fn keep(files: &Files, name: &str, text: &str) -> Result<(), CatalogError> {
    let folder = files.path(FOLDER.as_ref());
    let failed = |why: String| CatalogError::Write(folder.clone(), why);
    if std::fs::symlink_metadata(&folder).is_ok_and(|about| about.is_symlink()) {
        return Err(failed("it is a link; put the folder itself there".into()));
    }
    std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
    let kept = files.put(&path(name, &digest(text)), text);
    kept.map_err(|error| failed(error.to_string()))
}

/// Removes the copy of this digest, if there is one.
///
/// # Errors
///
/// It cannot be removed.
pub fn forget(files: &Files, name: &str, digest: &str) -> Result<(), CatalogError> {
    let path = files.path(&path(name, digest));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(CatalogError::Write(path, error.to_string()))
        }
        _ => Ok(()),
    }
}

/// The copy of one catalog of the configuration.
///
/// # Errors
///
/// There is none, it is not the one that the configuration has the digest of, or it is no catalog.
pub fn copy(loaded: &Loaded, name: &str) -> Result<Contents, CatalogError> {
    let known = loaded.config.catalogs.get(name);
    let expected = known.map_or_else(String::new, |known| known.digest.write());
    let bytes = loaded.files.read(&path(name, &expected), LARGEST as u64);
    let bytes = bytes.map_err(|error| CatalogError::File(name.into(), error))?;
    let text = String::from_utf8_lossy(&bytes);
    let found = digest(&text);
    if found != expected {
        let name = name.to_owned();
        return Err(CatalogError::Changed {
            name,
            found,
            expected,
        });
    }
    Contents::read(&text).map_err(|error| CatalogError::Format(name.into(), error))
}

impl Catalogs {
    /// The catalogs that may be used; with `from` that one alone.
    ///
    /// # Errors
    ///
    /// A copy cannot be used.
    pub fn of(loaded: &Loaded, from: Option<&str>) -> Result<Self, CatalogError> {
        let names = loaded.config.catalogs.keys();
        let names = names.filter(|name| loaded.config.catalog.permits(name));
        let names = names.filter(|name| from.is_none_or(|from| from == *name));
        let read = names.map(|name| {
            Ok(Catalog {
                name: name.clone(),
                contents: copy(loaded, name)?,
            })
        });
        Ok(Self(read.collect::<Result<_, CatalogError>>()?))
    }

    /// The one entry that is meant, and its catalog. `whole` is `NAME` or `NAME@VERSION`.
    ///
    /// # Errors
    ///
    /// There is none, or there are several that may be meant.
    pub fn find(
        &self,
        loaded: &Loaded,
        whole: &str,
        from: Option<&str>,
    ) -> Result<(&Catalog, &Entry), FindError> {
        let config = &loaded.config;
        if let Some(from) = from {
            if !config.catalogs.contains_key(from) {
                return Err(FindError::UnknownCatalog(rules::shown(from)));
            }
            if !config.catalog.permits(from) {
                return Err(FindError::Forbidden(from.to_owned()));
            }
        }
        if config.catalogs.is_empty() {
            return Err(FindError::NoCatalog);
        }
        let (name, version) = match whole.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (whole, None),
        };
        let found: Vec<(&Catalog, &Entry)> = self.all().filter(|(_, it)| it.name == name).collect();
        let Some((catalog, first)) = found.first().copied() else {
            let last = format!("/{name}");
            let near = self.all().filter(|(_, it)| it.name.ends_with(&last));
            let near: Vec<_> = near.take(5).map(|(_, it)| it.name.as_str()).collect();
            let help = match near.as_slice() {
                [] => "`sandgate catalog search WORDS` looks for it".to_owned(),
                near => format!(
                    "write the whole name of the one that you mean: {}",
                    near.join(", ")
                ),
            };
            return Err(FindError::Missing(rules::shown(name), help));
        };
        if found.iter().any(|(other, _)| other.name != catalog.name) {
            let mut names: Vec<&str> = found.iter().map(|(it, _)| it.name.as_str()).collect();
            names.dedup();
            return Err(FindError::Several(name.into(), names.join(", ")));
        }
        if from.is_none() {
            let looks = skeleton(name);
            let like = self
                .all()
                .find(|(_, it)| it.name != name && skeleton(&it.name) == looks);
            if let Some((other, entry)) = like {
                return Err(FindError::LooksLike(
                    format!("{name} of the catalog {}", catalog.name),
                    format!("{} of the catalog {}", entry.name, other.name),
                ));
            }
        }
        let all = || {
            let titles = found
                .iter()
                .map(|(_, it)| it.version.as_deref().unwrap_or("none"));
            titles.take(20).collect::<Vec<_>>().join(", ")
        };
        if let Some(version) = version {
            let meant = found
                .iter()
                .find(|(_, it)| it.version.as_deref() == Some(version));
            return meant
                .copied()
                .ok_or_else(|| FindError::NoVersion(name.into(), rules::shown(version), all()));
        }
        if found.len() == 1 {
            return Ok((catalog, first));
        }
        let mut latest = found.iter().filter(|(_, it)| it.is_latest);
        match (latest.next(), latest.next()) {
            (Some(one), None) => Ok(*one),
            _ => Err(FindError::Versions(name.into(), all())),
        }
    }

    /// The entries in which every word stands, in their names first.
    pub fn search(&self, words: &[String]) -> Vec<(&Catalog, &Entry)> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let has = |text: &str| {
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let fits =
            |(_, entry): &(&Catalog, &Entry)| has(&format!("{} {}", entry.name, entry.description));
        let mut found: Vec<_> = self.all().filter(fits).collect();
        found.sort_by_key(|(_, entry)| !has(&entry.name));
        found
    }

    fn all(&self) -> impl Iterator<Item = (&Catalog, &Entry)> {
        self.0.iter().flat_map(|catalog| {
            let entries = catalog.contents.entries.iter();
            entries.map(move |entry| (catalog, entry))
        })
    }
}

/// How a catalog differs from its former copy: an entry a line.
pub fn difference(before: &Contents, now: &Contents) -> Vec<String> {
    let keyed = |contents: &'_ Contents| {
        let entries = contents.entries.iter();
        entries
            .map(|entry| (entry.title(), entry.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (keyed(before), keyed(now));
    let mut lines = Vec::new();
    for (title, entry) in &new {
        let Some(old) = old.get(title) else {
            lines.push(format!("+ {title}"));
            continue;
        };
        let (was, is) = (offered(old), offered(entry));
        if was != is {
            lines.push(format!("~ {title}: {was} -> {is}"));
        } else if format!("{old:?}") != format!("{entry:?}") {
            lines.push(format!("~ {title}: what it asks for, or its words"));
        }
    }
    let gone = old.keys().filter(|title| !new.contains_key(*title));
    lines.extend(gone.map(|title| format!("- {title}")));
    lines
}

fn offered(entry: &Entry) -> String {
    let offers = entry.offers.iter();
    let offers = offers.map(|offer| match offer {
        Ok(offer) => offer.runs.to_string(),
        Err(_) => "refused".to_owned(),
    });
    offers.collect::<Vec<_>>().join(", ")
}
