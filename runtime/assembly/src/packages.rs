//! Servers that are packages, as the programs that they are once they are locked and installed; and plugins held to the
//! lock.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use parking_lot::Mutex;
use sandgate_config::{
    Contain, Containing, Digest, Environment, Issue, Loaded, Package, PluginSource, Scalar, Server,
    Severity, Side,
};
use sandgate_contain::{Backend, Engine};
use sandgate_supply::{
    FILE, Lock, LockedImage, LockedServer, Locks, Program, ProgramError, Store, StoreError,
};

use crate::package_store::{no_store, store};
use crate::remote_plugin::{self, Origins};
use crate::signer::signer;

/// Packages in place of which there is a program, and those that are not installed.
#[derive(Clone, Debug, Default)]
pub(super) struct Installed {
    /// The folder of each server's package, to be read by that server.
    pub(super) folders: BTreeMap<String, PathBuf>,
    /// Servers whose package is locked and not installed. None of them can run.
    pub(super) absent: BTreeSet<String>,
    /// The engine and the image of each server that is one.
    pub(super) images: BTreeMap<String, SignedImage>,
}

/// A server's image, where it is, and by whom it is signed.
#[derive(Clone, Debug)]
pub(super) struct SignedImage {
    pub(super) engine: Engine,
    pub(super) image: LockedImage,
    /// `None`: nobody asks for a signature.
    pub(super) signer: Option<String>,
}

/// The configuration with a program in place of each package. With `ahead`, a package that is not installed is a warning,
/// and its server stays without a program.
pub(super) fn as_programs<'a>(
    loaded: &'a Loaded,
    environment: &Environment,
    ahead: bool,
    issues: &mut Vec<Issue>,
) -> (Cow<'a, Loaded>, Installed) {
    let mut installed = Installed::default();
    let servers = &loaded.config.servers;
    if servers.values().all(|server| server.source().is_none()) {
        return (Cow::Borrowed(loaded), installed);
    }
    let mut whole = loaded.clone();
    let locks = Locks::beside(loaded);
    let lock = match locks.read() {
        Ok(lock) => lock.unwrap_or_default(),
        Err(error) => {
            issues.push(wrong(loaded, first(servers), &error));
            Lock::default()
        }
    };
    let broken = issues.iter().any(|issue| issue.severity == Severity::Error);
    let store = store(loaded, environment);
    if store.is_none() {
        issues.push(no_store(loaded));
    }
    for (name, server) in servers {
        let Some(package) = &server.source() else {
            continue;
        };
        if server.image.is_some() {
            let found = match broken {
                true => Err(None),
                false => image(loaded, environment, &locks, &lock, (name, server, package)),
            };
            match found {
                Ok(found) => {
                    let engine = &found.engine;
                    if let Some(server) = whole.config.servers.get_mut(name) {
                        server.command = Some(engine.program.display().to_string());
                        server.contain.get_or_insert(Contain::Switch(true));
                    }
                    installed.images.insert(name.clone(), found);
                }
                Err(lacking) => {
                    installed.absent.insert(name.clone());
                    if let Some((mut issue, absent)) = lacking {
                        if absent && ahead {
                            issue.severity = Severity::Warning;
                        }
                        issues.push(issue);
                    }
                }
            }
            continue;
        }
        let found = match &store {
            Some(store) if !broken => program(loaded, &locks, &lock, store, name, server, package),
            _ => Err(None),
        };
        let (Program { command, args }, folder) = match found {
            Ok(found) => found,
            Err(None) => {
                installed.absent.insert(name.clone());
                continue;
            }
            Err(Some((issue, absent))) => {
                issues.push(match absent && ahead {
                    true => Issue {
                        severity: Severity::Warning,
                        ..issue
                    },
                    false => issue,
                });
                installed.absent.insert(name.clone());
                continue;
            }
        };
        if let Some(server) = whole.config.servers.get_mut(name) {
            server.command = Some(command);
            server.args.splice(0..0, args);
            server.contain.get_or_insert(Contain::Switch(true));
        }
        installed.folders.insert(name.clone(), folder);
    }
    (Cow::Owned(whole), installed)
}

