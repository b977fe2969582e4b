//! `sandgate plugin new`: makes a small, complete project that builds and passes its tests at once, anywhere. The parts
//! of Sandgate that it needs (the SDK's sources, the contract) come out of this program and are put into the project.

use std::path::{Path, PathBuf};

use super::args::LanguageName;
use super::lang::{self, File, New};
use super::language::Language;
use super::vendored_sdk;

/// The manifest of projects of every language.
const MANIFEST: &str = include_str!("templates/common/plugin.toml");
const IGNORED: &str = include_str!("templates/common/gitignore");
const PRE: [(&str, &str); 2] = [
    (
        "fixtures/refuses-rm-rf.toml",
        include_str!("templates/common/fixtures/refuses-rm-rf.toml"),
    ),
    (
        "fixtures/lets-others-pass.toml",
        include_str!("templates/common/fixtures/lets-others-pass.toml"),
    ),
];
const POST: [(&str, &str); 2] = [
    (
        "fixtures/masks-an-address.toml",
        include_str!("templates/common/fixtures/masks-an-address.toml"),
    ),
    (
        "fixtures/leaves-plain-replies.toml",
        include_str!("templates/common/fixtures/leaves-plain-replies.toml"),
    ),
];

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum NotNew {
    /// The name is not valid.
    #[error(
        "a plugin cannot be called \"{0}\": use lower-case letters, digits and hyphens, and begin with a letter"
    )]
    Name(String),
    /// The folder exists and is not empty.
    #[error("{} is there already and not empty", .0.display())]
    There(PathBuf),
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
}

/// Makes a project in the folder `name` within `parent`, with further fixtures by their files' names. Returns the
/// commands that come next.
///
/// # Errors
///
/// The project was not made. Existing files are not touched.
pub fn new(
    parent: &Path,
    language: LanguageName,
    asked: &New,
    fixtures: &[(String, String)],
) -> Result<String, NotNew> {
    let name = &asked.name;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(fits)
        || name.ends_with('-')
        || name.len() > 64
    {
        return Err(NotNew::Name(name.clone()));
    }
    let language = lang::find(language);
    let folder = parent.join(name);
    let empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    if !empty || folder.is_file() {
        return Err(NotNew::There(folder));
    }
    for file in files(language, asked) {
        let path = folder.join(&file.path);
        write(&path, &file).map_err(|error| NotNew::Write { path, error })?;
    }
    for (file, text) in fixtures {
        let path = folder.join("fixtures").join(file);
        std::fs::write(&path, text).map_err(|error| NotNew::Write { path, error })?;
    }
    let mut next = vec![format!("cd {name}")];
    next.extend(language.once().map(str::to_owned));
    // Nothing is expected of recorded calls yet: that is written into them.
    next.push(match fixtures {
        [] => "sandgate plugin dev --server demo".to_owned(),
        _ => "sandgate plugin test --bless".to_owned(),
    });
    Ok(next.join(" && "))
}

fn files(language: &dyn Language, asked: &New) -> Vec<File> {
    let mut files = vec![
        File::new("plugin.toml", asked.render(MANIFEST)),
        File::new(".gitignore", IGNORED),
    ];
    let pre = PRE.iter().filter(|_| asked.pre);
    let post = POST.iter().filter(|_| asked.post);
    files.extend(pre.chain(post).map(|(path, text)| File::new(*path, *text)));
    files.extend(language.template(asked));
    files.extend(vendored_sdk::laid(language));
    files
}

fn write(path: &Path, file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, &file.content)?;
    if file.executable {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::ValueEnum as _;

    use super::*;
    use crate::Authored;

    fn asked(name: &str, pre: bool, post: bool) -> New {
        New {
            name: name.into(),
            pre,
            post,
        }
    }

    /// The measured and compared code of `examples/mask-email` is the code that an author begins with.
    #[test]
    fn the_example_in_every_language_is_the_template() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mask-email");
        let code = |text: &str| -> Vec<String> {
            let comment = ["//", "/*", "\"\"\""];
            let lines = text.lines().filter(|line| {
                let line = line.trim();
                !line.is_empty() && !comment.iter().any(|mark| line.starts_with(mark))
            });
            lines.map(str::to_owned).collect()
        };
        for language in lang::all() {
            let template = files(*language, &asked("mask-email", true, true));
            let folder = examples.join(language.key());
            let sources = [
                "src/lib.rs",
                "src/plugin.c",
                "plugin.py",
                "plugin.ts",
                "plugin.go",
            ];
            let source = sources.iter().find(|source| folder.join(source).exists());
            let source = *source.unwrap();
            let example = std::fs::read_to_string(folder.join(source)).unwrap();
            let template = template.iter().find(|file| file.path == source).unwrap();
            let template = std::str::from_utf8(&template.content).unwrap();
            assert_eq!(code(&example), code(template), "{}", language.name());
        }
    }

    #[test]
    fn every_language_gives_whole_projects_for_each_choice_of_hooks() {
        for name in LanguageName::value_variants().iter().copied() {
            let language = &lang::find(name);
            for (pre, post) in [(true, true), (true, false), (false, true)] {
                let parent = tempfile::tempdir().unwrap();
                let folder = parent.path().join("my-plugin");
                let next = new(parent.path(), name, &asked("my-plugin", pre, post), &[]).unwrap();
                assert!(
                    next.starts_with("cd my-plugin && ")
                        && next.ends_with(" && sandgate plugin dev --server demo"),
                    "{next}"
                );
                let authored = Authored::read(&folder).unwrap();
                assert_eq!(
                    authored.manifest.hooks().len(),
                    usize::from(pre) + usize::from(post)
                );
                assert!(language.owns(&folder));
                for needed in ["README.md", ".github/workflows/ci.yml", "fixtures"] {
                    assert!(
                        folder.join(needed).exists(),
                        "{}: {needed}",
                        language.name()
                    );
                }
                for file in files(*language, &asked("my-plugin", pre, post)) {
                    if ["vendor/", "third_party/"]
                        .iter()
                        .any(|sdk| file.path.starts_with(sdk))
                    {
                        continue;
                    }
                    let text = String::from_utf8(file.content).unwrap();
                    assert!(
                        !text.contains("{{#") && !text.contains("{{/"),
                        "{}",
                        file.path
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_written_over_and_no_name_leads_elsewhere() {
        let parent = tempfile::tempdir().unwrap();
        new(
            parent.path(),
            LanguageName::Rust,
            &asked("a", true, false),
            &[],
        )
        .unwrap();
        let again = new(
            parent.path(),
            LanguageName::Rust,
            &asked("a", true, false),
            &[],
        );
        assert!(matches!(again, Err(NotNew::There(_))));
        for name in ["", "../x", "A", "-a", "a-", "9a", "a b"] {
            let refused = new(
                parent.path(),
                LanguageName::Rust,
                &asked(name, true, false),
                &[],
            );
            assert!(matches!(refused, Err(NotNew::Name(_))), "{name}");
        }
    }
}
