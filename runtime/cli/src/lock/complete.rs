//! `sandgate lock`: locks what is not locked, and drops what is gone.

use std::collections::BTreeMap;
use std::process::ExitCode;

use sandgate_config::{Ecosystem, Package, Scalar};
use sandgate_supply::{FILE, plugin_difference};
use sandgate_text::printable;

use crate::supply::{Stand, SupplyError, shown};
use crate::terminal::print;

impl Stand {
    /// Locks what is not locked, drops what is gone, and installs.
    pub(crate) fn complete(mut self) -> Result<ExitCode, SupplyError> {
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
}