/// The issue of a package, and whether it is only that it is not installed; `None`: it was reported for all.
type Lacking = Option<(Issue, bool)>;

/// The engine that holds a server's image, by its name in `contain` or by what is here; `None`: there is none.
pub fn engine(server: &Server, environment: &Environment) -> Option<Engine> {
    let contain = server.contain.as_ref().and_then(Contain::wanted);
    let find = |backend| Engine::find(backend, |name| environment.get(name));
    match contain.and_then(|contain| contain.with) {
        Some(Containing::Docker) => find(Backend::Docker),
        Some(_) => find(Backend::Podman),
        None => find(Backend::Podman).or_else(|| find(Backend::Docker)),
    }
}

/// The engine and the locked image of a server.
fn image(
    loaded: &Loaded,
    environment: &Environment,
    locks: &Locks,
    lock: &Lock,
    (name, server, package): (&str, &Server, &Package),
) -> Result<SignedImage, Lacking> {
    static HERE: Mutex<BTreeSet<(PathBuf, String)>> = Mutex::new(BTreeSet::new());
    let (entry, kept) = entry(loaded, locks, lock, name, package)?;
    let wrong = |why: String, help: &str, absent: bool| {
        Some((wrong(loaded, name, &why).help(help.to_owned()), absent))
    };
    let image = LockedImage::read(package, &kept).ok_or(None)?;
    let signer = signer(loaded, (name, server, package), entry, &image)
        .map_err(|issue| Some((issue, false)))?;
    let engine = engine(server, environment).ok_or_else(|| {
        let why = "neither Podman nor Docker, as `contain` may say which, is in the gateway's PATH"
            .to_owned();
        wrong(why, "install the package podman", false)
    })?;
    let known = (engine.program.clone(), image.id.clone());
    let is_here = match HERE.lock().contains(&known) {
        true => Ok(true),
        false => image.is_here(&engine),
    };
    match is_here {
        Ok(true) => {
            HERE.lock().insert(known);
            Ok(SignedImage {
                engine,
                image,
                signer,
            })
        }
        Ok(false) => {
            let help = "run `sandgate install`; `sandgate run` does so when it starts";
            Err(wrong(
                format!("{package} is locked and not installed"),
                help,
                true,
            ))
        }
        Err(error) => Err(wrong(
            error.to_string(),
            "put that right, and try again",
            false,
        )),
    }
}

/// What the lock has of a server, and what is kept beside it.
fn entry<'a>(
    loaded: &Loaded,
    locks: &Locks,
    lock: &'a Lock,
    name: &str,
    package: &Package,
) -> Result<(&'a LockedServer, String), Lacking> {
    let Some(entry) = lock.servers.get(name) else {
        let issue = wrong(loaded, name, &format!("{FILE} has no entry for it"));
        let help = "run `sandgate lock`, which resolves and installs it, and keep its files in version control";
        return Err(Some((issue.help(help), false)));
    };
    if entry.package != package.write() {
        let issue = wrong(loaded, name, &format!("{FILE} has {}", entry.package));
        let help = format!("run `sandgate lock --update {name}`, which shows what changes");
        return Err(Some((issue.help(help), false)));
    }
    let kept = locks.kept(name, package, entry);
    let kept = kept.map_err(|error| Some((wrong(loaded, name, &error), false)))?;
    Ok((entry, kept))
}

