//! Plugins of registries, for `sandgate lock` and `sandgate install`: fetched, judged and kept.

use std::collections::BTreeMap;

use sandgate_assembly::{MAX_PLUGIN, RemotePlugin};
use sandgate_config::{Image, Scalar};
use sandgate_supply::{FetchedComponent, LockedPlugin, fetch_component, plugin_difference};
use sandgate_text::printable;

use crate::lock::{Stand, SupplyError, said, shown};
use crate::terminal::print;

impl Stand {
    /// Whether an interceptor, or its candidate, of this name in the lock is of a registry.
    pub(crate) fn is_remote(&self, name: &str) -> bool {
        self.remote(name).is_some()
    }

    pub(crate) fn remote(&self, name: &str) -> Option<RemotePlugin<'_>> {
        let mut all = RemotePlugin::all(&self.loaded).into_iter();
        all.find(|one| one.name == name)
    }

    /// Whether what is kept of a plugin is as the lock says and signed as it must be, as every start and reload asks.
    ///
    /// # Errors
    ///
    /// It is not.
    pub(crate) fn kept_remote(&self, plugin: &RemotePlugin<'_>) -> Result<(), SupplyError> {
        let kept = plugin.kept(&self.loaded, &self.locks, &self.lock);
        kept.map(drop).map_err(said)
    }

    /// Fetches what a plugin's reference leads to now, and its entry.
    ///
    /// # Errors
    ///
    /// The registry does not have it, it is no plugin, or it is not signed as it must be.
    pub(crate) fn fetch_remote(
        &self,
        plugin: &RemotePlugin<'_>,
    ) -> Result<(LockedPlugin, FetchedComponent), SupplyError> {
        let (name, written) = (&plugin.name, plugin.written());
        let failed = |error: &dyn std::fmt::Display| {
            SupplyError::Other(format!("{name}: {written} is not locked: {error}"))
        };
        let wanted = self.wanted_by(name, plugin.by, "plugins of registries that are")?;
        let fetched = fetch_component(plugin.reference, wanted.as_ref(), MAX_PLUGIN)
            .map_err(|error| failed(&error))?;
        let entry = plugin.entry(&fetched).map_err(|error| failed(&error))?;
        Ok((entry, fetched))
    }

    /// Locks those that are not locked. What is locked stays as it is, and is fetched again where it is not here.
    ///
    /// # Errors
    ///
    /// One of them cannot be locked, or is locked otherwise than the configuration says.
    pub(crate) fn complete_remote(
        &mut self,
    ) -> Result<BTreeMap<String, FetchedComponent>, SupplyError> {
        let (mut fetched, mut entries) = (BTreeMap::new(), Vec::new());
        for plugin in RemotePlugin::all(&self.loaded) {
            let name = &plugin.name;
            let own = self.lock.plugins.get(name);
            let is_own = own.is_some_and(|own| own.file == plugin.written());
            let kept = plugin.kept(&self.loaded, &self.locks, &self.lock);
            match kept {
                Ok(_) if is_own => {
                    self.install_remote(&plugin)?;
                    continue;
                }
                // It was the candidate's, and was promoted.
                Ok((locked, entry, _)) => {
                    self.install_remote(&plugin)?;
                    let stored = self.store.component(&entry.digest, MAX_PLUGIN as u64);
                    let (_, bytes) =
                        stored.map_err(|error| SupplyError::Other(format!("{name}: {error}")))?;
                    let component = FetchedComponent {
                        locked,
                        bytes: bytes.into(),
                        signer: entry.signer.clone(),
                    };
                    fetched.insert(name.clone(), component);
                    entries.push((name.clone(), entry.clone()));
                    continue;
                }
                Err(issue) if own.is_some() => {
                    let why = said(issue);
                    return Err(SupplyError::Other(format!("{name}: {why}")));
                }
                Err(_) => {}
            }
            let (entry, component) = self.fetch_remote(&plugin)?;
            print(&format!(
                "{name}: the plugin {} is locked.\n{}",
                printable(&entry.file),
                shown(&plugin_difference(None, &entry))
            ));
            fetched.insert(name.clone(), component);
            entries.push((name.clone(), entry));
        }
        self.lock.plugins.extend(entries);
        Ok(fetched)
    }

    /// Fetches a locked plugin by its digests, unless it is here.
    ///
    /// # Errors
    ///
    /// It is not kept as it must be, or the registry does not have what is locked.
    pub(crate) fn install_remote(&self, plugin: &RemotePlugin<'_>) -> Result<(), SupplyError> {
        let name = &plugin.name;
        let wrong = |why: &dyn std::fmt::Display| SupplyError::Other(format!("{name}: {why}"));
        let kept = plugin.kept(&self.loaded, &self.locks, &self.lock);
        let (kept, entry, _) = kept.map_err(|issue| wrong(&said(issue)))?;
        let is_here = self
            .store
            .component(&entry.digest, MAX_PLUGIN as u64)
            .is_ok();
        if !is_here {
            // The manifest by its digest, and by that the component.
            let reference = Image::read(&kept.reference).map_err(|mistake| wrong(&mistake.why))?;
            let fetched =
                fetch_component(&reference, None, MAX_PLUGIN).map_err(|error| wrong(&error))?;
            self.keep(name, &fetched)?;
        }
        let found = plugin.component(&self.loaded, &self.locks, &self.store, entry);
        found.map(drop).map_err(|issue| wrong(&said(issue)))
    }

    /// Keeps a component in the store.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn keep(&self, name: &str, component: &FetchedComponent) -> Result<(), SupplyError> {
        let kept = self.store.keep_component(&component.bytes);
        kept.map(drop)
            .map_err(|error| SupplyError::Other(format!("{name}: {error}")))
    }
}
