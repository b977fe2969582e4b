//! `sandgate lock --check`: compares the configuration with its lock.

use std::process::ExitCode;

use sandgate_assembly::RemotePlugin;
use sandgate_config::Scalar;
use sandgate_supply::{FILE, plugin_difference};
use sandgate_text::escape::event;
use sandgate_text::printable;

use crate::supply::{Stand, SupplyError, shown};
use crate::terminal::print;

impl Stand {
    /// `--check`.
    pub(crate) fn compare(&self) -> Result<ExitCode, SupplyError> {
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
}
