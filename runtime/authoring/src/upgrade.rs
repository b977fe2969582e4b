//! `sandgate plugin upgrade`: puts the SDK that this program carries in the place of the one in a project. The author's own
//! files are never touched, and neither is an SDK that somebody edited.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

use super::args;
use super::language::{Language, Project};
use super::project::ProjectError;
use super::render;
use super::vendored_sdk::{self, LIST};

/// The SDK's file that is the contract. What changes in it is shown line by line.
const CONTRACT: &str = "interceptor.wit";

/// Why the SDK stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The folder is not a plugin's project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Files of the SDK are not as they were laid.
    #[error("{} was edited, and nothing of it is overwritten:\n{}\ntake the edits out, or remove the folder and upgrade again", folder.display(), .files.iter().map(|file| format!("  {file}")).collect::<Vec<_>>().join("\n"))]
    Edited {
        /// The SDK's folder.
        folder: PathBuf,
        /// Their paths within it, each with what was done to it.
        files: Vec<String>,
    },
    /// There is an SDK without a list of its files, or with a list that is none.
    #[error("{} has no {LIST} that says what was laid there, so nobody knows whether it was edited: remove the folder and upgrade again", .0.display())]
    Unlisted(PathBuf),
    /// The SDK's folder, or a folder in it, is a link.
    #[error("{} is a link, and what it leads to is not this project's: replace it by a folder", .0.display())]
    Link(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

/// What an upgrade changes, or would change.
#[derive(Debug)]
pub struct Upgraded {
    folder: PathBuf,
    /// The version of the program that laid the SDK. `None`: there was none.
    from: Option<String>,
    changes: BTreeMap<String, Change>,
    contract: String,
    next: String,
    dry: bool,
}

/// The version of the program that laid an SDK, and the digests of its files by path.
type Laid = (String, BTreeMap<String, String>);

#[derive(Debug, PartialEq, Eq)]
enum Change {
    New,
    Gone,
    /// Lines that came and went. `None`: it is no text.
    Changed(Option<(usize, usize)>),
}

/// Replaces the SDK in a project, or says what would change.
///
/// # Errors
///
/// The SDK was edited, or a file cannot be read or written. If a file cannot be written, those before it are written.
pub fn upgrade(asked: &args::UpgradePlugin) -> Result<Upgraded, UpgradeError> {
    let project = Project::open(&asked.folder, asked.lang)?;
    let language = project.language;
    let folder = match asked.folder.as_os_str() == "." {
        true => PathBuf::from(language.sdk_folder()),
        false => asked.folder.join(language.sdk_folder()),
    };
    let laid = laid(&folder)?;
    let mut upgraded = Upgraded {
        from: laid.as_ref().map(|(version, _)| version.clone()),
        changes: BTreeMap::new(),
        contract: String::new(),
        next: next(language),
        dry: asked.dry_run,
        folder: folder.clone(),
    };
    let before = laid.map(|(_, files)| files).unwrap_or_default();
    let now: BTreeSet<&str> = language.sdk().iter().map(|(path, _)| *path).collect();
    for (path, content) in language.sdk() {
        match before.get(*path) {
            None => drop(upgraded.changes.insert((*path).to_owned(), Change::New)),
            Some(digest) if *digest == vendored_sdk::digest(content) => {}
            Some(_) => {
                let old = read(&folder.join(path))?;
                let both = (std::str::from_utf8(&old), std::str::from_utf8(content));
                let lines = match both {
                    (Ok(old), Ok(new)) => {
                        if path.ends_with(CONTRACT) && upgraded.contract.is_empty() {
                            upgraded.contract = render::difference(old, new);
                        }
                        Some(counted(old, new))
                    }
                    _ => None,
                };
                upgraded
                    .changes
                    .insert((*path).to_owned(), Change::Changed(lines));
            }
        }
    }
    for path in before.keys().filter(|path| !now.contains(&***path)) {
        upgraded.changes.insert(path.clone(), Change::Gone);
    }
    nobody_elses(&folder, language, &upgraded)?;
    if !asked.dry_run {
        write(&folder, language, &upgraded)?;
    }
    Ok(upgraded)
}

/// What was laid into a project: the program's version, and the files that are still as they were. `None`: there is no SDK.
fn laid(folder: &Path) -> Result<Option<Laid>, UpgradeError> {
    for part in [folder.parent().unwrap_or(folder), folder] {
        if part.is_symlink() {
            return Err(UpgradeError::Link(part.to_owned()));
        }
    }
    if !folder.exists() {
        return Ok(None);
    }
    let list = std::fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let Some((version, files)) = vendored_sdk::read(&list) else {
        return Err(UpgradeError::Unlisted(folder.to_owned()));
    };
    let mut edited = Vec::new();
    for (path, digest) in &files {
        let file = folder.join(path);
        match std::fs::read(&file) {
            _ if through_a_link(folder, path) => edited.push(format!("{path} (a link)")),
            Ok(content) if vendored_sdk::digest(&content) == *digest => {}
            Ok(_) => edited.push(path.clone()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                edited.push(format!("{path} (gone)"));
            }
            Err(error) => return Err(UpgradeError::File { path: file, error }),
        }
    }
    match edited.is_empty() {
        true => Ok(Some((version, files))),
        false => Err(UpgradeError::Edited {
            folder: folder.to_owned(),
            files: edited,
        }),
    }
}

/// Whether the file, or a folder on the way to it, is a link.
fn through_a_link(folder: &Path, path: &str) -> bool {
    let mut place = folder.to_owned();
    path.split('/').any(|part| {
        place.push(part);
        place.is_symlink()
    })
}

/// Refuses to overwrite a file that is no part of the old SDK: it is somebody's, unless it is the same.
fn nobody_elses(
    folder: &Path,
    language: &dyn Language,
    upgraded: &Upgraded,
) -> Result<(), UpgradeError> {
    let mut theirs = Vec::new();
    for (path, content) in language.sdk() {
        let file = folder.join(path);
        if upgraded.changes.get(*path) == Some(&Change::New)
            && (through_a_link(folder, path) || file.exists() && read(&file)? != *content)
        {
            theirs.push(format!("{path} (not the SDK's)"));
        }
    }
    match theirs.is_empty() {
        true => Ok(()),
        false => Err(UpgradeError::Edited {
            folder: folder.to_owned(),
            files: theirs,
        }),
    }
}

fn write(folder: &Path, language: &dyn Language, upgraded: &Upgraded) -> Result<(), UpgradeError> {
    for (path, change) in &upgraded.changes {
        let file = folder.join(path);
        let content = language.sdk().iter().find(|(name, _)| name == path);
        let done = match (change, content) {
            (Change::Gone, _) => std::fs::remove_file(&file),
            (_, Some((_, content))) => replaced(&file, content),
            (_, None) => Ok(()),
        };
        done.map_err(|error| UpgradeError::File { path: file, error })?;
    }
    let list = folder.join(LIST);
    replaced(&list, vendored_sdk::list(language.sdk()).as_bytes())
        .map_err(|error| UpgradeError::File { path: list, error })
}

/// Writes a file as a whole or not at all.
fn replaced(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut new, content)?;
    std::fs::set_permissions(
        new.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )?;
    new.persist(file)?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, UpgradeError> {
    std::fs::read(path).map_err(|error| UpgradeError::File {
        path: path.to_owned(),
        error,
    })
}

/// How many lines came, and how many went.
fn counted(old: &str, new: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(old, new);
    let of = |tag| {
        diff.iter_all_changes()
            .filter(|one| one.tag() == tag)
            .count()
    };
    (of(ChangeTag::Insert), of(ChangeTag::Delete))
}

/// What to run afterwards.
fn next(language: &dyn Language) -> String {
    let once = language.once().map(|once| format!("{once} && "));
    format!("{}sandgate plugin test", once.unwrap_or_default())
}

impl Upgraded {
    /// What changed, for people.
    pub fn text(&self) -> String {
        let (folder, to) = (self.folder.display(), env!("CARGO_PKG_VERSION"));
        let from = self.from.as_deref().unwrap_or("nothing");
        if self.changes.is_empty() {
            return format!("{folder} is the SDK of sandgate {to} already\n");
        }
        let mut text = format!("{folder}: from {from} to the SDK of sandgate {to}\n");
        for (path, change) in &self.changes {
            // Writing to a string cannot fail.
            let _ = match change {
                Change::New => writeln!(text, "  new      {path}"),
                Change::Gone => writeln!(text, "  gone     {path}"),
                Change::Changed(Some((came, went))) => {
                    writeln!(text, "  changed  {path}  +{came} -{went}")
                }
                Change::Changed(None) => writeln!(text, "  changed  {path}"),
            };
        }
        if !self.contract.is_empty() {
            let _ = writeln!(text, "the contract:\n{}", self.contract.trim_end());
        }
        text += &match self.dry {
            true => "nothing was written: leave --dry-run out\n".to_owned(),
            false => format!("Next: {}\n", self.next),
        };
        text
    }
}
