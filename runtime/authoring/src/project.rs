//! A plugin's folder: its manifest and the language it is written in.

use std::path::{Path, PathBuf};

use sandgate_config::Report;

use super::lang::{self, Language};
use super::manifest::{Authored, MANIFEST};

/// A plugin's folder.
pub struct Project {
    /// Where it is.
    pub folder: PathBuf,
    /// Its manifest.
    pub authored: Authored,
    /// What it is written in.
    pub language: &'static dyn Language,
}

/// Why a folder is no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest is not there, or wrong.
    #[error("{0}")]
    Manifest(Report),
    /// Nothing in it shows a language, or too much.
    #[error("{why}; say which with --lang: {}", .known.join(", "))]
    Language {
        /// What was found.
        why: String,
        /// What `--lang` takes.
        known: Vec<&'static str>,
    },
}

impl Project {
    /// Opens a folder. `language`: as `--lang` takes it; none: what the folder shows.
    ///
    /// # Errors
    /// There is no plugin in it, or nobody can say in which language.
    pub fn open(folder: &Path, language: Option<&str>) -> Result<Self, ProjectError> {
        let authored = Authored::read(folder).map_err(ProjectError::Manifest)?;
        let unclear = |why: String| ProjectError::Language {
            why,
            known: lang::all().iter().map(|language| language.key()).collect(),
        };
        let language = match language {
            Some(key) => {
                lang::find(key).ok_or_else(|| unclear(format!("there is no language `{key}`")))?
            }
            None => {
                let found: Vec<_> = lang::all()
                    .iter()
                    .copied()
                    .filter(|language| language.owns(folder))
                    .collect();
                match found.as_slice() {
                    [language] => *language,
                    [] => {
                        let marks: Vec<_> = lang::all()
                            .iter()
                            .map(|language| format!("{} ({})", language.mark(), language.name()))
                            .collect();
                        return Err(unclear(format!(
                            "{} has a {MANIFEST} and no sources that are known by it: {}",
                            folder.display(),
                            marks.join(", ")
                        )));
                    }
                    several => {
                        let names: Vec<_> =
                            several.iter().map(|language| language.name()).collect();
                        return Err(unclear(format!(
                            "{} has sources of {}",
                            folder.display(),
                            names.join(" and ")
                        )));
                    }
                }
            }
        };
        Ok(Self {
            folder: folder.to_owned(),
            authored,
            language,
        })
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.authored.manifest.name
    }

    /// Where its component goes.
    pub fn output(&self) -> PathBuf {
        self.folder
            .join("target")
            .join(format!("{}.wasm", self.name()))
    }
}
