//! A configuration, its lock and the store of packages, with which `sandgate lock` and `sandgate install` work.

use std::collections::BTreeMap;

use sandgate_assembly::{engine, inspect, signer};
use sandgate_config::{Environment, Loaded, Package, PluginSource, Scalar, SignedBy};
use sandgate_contain::Engine;
use sandgate_supply::{Lock, LockedImage, LockedPlugin, LockedServer, Locks, Store, Wanted};

use super::error::{SupplyError, said};
use crate::reached::Configured;

/// A configuration, its lock, and what the lock should have.
pub(crate) struct Stand {
    pub(crate) loaded: Loaded,
    pub(crate) locks: Locks,
    pub(crate) store: Store,
    pub(crate) lock: Lock,
    /// Whether there is a lock.
    pub(crate) is_there: bool,
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
    pub(crate) fn wanted(&self, server: &str) -> Result<Option<Wanted>, SupplyError> {
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
    pub(crate) fn plugins(&self) -> Result<BTreeMap<String, LockedPlugin>, SupplyError> {
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
}
