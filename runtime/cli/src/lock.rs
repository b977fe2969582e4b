//! `sandgate lock`: resolves servers' packages, writes `sandgate.lock`, shows what differs from it, and installs.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use sandgate_assembly::{RemotePlugin, engine, inspect, signer};
use sandgate_config::{
    Ecosystem, Environment, Issue, Loaded, Package, PluginSource, Report, Scalar, SignedBy,
};
use sandgate_contain::Engine;
use sandgate_supply::{
    FILE, FetchedComponent, Lock, LockError, LockedImage, LockedPlugin, LockedServer, Locks, Store,
    Wanted, differences, plugin_difference, resolve, resolve_image,
};

use sandgate_text::escape::event;
use sandgate_text::printable;

use crate::args::Configured;
use crate::exit::{complain, refuse};
use crate::install;
use crate::terminal::print;

/// `sandgate lock`.
#[derive(Clone, Debug, Args)]
pub struct LockPackages {
    /// The configuration whose packages and plugins are locked.
    #[command(flatten)]
    pub configured: Configured,
    /// Compare the configuration with its lock, ask no registry and write nothing [exit code 1: they differ]
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
    /// Resolve this server's package anew, or take this interceptor's plugin as it is now; shows what changes, and asks
    #[arg(long, value_name = "NAME")]
    pub update: Option<String>,
    /// With --update: approve without asking
    #[arg(long, requires = "update")]
    pub yes: bool,
}

/// Why a lock was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupplyError {
    /// The configuration is wrong.
    #[error("{}", .0.summary())]
    Config(Box<Report>),
    /// The lock cannot be used.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// What is said to people.
    #[error("{0}")]
    Other(String),
}

impl SupplyError {
    /// Reports it. Nothing was started.
    pub(crate) fn exit(&self) -> ExitCode {
        match self {
            Self::Config(report) => refuse(report),
            _ => {
                // Words of registries and engines are among it.
                complain(&event(&self.to_string(), false));
                ExitCode::from(2)
            }
        }
    }
}

/// Carries out the verb.
pub fn carry_out(asked: &LockPackages) -> ExitCode {
    let done = Stand::of(&asked.configured).and_then(|stand| match (asked.check, &asked.update) {
        (true, _) => stand.compare(),
        (false, Some(name)) => stand.update(name, asked.yes),
        (false, None) => stand.complete(),
    });
    done.unwrap_or_else(|error| error.exit())
}

/// A configuration, its lock, and what the lock should have.
pub(crate) struct Stand {
    pub(crate) loaded: Loaded,
    pub(crate) locks: Locks,
    pub(crate) store: Store,
    pub(crate) lock: Lock,
    /// Whether there is a lock.
    is_there: bool,
}

impl Stand {
    pub(crate) fn of(configured: &Configured) -> Result<Self, SupplyError> {
        let config = |report| SupplyError::Config(Box::new(report));
        let loaded = Loaded::read(&configured.config).map_err(config)?;
        Self::beside(loaded, &Environment::of_process())
    }

    pub(crate) fn beside(loaded: Loaded, environment: &Environment) -> Result<Self, SupplyError> {
        let store = sandgate_assembly::store(&loaded, environment).ok_or_else(|| {
            let issue = sandgate_assembly::no_store(&loaded);
            SupplyError::Config(Box::new(loaded.report(vec![issue])))
        })?;
        let locks = Locks::beside(&loaded);
        let lock = locks.read()?;
        Ok(Self {
            is_there: lock.is_some(),
            lock: lock.unwrap_or_default(),
            loaded,
            locks,
            store,
        })
    }

