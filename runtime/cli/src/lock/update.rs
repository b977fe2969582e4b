//! `sandgate lock --update`: resolves one package or plugin anew, shows what changes, and asks.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use sandgate_config::Package;
use sandgate_supply::{FILE, plugin_difference};

use crate::exit::complain;
use crate::supply::{Stand, SupplyError, shown};
use crate::terminal::print;

impl Stand {
    /// `--update`.
    pub(crate) fn update(mut self, name: &str, yes: bool) -> Result<ExitCode, SupplyError> {
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
