//! Resolves packages into the lock, installs them, and writes the lock.

use std::collections::BTreeMap;
use std::process::ExitCode;

use sandgate_config::{Ecosystem, Package, Scalar};
use sandgate_supply::{
    FILE, FetchedComponent, Lock, LockedPlugin, differences, resolve, resolve_image,
};

use crate::supply::{Stand, SupplyError, one};
use crate::terminal::print;

impl Stand {
    /// What the configuration has no more.
    pub(crate) fn gone(&self, plugins: &BTreeMap<String, LockedPlugin>) -> Vec<String> {
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

    /// Resolves a package into the lock, and returns the lines in which it differs from before.
    pub(crate) fn resolve(
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

    /// Installs what is locked, then writes the lock: it never names what could not be installed.
    pub(crate) fn finish(
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
            one(&self, name, &package, entry, text)?;
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