    /// Servers that are packages, by name.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&String, Package)> {
        let servers = self.loaded.config.servers.iter();
        servers.filter_map(|(name, server)| Some((name, server.source()?)))
    }

    /// The engine of a server that is an image.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn engine(&self, server: &str) -> Result<Engine, SupplyError> {
        let known = self.loaded.config.servers.get(server);
        let engine = known.and_then(|known| engine(known, &Environment::of_process()));
        engine.ok_or_else(|| {
            SupplyError::Other(format!(
                "{server}: its engine, Podman or Docker, is not in PATH; install the package podman"
            ))
        })
    }

    /// By whom a server's image must be signed; `None`: nobody is asked for.
    ///
    /// # Errors
    ///
    /// The key or the trusted root cannot be used, or every image must be signed and this one names nobody.
    fn wanted(&self, server: &str) -> Result<Option<Wanted>, SupplyError> {
        let known = self.loaded.config.servers.get(server);
        let by = known.and_then(|known| known.signed_by.as_ref());
        self.wanted_by(server, by, "images that are")
    }

    /// Who `signed-by` of this name is.
    ///
    /// # Errors
    ///
    /// As for [`Self::wanted`].
    pub(crate) fn wanted_by(
        &self,
        name: &str,
        by: Option<&SignedBy>,
        what: &str,
    ) -> Result<Option<Wanted>, SupplyError> {
        let Some(by) = by else {
            if self.loaded.config.gateway.require_signatures {
                return Err(SupplyError::Other(format!(
                    "{name}: `gateway.require-signatures` asks for {what} signed; write `signed-by`"
                )));
            }
            return Ok(None);
        };
        let wanted = sandgate_supply::wanted(&self.loaded, by);
        wanted.map(Some).map_err(|error| {
            SupplyError::Other(format!("{name}: `signed-by.{}`: {error}", error.key))
        })
    }

    /// Whether what is kept of an image is signed as it must be, as every start and reload asks.
    ///
    /// # Errors
    ///
    /// It is not.
    pub(crate) fn signed(
        &self,
        name: &str,
        package: &Package,
        entry: &LockedServer,
        kept: &str,
    ) -> Result<(), SupplyError> {
        let known = self.loaded.config.servers.get(name);
        let image = LockedImage::read(package, kept);
        let (Some(server), Some(image)) = (known, image) else {
            return Ok(());
        };
        let found = signer(&self.loaded, (name, server, package), entry, &image);
        found.map(drop).map_err(said)
    }

    /// The plugins of files, by the name of their interceptor, as they are now.
    fn plugins(&self) -> Result<BTreeMap<String, LockedPlugin>, SupplyError> {
        let mut plugins = BTreeMap::new();
        for one in &self.loaded.config.interceptors {
            let tried = one
                .candidate
                .as_ref()
                .and_then(|tried| tried.plugin.as_ref());
            let tried = tried.map(|plugin| (format!("{}.candidate", one.name), plugin));
            for (name, plugin) in [Some((one.name.clone(), &one.plugin)), tried]
                .into_iter()
                .flatten()
            {
                let PluginSource::File(path) = plugin else {
                    continue;
                };
                let path = self.loaded.files.path(path).display().to_string();
                let file = inspect::read(&path).map_err(SupplyError::Other)?;
                let asks = inspect::asks(&file).into_iter().map(|(what, _)| what);
                let locked = LockedPlugin {
                    file: plugin.write(),
                    asks: asks.collect(),
                    digest: file.digest().to_owned(),
                    ..LockedPlugin::default()
                };
                plugins.insert(name, locked);
            }
        }
        Ok(plugins)
    }

    /// What the configuration has no more.
    fn gone(&self, plugins: &BTreeMap<String, LockedPlugin>) -> Vec<String> {
        let servers = &self.loaded.config.servers;
        let is_package = |name: &String| {
            servers
                .get(name)
                .is_some_and(|server| server.source().is_some())
        };
        let servers = self.lock.servers.keys().filter(|name| !is_package(name));
        let locked = self
            .lock
            .plugins
            .keys()
            .filter(|name| !plugins.contains_key(*name) && !self.is_remote(name));
        servers.chain(locked).cloned().collect()
    }

    /// `--check`.
    fn compare(&self) -> Result<ExitCode, SupplyError> {
        let plugins = self.plugins()?;
        let mut said = Vec::new();
        for (name, package) in self.packages() {
            match self.lock.servers.get(name) {
                None => said.push(format!("{name}: {package} is not locked; run `sandgate lock`")),
                Some(entry) if entry.package != package.write() => said.push(format!(
                    "{name}: the configuration has {package}, and {FILE} has {}; run `sandgate lock --update {name}`",
                    entry.package
                )),
                Some(entry) => {
                    let kept = self.locks.kept(name, &package, entry);
                    let kept = kept.map_err(SupplyError::Lock);
                    let signed =
                        kept.and_then(|kept| self.signed(name, &package, entry, &kept));
                    if let Err(error) = signed {
                        said.push(event(&format!("{name}: {error}"), false).into_owned());
                    }
                }
            }
        }
        for (name, plugin) in &plugins {
            let lines = plugin_difference(self.lock.plugins.get(name), plugin);
            if !lines.is_empty() {
                let verb = match self.lock.plugins.contains_key(name) {
                    true => format!("sandgate lock --update {name}"),
                    false => "sandgate lock".into(),
                };
                said.push(format!(
                    "{name}: the plugin {} is another; run `{verb}`",
                    printable(&plugin.file)
                ));
                said.push(shown(&lines));
            }
        }
        for plugin in RemotePlugin::all(&self.loaded) {
            if let Err(error) = self.kept_remote(&plugin) {
                let error = format!("{}: {error}", plugin.name);
                said.push(event(&error, false).into_owned());
            }
        }
        for name in self.gone(&plugins) {
            said.push(format!(
                "{}: is locked, and not in the configuration; run `sandgate lock`",
                printable(&name)
            ));
        }
        let nothing = said.is_empty();
        if nothing {
            said.push(format!("{FILE} and the configuration agree."));
        }
        print(&said.join("\n"));
        Ok(ExitCode::from(u8::from(!nothing)))
    }

    /// Locks what is not locked, drops what is gone, and installs.
    fn complete(mut self) -> Result<ExitCode, SupplyError> {
        let plugins = self.plugins()?;
        let mut kept = BTreeMap::new();
        let packages: Vec<(String, Package)> = self
            .packages()
            .map(|(name, package)| (name.clone(), package))
            .collect();
        for (name, package) in &packages {
            match self.lock.servers.get(name) {
                Some(entry) if entry.package == package.write() => {
                    let kept = self.locks.kept(name, package, entry)?;
                    self.signed(name, package, entry, &kept)
                        .map_err(|error| SupplyError::Other(format!("{name}: {error}")))?;
                }
                Some(entry) => {
                    return Err(SupplyError::Other(format!(
                        "{name}: the configuration has {package}, and {FILE} has {}; run `sandgate lock --update {name}`, \
                         which shows what changes",
                        entry.package
                    )));
                }
                None => {
                    let lines = self.resolve(name, package, None, &mut kept)?;
                    let entry = &self.lock.servers[name];
                    let what = match package.ecosystem {
                        Ecosystem::Image => "an image".to_owned(),
                        _ => format!("{} packages", lines.len()),
                    };
                    print(&format!(
                        "{name}: {package} is {what} of {}.",
                        printable(&entry.registry)
                    ));
                    if let Some(signer) = &entry.signer {
                        print(&format!("{name}: it is signed by {}.", printable(signer)));
                    }
                }
            }
        }
        let mut new = Vec::new();
        for (name, plugin) in &plugins {
            match self.lock.plugins.get(name) {
                Some(locked) if locked == plugin => {}
                Some(locked) => {
                    let lines = plugin_difference(Some(locked), plugin);
                    return Err(SupplyError::Other(format!(
                        "{name}: the plugin {} is not the locked one; run `sandgate lock --update {name}`\n{}",
                        printable(&plugin.file),
                        shown(&lines)
                    )));
                }
                None => {
                    let lines = plugin_difference(None, plugin);
                    print(&format!(
                        "{name}: the plugin {} is locked.\n{}",
                        printable(&plugin.file),
                        shown(&lines)
                    ));
                    new.push((name.clone(), plugin.clone()));
                }
            }
        }
        let fetched = self.complete_remote()?;
        self.lock.plugins.extend(new);
        let gone = self.gone(&plugins);
        for name in &gone {
            print(&format!(
                "{}: is not in the configuration, and locked no more.",
                printable(name)
            ));
            if !plugins.contains_key(name) && !self.is_remote(name) {
                self.lock.plugins.remove(name);
            }
            if !packages.iter().any(|(known, _)| known == name) {
                self.lock.servers.remove(name);
            }
        }
        self.finish(&kept, &fetched)
    }

    /// Resolves a package into the lock, and returns the lines in which it differs from before.
    fn resolve(
        &mut self,
        name: &str,
        package: &Package,
        before: Option<(&Package, &str)>,
        kept: &mut BTreeMap<String, (Ecosystem, String)>,
    ) -> Result<Vec<String>, SupplyError> {
        let failed = |error: &dyn std::fmt::Display| {
            SupplyError::Other(format!("{name}: {package} is not locked: {error}"))
        };
        let resolved = match package.ecosystem {
            Ecosystem::Image => {
                let wanted = self.wanted(name)?;
                resolve_image(package, &self.engine(name)?, wanted.as_ref())
                    .map_err(|error| failed(&error))?
            }
            _ => resolve(package, &self.store).map_err(|error| failed(&error))?,
        };
        let lines = differences(before, (package, &resolved.kept));
        self.lock.servers.insert(name.to_owned(), resolved.entry);
        kept.insert(name.to_owned(), (package.ecosystem, resolved.kept));
        Ok(lines)
    }

    /// `--update`.
    fn update(mut self, name: &str, yes: bool) -> Result<ExitCode, SupplyError> {
        let (mut kept, mut fetched) = (BTreeMap::new(), BTreeMap::new());
        self.settle(name, &mut fetched)?;
        let wanted = self
            .packages()
            .find(|(known, _)| *known == name)
            .map(|(_, package)| package);
        let lines = if let Some(package) = wanted {
            let old = self.lock.servers.get(name).cloned();
            let before = old.as_ref().and_then(|entry| {
                let package = Package::source(&entry.package).ok()?;
                let text = self.locks.kept(name, &package, entry).ok()?;
                Some((package, text))
            });
            let before = before
                .as_ref()
                .map(|(package, text)| (package, text.as_str()));
            let mut lines = self.resolve(name, &package, before, &mut kept)?;
            let new = &self.lock.servers[name];
            let mut more = |what: &str, was: &str, is: &str| {
                if was != is {
                    lines.insert(0, format!("  {what}: {was} -> {is}"));
                }
            };
            if let Some(old) = &old {
                let nobody = "nobody, or nobody was asked for".to_owned();
                let by = |signer: &Option<String>| signer.clone().unwrap_or(nobody.clone());
                more("signed by", &by(&old.signer), &by(&new.signer));
                more("registry", &old.registry, &new.registry);
                more("package", &old.package, &new.package);
            }
            lines
        } else if let Some(plugin) = self.remote(name) {
            let (entry, component) = self.fetch_remote(&plugin)?;
            let before = self.lock.plugins.get(name).cloned();
            let before = before.or_else(|| self.live(&plugin));
            let lines = plugin_difference(before.as_ref(), &entry);
            self.lock.plugins.insert(name.to_owned(), entry);
            fetched.insert(name.to_owned(), component);
            lines
        } else if let Some(plugin) = self.plugins()?.remove(name) {
            let lines = plugin_difference(self.lock.plugins.get(name), &plugin);
            self.lock.plugins.insert(name.to_owned(), plugin);
            lines
        } else {
            let why = "neither a server with a `package` or an `image` nor an interceptor with a plugin file or a plugin of a registry has this name";
            return Err(SupplyError::Other(format!("{name}: {why}")));
        };
        if lines.is_empty() {
            print(&format!("{name}: nothing differs from {FILE}."));
        } else {
            print(&format!("{name}:\n{}", shown(&lines)));
            if !yes && !approved() {
                complain(
                    "not approved: nothing was written; approve it at a terminal, or with --yes",
                );
                return Ok(ExitCode::FAILURE);
            }
        }
        self.finish(&kept, &fetched)
    }

    /// Installs what is locked, then writes the lock: it never names what could not be installed.
    fn finish(
        self,
        kept: &BTreeMap<String, (Ecosystem, String)>,
        fetched: &BTreeMap<String, FetchedComponent>,
    ) -> Result<ExitCode, SupplyError> {
        for (name, component) in fetched {
            self.keep(name, component)?;
        }
        for (name, package) in self.packages() {
            let Some(entry) = self.lock.servers.get(name) else {
                continue;
            };
            if entry.package != package.write() {
                continue;
            }
            let old;
            let text = match kept.get(name) {
                Some((_, text)) => text,
                None => {
                    old = self.locks.kept(name, &package, entry)?;
                    &old
                }
            };
            install::one(&self, name, &package, entry, text)?;
        }
        let before = self.locks.read().ok().flatten();
        if before.as_ref() == Some(&self.lock) && kept.is_empty() && fetched.is_empty() {
            print(&format!("{FILE} is up to date."));
        } else if self.is_there || self.lock != Lock::default() {
            let fetched = fetched.iter();
            let fetched = fetched.map(|(name, one)| (name.clone(), one.locked.clone()));
            self.locks.write(&self.lock, kept, &fetched.collect())?;
            print(&format!("{} is written.", self.locks.path().display()));
        } else {
            print(
                "Nothing is to be locked: no server has a `package` or an `image`, and no interceptor a plugin file or a plugin of a \
                 registry.",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An issue, for people who are not at the configuration.
pub(crate) fn said(issue: Issue) -> SupplyError {
    let help = issue.help.map(|help| format!("; {help}"));
    SupplyError::Other(format!("{}{}", issue.message, help.unwrap_or_default()))
}

/// Lines of differences, for people. A registry's, a package's or a plugin's own words in them begin no line and steer no
/// terminal, or they could hide what is approved.
pub(crate) fn shown(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    lines.join("\n")
}

/// Asks at the terminal, if there is one.
fn approved() -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return false;
    }
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "Approve this? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    asked.is_ok()
        && stdin.lock().read_line(&mut answer).is_ok()
        && matches!(answer.trim(), "y" | "Y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_neither_begins_a_line_nor_steers_a_terminal() {
        let lines = [
            "+ asks for http a.example\n+ asks for nothing".to_owned(),
            "+ asks for \u{1b}[2K\u{202e}\r".into(),
        ];
        let text = shown(&lines);
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text:?}");
    }
}
