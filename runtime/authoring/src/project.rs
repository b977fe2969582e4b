//! A folder as a plugin's project: which language it is in.

use std::path::Path;

use sandgate_config::Report;

use super::args::LanguageName;
use super::lang;
use super::language::Project;
use super::manifest::{Authored, MANIFEST};
use super::stages::Stages;

/// Why a folder is not a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest is missing or wrong.
    #[error("{0}")]
    Manifest(Report),
    /// No language is recognized, or more than one.
    #[error("{why}; say which with --lang: {}", .known.join(", "))]
    Language {
        /// What was found.
        why: String,
        /// The names that `--lang` takes.
        known: Vec<&'static str>,
    },
}

impl Project {
    /// Opens a folder. `None` means the language that the folder shows.
    ///
    /// # Errors
    ///
    /// There is no plugin in the folder, or its language cannot be told.
    pub fn open(folder: &Path, language: Option<LanguageName>) -> Result<Self, ProjectError> {
        let authored = Authored::read(folder).map_err(ProjectError::Manifest)?;
        let unclear = |why: String| ProjectError::Language {
            why,
            known: lang::all().iter().map(|language| language.key()).collect(),
        };
        let language = match language {
            Some(name) => lang::find(name),
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
            stages: Stages::silent(),
        })
    }
}
