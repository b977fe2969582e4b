//! `sandgate.lock`: what was resolved for each server that is a package, and which plugins were approved.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sandgate_config::{Ecosystem, FileError, Files, Loaded, Package, Scalar};
use sandgate_text::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::component::LockedComponent;
use crate::kept::{self, KeptError};

/// The name of the lock, beside the configuration.
pub const FILE: &str = "sandgate.lock";

/// The folder beside it with what npm and pip need to install exactly what was resolved.
const FOLDER: &str = "sandgate.lock.d";

/// The version of the format that is read and written.
const VERSION: i64 = 1;

/// The largest lock, and the largest file of its folder, in bytes.
const LARGEST: u64 = 4 << 20;
const LARGEST_KEPT: u64 = 32 << 20;

/// What was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Servers that are packages, by name.
    pub servers: BTreeMap<String, LockedServer>,
    /// Plugins that are files or of a registry, by the name of their interceptor.
    pub plugins: BTreeMap<String, LockedPlugin>,
}

/// A server's package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedServer {
    /// The package as the configuration names it.
    pub package: String,
    /// The registry that was asked: host and port, nothing else.
    pub registry: String,
    /// By whom it is signed, where `signed-by` asks for that: `key sha256:…`, or an identity and its issuer.
    #[serde(default)]
    pub signer: Option<String>,
    /// What resolved it, for example `npm 11.1.0`.
    pub tools: Vec<String>,
    /// SHA-256 over all of the above and the file in `sandgate.lock.d`, as `sha256:` and hexadecimal digits.
    pub digest: String,
}

/// A plugin that is a file, or of a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    /// The file, or the reference (`oci://`), as the configuration names it.
    pub file: String,
    /// Of a registry: the digest of the manifest, as `sha256:` and hexadecimal digits.
    #[serde(default)]
    pub manifest: Option<String>,
    /// Of a registry: by whom it is signed, where `signed-by` asks for that.
    #[serde(default)]
    pub signer: Option<String>,
    /// Of a registry: the plugin's version.
    #[serde(default)]
    pub version: Option<String>,
    /// What it asks for, a line each, for example `http api.example.com`. Of a registry: hooks and limits, too.
    pub asks: Vec<String>,
    /// SHA-256 of the file, as `sha256:` and hexadecimal digits.
    pub digest: String,
}

/// Why a lock cannot be used. Nothing that it locks runs then.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LockError {
    #[error("{0}")]
    File(#[from] FileError),
    #[error(
        "{}, line {line}: a merge conflict; take one side of it (git checkout --ours or --theirs {FILE} {FOLDER}), \
         then run `sandgate lock`", .path.display()
    )]
    Conflict { path: PathBuf, line: usize },
    #[error(
        "{} is a lock of `sandgate pins`; move it (mv {FILE} pins.lock), correct `settings.lock` of the policy tool-pins, \
         then run `sandgate lock`", .path.display()
    )]
    Pins { path: PathBuf },
    #[error(
        "{} has version {found}, and this program reads version {VERSION}; use the Sandgate that wrote it, or delete it \
         and run `sandgate lock`", .path.display()
    )]
    Version { path: PathBuf, found: String },
    #[error("{}, line {line}: {why}; undo the edit, or delete the file and run `sandgate lock`", .path.display())]
    Shape {
        path: PathBuf,
        line: usize,
        why: String,
    },
    #[error(
        "{}, line {line}: the entry of the server {server:?}, or its file in {FOLDER}, was edited: together they have \
         {found}, and the entry says {said}; undo the edit (git checkout {FILE} {FOLDER}), or run \
         `sandgate lock --update {server}`",
        .path.display()
    )]
    Edited {
        path: PathBuf,
        line: usize,
        server: String,
        found: String,
        said: String,
    },
    #[error(
        "{}, line {line}: the entry of the plugin {plugin:?}, or its file in {FOLDER}, was edited: {why}; undo the edit \
         (git checkout {FILE} {FOLDER}), or run `sandgate lock --update {plugin}`",
        .path.display()
    )]
    EditedPlugin {
        path: PathBuf,
        line: usize,
        plugin: String,
        why: String,
    },
    #[error("{}: {why}", .path.display())]
    Kept { path: PathBuf, why: KeptError },
    #[error("{} cannot be written: {why}", .path.display())]
    Write { path: PathBuf, why: std::io::Error },
}

impl LockedServer {
    /// The entry for a package that was resolved to this kept lock.
    pub fn new(package: &Package, registry: String, tools: Vec<String>, kept: &str) -> Self {
        let mut entry = Self {
            package: package.write(),
            registry,
            signer: None,
            tools,
            digest: String::new(),
        };
        entry.digest = entry.digest_with(kept);
        entry
    }

