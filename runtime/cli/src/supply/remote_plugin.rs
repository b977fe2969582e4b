//! Plugins of registries, for `sandgate lock` and `sandgate install`: fetched, judged and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sandgate_assembly::{MAX_PLUGIN, RemotePlugin, inspect};
use sandgate_config::{Image, Scalar};
use sandgate_supply::{FILE, FetchedComponent, LockedPlugin, fetch_component, plugin_difference};
use sandgate_text::printable;

use crate::supply::{Stand, SupplyError, said, shown};
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

    /// What the lock has of the interceptor beside which a candidate runs, with all that its plugin asks for: the
    /// candidate takes its place where it is promoted. `None`: it is no candidate's, or the interceptor has no entry.
    pub(crate) fn live(&self, plugin: &RemotePlugin<'_>) -> Option<LockedPlugin> {
        let mut live = self.lock.plugins.get(plugin.live()?)?.clone();
        if live.manifest.is_none() {
            // The entry of a file has neither hooks nor limits.
            let path = self.loaded.files.path(Path::new(&live.file));
            if let Ok(file) = inspect::read(&path.display().to_string())
                && file.digest() == live.digest
            {
                live.asks = inspect::capabilities(&file);
            }
        }
        Some(live)
    }

    /// What was locked for a candidate and is the interceptor's own plugin since, promoted. `None`: nothing was.
    fn promoted(
        &self,
        plugin: &RemotePlugin<'_>,
    ) -> Result<Option<(LockedPlugin, FetchedComponent)>, SupplyError> {
        let name = &plugin.name;
        let own = self.lock.plugins.get(name);
        if own.is_some_and(|own| own.file == plugin.written()) {
            return Ok(None);
        }
        let kept = plugin.kept(&self.loaded, &self.locks, &self.lock);
        let Ok((locked, entry, _)) = kept else {
            return Ok(None);
        };
        self.install_remote(plugin)?;
        let stored = self.store.component(&entry.digest, MAX_PLUGIN as u64);
        let (_, bytes) = stored.map_err(|error| SupplyError::Other(format!("{name}: {error}")))?;
        let component = FetchedComponent {
            locked,
            bytes: bytes.into(),
            signer: entry.signer.clone(),
        };
        Ok(Some((entry.clone(), component)))
    }

    /// Moves the entry of this candidate to its interceptor, where it was promoted: another candidate's takes its place.
    ///
    /// # Errors
    ///
    /// What was promoted is not here, and the registry does not have it.
    pub(crate) fn settle(
        &mut self,
        candidate: &str,
        fetched: &mut BTreeMap<String, FetchedComponent>,
    ) -> Result<(), SupplyError> {
        let mut all = RemotePlugin::all(&self.loaded).into_iter();
        let own = all.find(|one| candidate.strip_suffix(".candidate") == Some(&*one.name));
        if let Some(own) = own
            && let Some((entry, component)) = self.promoted(&own)?
        {
            self.lock.plugins.insert(own.name.clone(), entry);
            fetched.insert(own.name, component);
        }
        Ok(())
    }

    /// Locks those that are not locked. What is locked stays as it is, and is fetched again where it is not here. A
    /// candidate's that asks for something else than its interceptor's waits for an approval.
    ///
    /// # Errors
    ///
    /// One of them cannot be locked, is locked otherwise than the configuration says, or waits for an approval.
    pub(crate) fn complete_remote(
        &mut self,
    ) -> Result<BTreeMap<String, FetchedComponent>, SupplyError> {
        let (mut fetched, mut entries) = (BTreeMap::new(), Vec::new());
        for plugin in RemotePlugin::all(&self.loaded) {
            let name = &plugin.name;
            if let Some((entry, component)) = self.promoted(&plugin)? {
                fetched.insert(name.clone(), component);
                self.lock.plugins.insert(name.clone(), entry);
                continue;
            }
            match plugin.kept(&self.loaded, &self.locks, &self.lock) {
                Ok(_) => {
                    self.install_remote(&plugin)?;
                    continue;
                }
                Err(issue) if self.lock.plugins.contains_key(name) => {
                    let why = said(issue);
                    return Err(SupplyError::Other(format!("{name}: {why}")));
                }
                Err(_) => {}
            }
            let (entry, component) = self.fetch_remote(&plugin)?;
            let live = self.live(&plugin);
            let (file, lines) = (
                printable(&entry.file),
                shown(&plugin_difference(live.as_ref(), &entry)),
            );
            let asks = |of: &LockedPlugin| BTreeSet::from_iter(of.asks.clone());
            // What it is locked with is what runs for everybody once it is promoted.
            if live.is_some_and(|live| asks(&live) != asks(&entry)) {
                return Err(SupplyError::Other(format!(
                    "{name}: the plugin {file} asks for something else than its interceptor's in {FILE}; run \
                     `sandgate lock --update {name}`\n{lines}"
                )));
            }
            print(&format!("{name}: the plugin {file} is locked.\n{lines}"));
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
