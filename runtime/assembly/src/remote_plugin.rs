//! Plugins of registries: the component that the lock names, from the store. Nothing is fetched here.

use std::path::PathBuf;

use bytes::Bytes;
use sandgate_config::{
    Digest, Environment, Image, Issue, Loaded, PluginSource, Scalar, Side, SignedBy,
};
use sandgate_host::{MAX_FILE, PluginFile};
use sandgate_pipeline::Origin;
use sandgate_supply::{
    FILE, FetchedComponent, Lock, LockedComponent, LockedPlugin, Locks, Store, StoreError,
};

use crate::inspect;
use crate::package_store::{no_store, store};
use crate::signer::Subject;

/// The largest component, in bytes.
pub const MAX_PLUGIN: usize = MAX_FILE;

/// An interceptor's plugin, or its candidate's, that is of a registry.
#[derive(Clone, Debug)]
pub struct RemotePlugin<'a> {
    /// Its name in the lock: the interceptor's, with `.candidate` behind it for its candidate.
    pub name: String,
    /// The reference.
    pub reference: &'a Image,
    /// By whom it must be signed.
    pub by: Option<&'a SignedBy>,
    /// Its interceptor's index.
    pub(super) index: usize,
    /// Whether it is the candidate's.
    pub(super) tried: bool,
}

impl<'a> RemotePlugin<'a> {
    /// All of a configuration, in its order.
    pub fn all(loaded: &'a Loaded) -> Vec<Self> {
        let mut all = Vec::new();
        for (index, one) in loaded.config.interceptors.iter().enumerate() {
            let tried = one.candidate.as_ref().and_then(|one| one.plugin.as_ref());
            let sources = [(false, Some(&one.plugin)), (true, tried)];
            for (tried, source) in sources {
                let Some(PluginSource::Registry(reference)) = source else {
                    continue;
                };
                let suffix = if tried { ".candidate" } else { "" };
                all.push(Self {
                    name: format!("{}{suffix}", one.name),
                    reference,
                    by: one.signed_by.as_ref(),
                    index,
                    tried,
                });
            }
        }
        all
    }

    /// The name of the interceptor whose candidate it is; `None`: it is the interceptor's own.
    pub fn live(&self) -> Option<&str> {
        let live = self.name.strip_suffix(".candidate");
        live.filter(|_| self.tried)
    }

    /// The reference as the configuration has it.
    pub fn written(&self) -> String {
        PluginSource::Registry(self.reference.clone()).write()
    }

    /// The entry of a component that was fetched for it.
    ///
    /// # Errors
    ///
    /// It is no plugin of this gateway, or none for operators; the text says why.
    pub fn entry(&self, fetched: &FetchedComponent) -> Result<LockedPlugin, String> {
        let file = PluginFile::read(fetched.bytes.clone()).map_err(|error| error.to_string())?;
        if file.is_development() {
            return Err("it is a build of `sandgate plugin dev`, and not for operators".into());
        }
        Ok(LockedPlugin {
            file: self.written(),
            manifest: Some(fetched.locked.digest()),
            signer: fetched.signer.clone(),
            version: Some(file.version()),
            asks: inspect::capabilities(&file),
            digest: file.digest().to_owned(),
        })
    }

    /// What is kept of the plugin, and its entry, as every start and reload judges them.
    ///
    /// # Errors
    ///
    /// The lock does not have it, was edited, or the plugin is not signed as it must be.
    pub fn kept<'l>(
        &self,
        loaded: &Loaded,
        locks: &Locks,
        lock: &'l Lock,
    ) -> Result<(LockedComponent, &'l LockedPlugin, Origin), Issue> {
        let (name, written) = (&self.name, self.written());
        // What was approved for the candidate is approved where it is promoted.
        let candidate = format!("{name}.candidate");
        let promoted = lock.plugins.get(&candidate);
        let promoted = promoted.filter(|entry| !self.tried && entry.file == written);
        let (held, entry) = match (lock.plugins.get(name), promoted) {
            (Some(entry), _) if entry.file == written => (name, entry),
            (_, Some(entry)) => (&candidate, entry),
            (Some(entry), None) => {
                let help = format!("run `sandgate lock --update {name}`, which shows what changes");
                let why = format!("{FILE} has {}", entry.file);
                return Err(self.wrong(loaded, &why).help(help));
            }
            (None, None) => {
                let help = "run `sandgate lock`, which fetches it and shows what it asks for, and keep its files in \
                            version control";
                let why = format!("{FILE} has no entry for {written}");
                return Err(self.wrong(loaded, &why).help(help));
            }
        };
        let kept = locks.kept_plugin(held, entry);
        let kept = kept.map_err(|error| self.wrong(loaded, &error))?;
        // A digest in the configuration is the manifest's.
        let (of, wanted) = (
            kept.reference.split_once('@'),
            self.reference.0.split_once('@'),
        );
        let (of, digest) = of.unwrap_or_default();
        let (named, wanted) = wanted.unwrap_or((&self.reference.0, digest));
        let is_tag = |rest: &str| rest.is_empty() || rest.starts_with(':') && !rest.contains('/');
        if wanted != digest || !named.strip_prefix(of).is_some_and(is_tag) {
            let why = format!("what is kept is {}, which is not {written}", kept.reference);
            return Err(self.wrong(loaded, &locks.edited_plugin(name, why)));
        }
        let subject = Subject {
            loaded,
            name,
            place: format!("/interceptors/{}", self.index),
            source: if self.tried {
                "candidate/plugin"
            } else {
                "plugin"
            },
            shown: written.clone(),
            is_here: false,
            by: self.by,
            locked: entry.signer.as_deref(),
        };
        let signer = subject.signer(|wanted| kept.signer(wanted))?;
        let manifest = kept.digest();
        let origin = Origin {
            reference: match written.contains('@') {
                true => written,
                false => format!("{written}@{manifest}"),
            },
            signer,
        };
        Ok((kept, entry, origin))
    }

    /// The component from the store, which asks for what the lock says.
    ///
    /// # Errors
    ///
    /// It is not here, is another one, or asks for something else.
    pub fn component(
        &self,
        loaded: &Loaded,
        locks: &Locks,
        store: &Store,
        entry: &LockedPlugin,
    ) -> Result<(PathBuf, PluginFile), Issue> {
        let found = store.component(&entry.digest, MAX_PLUGIN as u64);
        let (path, bytes) = found.map_err(|error| {
            let help = match &error {
                StoreError::NoComponent { .. } => {
                    "run `sandgate install`, which fetches it; a gateway fetches no plugin"
                }
                StoreError::OtherComponent { .. } => {
                    "find out who changed it, then run `sandgate install`, which fetches it anew"
                }
                _ => "put that right; it is about the folder, not about the plugin",
            };
            self.wrong(loaded, &error).help(help)
        })?;
        let file = PluginFile::read(Bytes::from(bytes));
        let file = file.map_err(|error| self.wrong(loaded, &error))?;
        let (asks, version) = (inspect::capabilities(&file), file.version());
        let more = asks.iter().find(|one| !entry.asks.contains(one));
        let why = match more {
            Some(more) => format!("the component asks for {more}, and the entry does not say so"),
            None if asks != entry.asks => "the entry says more than the component asks for".into(),
            None if entry.version.as_ref() != Some(&version) => {
                format!("the component is of version {version}, and the entry says another")
            }
            None => return Ok((path, file)),
        };
        Err(self.wrong(loaded, &locks.edited_plugin(&self.name, why)))
    }

    fn wrong(&self, loaded: &Loaded, why: &dyn std::fmt::Display) -> Issue {
        let candidate = if self.tried { "/candidate" } else { "" };
        let place = format!("/interceptors/{}{candidate}/plugin", self.index);
        loaded.error(&place, Side::Value, why)
    }
}