    /// The entry, with who signed what is kept.
    pub(crate) fn signed_by(mut self, signer: Option<String>, kept: &str) -> Self {
        self.signer = signer;
        self.digest = self.digest_with(kept);
        self
    }

    /// The digest over the entry and its kept lock.
    fn digest_with(&self, kept: &str) -> String {
        let mut hash = Sha256::new();
        let tools = self.tools.join("\n");
        let parts = [&self.package, &self.registry, &tools, kept];
        // A signer comes last, and only where there is one: entries without keep their digests.
        for part in parts.into_iter().chain(self.signer.as_deref()) {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        sha256(&hash.finalize())
    }
}

/// `sha256:` and hexadecimal digits.
pub(crate) fn sha256(digest: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[allow(dead_code, reason = "it was looked at before the rest")]
    version: i64,
    #[serde(default)]
    servers: BTreeMap<String, LockedServer>,
    #[serde(default)]
    plugins: BTreeMap<String, LockedPlugin>,
}

/// The lock of one configuration on disk, with its folder.
#[derive(Clone, Debug)]
pub struct Locks {
    files: Files,
}

impl Locks {
    /// The lock beside a configuration.
    pub fn beside(loaded: &Loaded) -> Self {
        Self {
            files: loaded.files.clone(),
        }
    }

    /// The lock's own path.
    pub fn path(&self) -> PathBuf {
        self.files.path(FILE.as_ref())
    }

    /// Reads the lock; `None`: there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no lock of this version.
    pub fn read(&self) -> Result<Option<Lock>, LockError> {
        let path = self.path();
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let bytes = self.files.read(FILE.as_ref(), LARGEST)?;
        parse(&path, &String::from_utf8_lossy(&bytes)).map(Some)
    }

    /// The file of the lock's folder with what a server's package was resolved to.
    pub fn kept_path(&self, server: &str, ecosystem: Ecosystem) -> PathBuf {
        self.files.path(&kept_name(server, ecosystem))
    }

    /// What a server's package was resolved to, as its ecosystem writes it: the one that the entry was made with.
    ///
    /// # Errors
    ///
    /// It is not there, was edited, or names what may not be installed.
    pub fn kept(
        &self,
        server: &str,
        package: &Package,
        entry: &LockedServer,
    ) -> Result<String, LockError> {
        let name = kept_name(server, package.ecosystem);
        let path = self.files.path(&name);
        let bytes = self.files.read(&name, LARGEST_KEPT)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = entry.digest_with(&text);
        if found != entry.digest {
            return Err(LockError::Edited {
                line: self.line_of(&format!("[servers.{server}]")),
                path: self.path(),
                server: server.into(),
                found,
                said: entry.digest.clone(),
            });
        }
        kept::check(package, &text).map_err(|why| LockError::Kept { path, why })?;
        Ok(text)
    }

    /// What is kept of a plugin of a registry: the manifest and the component that the entry names.
    ///
    /// # Errors
    ///
    /// It is not there, or was edited, or the entry was.
    pub fn kept_plugin(
        &self,
        plugin: &str,
        entry: &LockedPlugin,
    ) -> Result<LockedComponent, LockError> {
        let bytes = self.files.read(&kept_plugin_name(plugin), LARGEST_KEPT)?;
        let edited = |why: String| self.edited_plugin(plugin, why);
        let kept: LockedComponent =
            serde_json::from_slice(&bytes).map_err(|error| edited(error.to_string()))?;
        let component = kept
            .component()
            .map_err(|error| edited(error.to_string()))?;
        for (what, found, said) in [
            ("the manifest", Some(kept.digest()), &entry.manifest),
            (
                "the component",
                Some(component),
                &Some(entry.digest.clone()),
            ),
        ] {
            if found != *said {
                let (found, said) = (found.unwrap_or_default(), said.as_deref());
                let said = said.unwrap_or("nothing");
                return Err(edited(format!(
                    "{what} has {found}, and the entry says {said}"
                )));
            }
        }
        Ok(kept)
    }

    /// The error where the entry of a plugin was edited, or its file.
    pub fn edited_plugin(&self, plugin: &str, why: String) -> LockError {
        LockError::EditedPlugin {
            path: self.path(),
            line: self.line_of(&format!("[plugins.{plugin:?}]")),
            plugin: plugin.to_owned(),
            why,
        }
    }