fn program(
    loaded: &Loaded,
    locks: &Locks,
    lock: &Lock,
    store: &Store,
    name: &str,
    server: &Server,
    package: &Package,
) -> Result<(Program, PathBuf), Lacking> {
    let wrong = |why: &dyn std::fmt::Display| Some((wrong(loaded, name, why), false));
    let (entry, _) = entry(loaded, locks, lock, name, package)?;
    store
        .program(package, entry, server.bin.as_deref())
        .map_err(|error| {
            let absent = matches!(error, StoreError::NotInstalled { .. });
            let help = match &error {
                StoreError::NotInstalled { .. } => {
                    "run `sandgate install`; `sandgate run` does so when it starts"
                }
                StoreError::Changed { .. } => {
                    "find out who changed it, then run `sandgate install`, which installs it anew"
                }
                StoreError::Io { .. } => {
                    "put that right; it is about the folder, not about the package"
                }
                StoreError::Program(ProgramError::Several { .. } | ProgramError::Other { .. }) => {
                    "write the name of one of them as `bin`"
                }
                _ => "use another package, or a `command`",
            };
            wrong(&error).map(|(issue, _)| (issue.help(help), absent))
        })
}

fn wrong(loaded: &Loaded, server: &str, why: &dyn std::fmt::Display) -> Issue {
    let image = loaded
        .config
        .servers
        .get(server)
        .and_then(|server| server.image.as_ref());
    let key = if image.is_some() { "image" } else { "package" };
    loaded.error(&format!("/servers/{server}/{key}"), Side::Value, why)
}

/// The first server that is a package, at which what is wrong with all of them is said.
fn first(servers: &BTreeMap<String, Server>) -> &str {
    let mut packages = servers
        .iter()
        .filter(|(_, server)| server.source().is_some());
    packages.next().map_or("", |(name, _)| name)
}

/// The configuration with plugins held to the lock: those of registries always, files where `gateway.require-lock` asks
/// for it. What is loaded is then compared with the digest there, byte for byte.
pub(super) fn with_locked_plugins<'a>(
    loaded: &'a Loaded,
    environment: &Environment,
    issues: &mut Vec<Issue>,
) -> (Cow<'a, Loaded>, Origins) {
    let mut whole = Cow::Borrowed(loaded);
    if loaded.config.gateway.require_lock {
        hold_files(loaded, whole.to_mut(), issues);
    }
    let mut origins = Origins::default();
    if loaded.config.has_remote_plugins() {
        origins = remote_plugin::in_place(loaded, environment, whole.to_mut(), issues);
    }
    (whole, origins)
}

fn hold_files(loaded: &Loaded, whole: &mut Loaded, issues: &mut Vec<Issue>) {
    let lock = match Locks::beside(loaded).read() {
        Ok(lock) => lock.unwrap_or_default(),
        Err(error) => {
            issues.push(loaded.error("/gateway/require-lock", Side::Value, error));
            return;
        }
    };
    let mut hold = |key: String, name: &str, plugin: &PluginSource, digest: &mut Option<Digest>| {
        let PluginSource::File(_) = plugin else {
            return;
        };
        let held = lock
            .plugins
            .get(name)
            .filter(|held| held.file == plugin.write());
        let locked = held.and_then(|held| Digest::read(&held.digest).ok());
        let place = format!("/interceptors/{key}");
        match (locked, *digest) {
            (None, _) => {
                let why =
                    format!("{FILE} has no such plugin, and `gateway.require-lock` asks for one");
                let help = "look at what it asks for (`sandgate plugin inspect`), then run `sandgate lock`";
                issues.push(loaded.error(&place, Side::Value, why).help(help));
            }
            (Some(locked), Some(own)) if locked != own => {
                let why = format!("{FILE} has {locked}, and the configuration {own}");
                let help = format!("run `sandgate lock --update {name}`, or correct `digest`");
                issues.push(loaded.error(&place, Side::Value, why).help(help));
            }
            (Some(locked), _) => *digest = Some(locked),
        }
    };
    for (index, one) in whole.config.interceptors.iter_mut().enumerate() {
        hold(
            format!("{index}/plugin"),
            &one.name,
            &one.plugin,
            &mut one.digest,
        );
        let Some(candidate) = &mut one.candidate else {
            continue;
        };
        if let Some(plugin) = &candidate.plugin {
            let name = format!("{}.candidate", one.name);
            hold(
                format!("{index}/candidate/plugin"),
                &name,
                plugin,
                &mut candidate.digest,
            );
        }
    }
}