/// The configuration's plugins of registries in place of which there is a file, and where they are from: of each
/// interceptor the plugin's, and the candidate's.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Vec<(usize, bool, Origin)>);

impl Origins {
    /// Where the plugin, or the candidate's, is from; `None`: it is of no registry.
    pub(super) fn of(&self, index: usize, tried: bool) -> Option<Origin> {
        let mut all = self.0.iter();
        let found = all.find(|(at, of, _)| (*at, *of) == (index, tried))?;
        Some(found.2.clone())
    }
}

/// Puts files of the store in the place of references to registries. What cannot be put stays, and is told.
pub(super) fn in_place(
    loaded: &Loaded,
    environment: &Environment,
    whole: &mut Loaded,
    issues: &mut Vec<Issue>,
) -> Origins {
    let mut origins = Origins::default();
    let locks = Locks::beside(loaded);
    let all = RemotePlugin::all(loaded);
    let (Some(first), store) = (all.first(), store(loaded, environment)) else {
        return origins;
    };
    let lock = match locks.read() {
        Ok(lock) => lock.unwrap_or_default(),
        Err(error) => {
            issues.push(first.wrong(loaded, &error));
            return origins;
        }
    };
    let Some(store) = store else {
        issues.push(no_store(loaded));
        return origins;
    };
    for one in &all {
        let found = one
            .kept(loaded, &locks, &lock)
            .and_then(|(_, entry, origin)| {
                let (path, file) = one.component(loaded, &locks, &store, entry)?;
                let digest = Digest::read(file.digest()).ok();
                Ok((path, digest, origin))
            });
        match found {
            Ok((path, digest, origin)) => {
                let interceptor = &mut whole.config.interceptors[one.index];
                let (plugin, held) = match (&mut interceptor.candidate, one.tried) {
                    (Some(tried), true) => (tried.plugin.as_mut(), &mut tried.digest),
                    _ => (Some(&mut interceptor.plugin), &mut interceptor.digest),
                };
                if let Some(plugin) = plugin {
                    // What is loaded is compared with the digest once more, byte for byte.
                    (*plugin, *held) = (PluginSource::File(path), digest);
                    origins.0.push((one.index, one.tried, origin));
                }
            }
            Err(issue) => issues.push(issue),
        }
    }
    origins
}

/// An interceptor's plugin of a registry, for those who run it beside a gateway: the very bytes that were checked.
///
/// # Errors
///
/// As for [`RemotePlugin::kept`] and [`RemotePlugin::component`].
pub fn remote_plugin_file(
    loaded: &Loaded,
    environment: &Environment,
    index: usize,
) -> Result<PluginFile, Issue> {
    let mut all = RemotePlugin::all(loaded).into_iter();
    let own = all.find(|remote| remote.index == index && !remote.tried);
    let (Some(own), Some(store)) = (own, store(loaded, environment)) else {
        return Err(no_store(loaded));
    };
    let locks = Locks::beside(loaded);
    let lock = locks.read().map_err(|error| own.wrong(loaded, &error))?;
    let lock = lock.unwrap_or_default();
    let (_, entry, _) = own.kept(loaded, &locks, &lock)?;
    Ok(own.component(loaded, &locks, &store, entry)?.1)
}