    /// The line at which an entry begins, from 1.
    fn line_of(&self, head: &str) -> usize {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        let at = text.lines().position(|line| line.trim() == head);
        at.unwrap_or(0) + 1
    }

    /// Writes the lock, and what was resolved anew beside it. A file is replaced whole.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn write(
        &self,
        lock: &Lock,
        resolved: &BTreeMap<String, (Ecosystem, String)>,
        fetched: &BTreeMap<String, LockedComponent>,
    ) -> Result<(), LockError> {
        let folder = self.files.path(FOLDER.as_ref());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |why| LockError::Write { path, why }
        };
        if std::fs::symlink_metadata(&folder).is_ok_and(|about| about.is_symlink()) {
            let why = "it is a link, and files elsewhere would be written and removed; put the folder itself there";
            return Err(failed(&folder)(std::io::Error::other(why)));
        }
        if !resolved.is_empty() || !fetched.is_empty() {
            std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        }
        for (server, (ecosystem, text)) in resolved {
            let path = self.kept_path(server, *ecosystem);
            replace(&path, text).map_err(failed(&path))?;
        }
        for (plugin, component) in fetched {
            let path = self.files.path(&kept_plugin_name(plugin));
            let text = serde_json::to_string_pretty(component).map_err(std::io::Error::other);
            text.and_then(|text| replace(&path, &text))
                .map_err(failed(&path))?;
        }
        let of_plugin = |path: &Path| {
            let mut remote = lock
                .plugins
                .iter()
                .filter(|(_, one)| one.manifest.is_some());
            remote.any(|(name, _)| self.files.path(&kept_plugin_name(name)) == path)
        };
        let kept = |path: &Path| {
            of_plugin(path)
                || lock.servers.iter().any(|(server, entry)| {
                    let package = Package::source(&entry.package);
                    package.is_ok_and(|package| self.kept_path(server, package.ecosystem) == path)
                })
        };
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ours =
                [Ecosystem::Npm, Ecosystem::PyPi, Ecosystem::Image].map(Ecosystem::kept_suffix);
            let mut ours = ours.into_iter().chain([KEPT_PLUGIN]);
            let name = entry.file_name().to_string_lossy().into_owned();
            if ours.any(|suffix| name.ends_with(suffix)) && !kept(&path) {
                std::fs::remove_file(&path).map_err(failed(&path))?;
            }
        }
        let path = self.path();
        replace(&path, &text(lock)).map_err(failed(&path))
    }
}

/// How the file of what is kept of a plugin ends.
const KEPT_PLUGIN: &str = ".plugin.json";

fn kept_plugin_name(plugin: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{plugin}{KEPT_PLUGIN}"))
}

fn kept_name(server: &str, ecosystem: Ecosystem) -> PathBuf {
    Path::new(FOLDER).join(format!("{server}{}", ecosystem.kept_suffix()))
}

/// Writes a file whole: who reads it never sees half of it. What lies under the new file's name, a link perhaps, is
/// removed and not written to.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    match std::fs::remove_file(&beside) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut file = std::fs::File::create_new(&beside)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&beside, path)
}

fn parse(path: &Path, text: &str) -> Result<Lock, LockError> {
    let marks = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
    let marked = |line: &str| marks.iter().any(|mark| line.starts_with(mark));
    if let Some(at) = text.lines().position(marked) {
        return Err(LockError::Conflict {
            path: path.into(),
            line: at + 1,
        });
    }
    if text.trim_start().starts_with('{') {
        return Err(LockError::Pins { path: path.into() });
    }
    let misshapen = |error: &toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        LockError::Shape {
            path: path.into(),
            line: before.matches('\n').count() + 1,
            why: error.message().to_owned(),
        }
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| misshapen(&error))?;
    let version = table.get("version");
    if version.and_then(toml::Value::as_integer) != Some(VERSION) {
        return Err(LockError::Version {
            path: path.into(),
            found: version.map_or_else(|| "none".into(), ToString::to_string),
        });
    }
    let written: Written = toml::from_str(text).map_err(|error| misshapen(&error))?;
    Ok(Lock {
        servers: written.servers,
        plugins: written.plugins,
    })
}

