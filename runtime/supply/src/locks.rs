//! `sandgate.lock` on disk, with the folder beside it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sandgate_config::{Ecosystem, Files, Loaded, Package};

use crate::component::LockedComponent;
use crate::kept;
use crate::lock::{FILE, FOLDER, Lock, LockError, LockedPlugin, LockedServer};
use crate::lock_text::{parse, text};

/// The largest lock, and the largest file of its folder, in bytes.
const LARGEST: u64 = 4 << 20;
const LARGEST_KEPT: u64 = 32 << 20;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sha256::sha256;
    use sandgate_config::Scalar as _;

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