/// The lock as text: entries in the order of their names and a value a line, so that Git merges it line by line.
fn text(lock: &Lock) -> String {
    let mut out = String::from(
        "# Written by `sandgate lock`, and not to be edited: `sandgate lock --update NAME` changes an entry.\n\
         # Keep it in version control, with sandgate.lock.d.\nversion = 1\n",
    );
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let list = |out: &mut String, key: &str, values: &[String]| {
        let _ = writeln!(out, "{key} = [");
        for value in values {
            let _ = writeln!(out, "    {},", quoted(value));
        }
        let _ = writeln!(out, "]");
    };
    for (name, entry) in &lock.servers {
        let _ = writeln!(out, "\n[servers.{name}]");
        let _ = writeln!(out, "package = {}", quoted(&entry.package));
        let _ = writeln!(out, "registry = {}", quoted(&entry.registry));
        if let Some(signer) = &entry.signer {
            let _ = writeln!(out, "signer = {}", quoted(signer));
        }
        list(&mut out, "tools", &entry.tools);
        let _ = writeln!(out, "digest = {}", quoted(&entry.digest));
    }
    for (name, entry) in &lock.plugins {
        let _ = writeln!(out, "\n[plugins.{}]", quoted(name));
        let _ = writeln!(out, "file = {}", quoted(&entry.file));
        for (key, value) in [
            ("manifest", &entry.manifest),
            ("signer", &entry.signer),
            ("version", &entry.version),
        ] {
            if let Some(value) = value {
                let _ = writeln!(out, "{key} = {}", quoted(value));
            }
        }
        list(&mut out, "asks", &entry.asks);
        let _ = writeln!(out, "digest = {}", quoted(&entry.digest));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lock() -> Lock {
        let package = Package::read("pypi:mcp-server-time==2026.1.26").unwrap();
        let tools = vec!["pip 23.2.1".into(), "python 3.11.7".into()];
        let time = LockedServer::new(&package, "pypi.org".into(), tools, KEPT);
        let mask = LockedPlugin {
            file: "plug\"in.wasm".into(),
            asks: vec!["http api.example.com".into()],
            digest: sha256(&[7; 32]),
            ..LockedPlugin::default()
        };
        Lock {
            servers: BTreeMap::from([("time".into(), time)]),
            plugins: BTreeMap::from([("mask.v1".into(), mask)]),
        }
    }

    const KEPT: &str = "mcp-server-time==2026.1.26 \\\n    \
        --hash=sha256:7fa7ef7c3cc088d30539ff3de42736324ada8b9353256da2d113d8c977eccbd9\n";

    fn why(text: &str) -> String {
        let read = parse(Path::new("sandgate.lock"), text);
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let written = text(&lock());
        assert_eq!(parse(Path::new("x"), &written).unwrap(), lock());
        assert!(written.lines().all(|line| line.len() < 120), "{written}");
    }

    #[test]
    fn what_is_no_lock_of_this_version_is_refused_with_its_line() {
        let good = text(&lock());
        let conflict = good.replace(
            "registry",
            "<<<<<<< ours\nregistry = \"a\"\n=======\nregistry",
        );
        for (text, words) in [
            (conflict, "line 7: a merge conflict"),
            (
                good.replace("version = 1", "version = 2"),
                "version 2, and this program reads version 1",
            ),
            (good.replace("version = 1\n", ""), "has version none"),
            (
                good.replace("registry =", "register ="),
                "line 7: unknown field `register`",
            ),
            (good.replace("registry =", "registry"), "line 7:"),
            (format!("{good}\n[images]\n"), "unknown field `images`"),
            ("{\"servers\": {}}".into(), "is a lock of `sandgate pins`"),
        ] {
            let said = why(&text);
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }

    #[test]
    fn any_edit_of_an_entry_or_of_what_it_keeps_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks {
            files: Files::in_folder(folder.path()),
        };
        let kept = BTreeMap::from([("time".into(), (Ecosystem::PyPi, KEPT.to_owned()))]);
        locks.write(&lock(), &kept, &BTreeMap::new()).unwrap();
        let package = Package::read("pypi:mcp-server-time==2026.1.26").unwrap();
        let read = || {
            let lock = locks.read().unwrap().unwrap();
            locks.kept("time", &package, &lock.servers["time"])
        };
        assert_eq!(read().unwrap(), KEPT);
        let good = std::fs::read_to_string(locks.path()).unwrap();
        for (from, to) in [
            ("pypi.org", "example.com"),
            ("pip 23.2.1", "pip 23.2.2"),
            ("==2026.1.26", "==2026.1.27"),
            ("tools = [", "signer = \"key sha256:00\"\ntools = ["),
        ] {
            std::fs::write(locks.path(), good.replace(from, to)).unwrap();
            let said = read().unwrap_err().to_string();
            assert!(said.contains("line 5: the entry of the server"), "{said}");
        }
        std::fs::write(locks.path(), &good).unwrap();
        let beside = locks.kept_path("time", Ecosystem::PyPi);
        std::fs::write(&beside, KEPT.replace("7fa", "8fa")).unwrap();
        let said = read().unwrap_err().to_string();
        assert!(said.contains("was edited"), "{said}");
    }

    #[test]
    fn no_link_is_written_through() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks {
            files: Files::in_folder(folder.path()),
        };
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "kept").unwrap();
        symlink(&precious, folder.path().join(format!("{FILE}.new"))).unwrap();
        let kept = BTreeMap::from([("time".into(), (Ecosystem::PyPi, KEPT.to_owned()))]);
        locks.write(&lock(), &kept, &BTreeMap::new()).unwrap();
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "kept");
        assert_eq!(locks.read().unwrap(), Some(lock()));
        let (own, other) = (folder.path().join(FOLDER), folder.path().join("other"));
        std::fs::rename(&own, &other).unwrap();
        symlink(&other, &own).unwrap();
        let before = std::fs::read_to_string(locks.path()).unwrap();
        for kept in [&kept, &BTreeMap::new()] {
            let said = locks
                .write(&Lock::default(), kept, &BTreeMap::new())
                .unwrap_err()
                .to_string();
            assert!(said.contains("it is a link"), "{said}");
        }
        assert_eq!(std::fs::read_to_string(locks.path()).unwrap(), before);
        assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
    }

    #[test]
    fn of_a_plugin_of_a_registry_entry_manifest_and_component_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks {
            files: Files::in_folder(folder.path()),
        };
        let component = sha256(&[7; 32]);
        let manifest = serde_json::json!({
            "config": { "mediaType": "application/vnd.wasm.config.v0+json" },
            "layers": [{ "mediaType": "application/wasm", "digest": component, "size": 7 }],
        })
        .to_string();
        let digest = crate::oci::digest(manifest.as_bytes());
        let fetched = LockedComponent {
            reference: format!("ghcr.io/example/mask@{digest}"),
            manifest,
            signature: None,
        };
        let entry = LockedPlugin {
            file: "oci://ghcr.io/example/mask:1".into(),
            manifest: Some(digest.clone()),
            version: Some("1.0.0".into()),
            asks: vec!["state".into()],
            digest: component.clone(),
            ..LockedPlugin::default()
        };
        let lock = Lock {
            plugins: BTreeMap::from([("mask".into(), entry.clone())]),
            ..Lock::default()
        };
        let kept = BTreeMap::from([("mask".into(), fetched.clone())]);
        locks.write(&lock, &BTreeMap::new(), &kept).unwrap();
        assert_eq!(locks.read().unwrap(), Some(lock.clone()));
        assert_eq!(locks.kept_plugin("mask", &entry).unwrap(), fetched);
        for edited in [
            LockedPlugin {
                manifest: Some(sha256(&[8; 32])),
                ..entry.clone()
            },
            LockedPlugin {
                manifest: None,
                ..entry.clone()
            },
            LockedPlugin {
                digest: sha256(&[8; 32]),
                ..entry.clone()
            },
        ] {
            let said = locks.kept_plugin("mask", &edited).unwrap_err().to_string();
            assert!(said.contains("line 5: the entry of the plugin"), "{said}");
        }
        let beside = locks.files.path(&kept_plugin_name("mask"));
        let good = std::fs::read_to_string(&beside).unwrap();
        std::fs::write(
            &beside,
            good.replace("application/wasm", "application/wasn"),
        )
        .unwrap();
        let said = locks.kept_plugin("mask", &entry).unwrap_err().to_string();
        assert!(said.contains("was edited"), "{said}");
        // It is kept as long as it is locked.
        locks
            .write(&lock, &BTreeMap::new(), &BTreeMap::new())
            .unwrap();
        assert!(beside.exists());
        locks
            .write(&Lock::default(), &BTreeMap::new(), &BTreeMap::new())
            .unwrap();
        assert!(!beside.exists());
    }

    #[test]
    fn what_is_locked_no_more_is_removed_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks {
            files: Files::in_folder(folder.path()),
        };
        let kept = BTreeMap::from([("time".into(), (Ecosystem::PyPi, KEPT.to_owned()))]);
        locks.write(&lock(), &kept, &BTreeMap::new()).unwrap();
        let own = folder.path().join(FOLDER).join("README");
        std::fs::write(&own, "").unwrap();
        locks
            .write(&Lock::default(), &BTreeMap::new(), &BTreeMap::new())
            .unwrap();
        assert!(!locks.kept_path("time", Ecosystem::PyPi).exists() && own.exists());
        assert_eq!(locks.read().unwrap(), Some(Lock::default()));
    }
}
