//! Prepares the plugins of a configuration. Plugins that did not change are reused.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use sandgate_config::{Issue, Loaded, PluginSource, Resolved, ResolvedInterceptor, Severity, Side};
use sandgate_host::{
    Access, DirGrant, FileError, GrantError, Grants, Host, MAX_FILE, Plugin, PluginFile,
    PrepareError, Spec,
};
use sandgate_message::{Limits, pointer};

use crate::builtin;
use crate::prepared::{DEFAULT_TIMEOUT, Key, Prepared};
use crate::unloaded::Unloaded;

/// What becomes of a plugin that cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loading {
    /// At the start: an error. With `fail-open` a warning, and the calls in the interceptor's scope pass.
    Start,
    /// At a reload: always an error, since the plugin in force is better than none.
    Reload,
}

/// The prepared plugins, in the configuration's order.
#[derive(Clone, Default)]
pub(super) struct PreparedPlugins(Vec<Prepared>);

impl PreparedPlugins {
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Prepared> {
        self.0.iter()
    }

    /// Prepares what is new or changed. If there is an error among the issues, some plugins are missing.
    pub(super) async fn prepare(
        &self,
        host: &Arc<Host>,
        loaded: &Loaded,
        resolved: &Resolved,
        document: Limits,
        loading: Loading,
    ) -> (Self, Vec<Issue>) {
        let mut all = Vec::new();
        let mut issues = Vec::new();
        let interceptors = || loaded.config.interceptors.iter().enumerate();
        let unprepared = interceptors().map(|(index, interceptor)| Unprepared {
            loaded,
            index,
            interceptor,
            resolved: &resolved.interceptors[index],
            document,
            tried: None,
        });
        let unprepared: Vec<_> = unprepared.collect();
        // All together: the host prepares, and compiles, as many at once as is good.
        let prepared = join_all(
            unprepared
                .iter()
                .map(|one| one.prepare(host, self.0.iter())),
        )
        .await;
        for ((index, interceptor), prepared) in interceptors().zip(prepared) {
            let resolved = &resolved.interceptors[index];
            match prepared {
                Ok((prepared, warnings)) => {
                    all.push(prepared);
                    issues.extend(warnings);
                }
                Err(failed) if interceptor.fail_open && loading == Loading::Start => {
                    let note = "it is left out, since its `fail-open` is true: calls in its scope pass without it";
                    issues.extend(failed.issues.into_iter().map(|issue| {
                        Issue {
                            severity: Severity::Warning,
                            ..issue
                        }
                        .label(note)
                    }));
                    all.push(Unloaded::prepared(interceptor, failed.file.as_deref()));
                }
                Err(failed) => {
                    issues.extend(failed.issues);
                    // The placeholder keeps the order of later plugins. The issues keep the list from being used.
                    all.push(Unloaded::prepared(interceptor, failed.file.as_deref()));
                }
            }
            let promoted = interceptor.promoted();
            let tried = promoted.as_ref().zip(interceptor.candidate.as_ref());
            let (Some((promoted, written)), Some(resolved)) = (tried, &resolved.candidate) else {
                continue;
            };
            let unprepared = Unprepared {
                loaded,
                index,
                interceptor: promoted,
                resolved,
                document,
                tried: Some(written),
            };
            let before = self.0.iter().filter_map(|one| one.candidate.as_deref());
            match unprepared.prepare(host, before).await {
                Ok((prepared, warnings)) => {
                    issues.extend(warnings);
                    if let Some(live) = all.last_mut() {
                        live.candidate = Some(Box::new(prepared));
                    }
                }
                // `fail-open` does not matter here: it is about calls, and no call depends on a candidate.
                Err(failed) => issues.extend(failed.issues),
            }
        }
        (Self(all), issues)
    }
}

/// An interceptor of the file, with everything needed to prepare its plugin.
struct Unprepared<'a> {
    loaded: &'a Loaded,
    index: usize,
    interceptor: &'a sandgate_config::Interceptor,
    resolved: &'a ResolvedInterceptor,
    document: Limits,
    /// The candidate as it was written, if this is one.
    tried: Option<&'a sandgate_config::Candidate>,
}

struct Failed {
    issues: Vec<Issue>,
    file: Option<Arc<PluginFile>>,
}

impl<'a> Unprepared<'a> {
    async fn prepare<'b>(
        &self,
        host: &Arc<Host>,
        mut before: impl Iterator<Item = &'b Prepared>,
    ) -> Result<(Prepared, Vec<Issue>), Failed> {
        let file = self.read().map_err(|issue| Failed {
            issues: issue.into_iter().collect(),
            file: None,
        })?;
        let key = self.key(&file);
        if let Some(same) = before.find(|prepared| prepared.key.as_ref() == Some(&key)) {
            let same = Prepared {
                candidate: None,
                ..same.clone()
            };
            return Ok((same, Vec::new()));
        }
        let failed = |issues| Failed {
            issues,
            file: Some(file.clone()),
        };
        let spec = self.spec(&file).map_err(|issue| failed(vec![issue]))?;
        let prepared = match self.tried {
            None => host.prepare(spec).await,
            Some(_) => host.prepare_candidate(spec).await,
        };
        match prepared {
            Ok(plugin) => {
                let mut warnings = self.withheld(&plugin);
                warnings.extend(self.development(&file));
                // Reports keys that only landed in the settings by TOML's order, since the plugin may have had no
                // complaint.
                warnings.extend(self.strays(&file, &[]));
                let errors = warnings
                    .iter()
                    .any(|issue| issue.severity == Severity::Error);
                if errors {
                    return Err(failed(warnings));
                }
                let timeout = file.manifest().timeout().unwrap_or(DEFAULT_TIMEOUT);
                Ok((
                    Prepared {
                        interceptor: Arc::new(plugin),
                        timeout,
                        key: Some(key),
                        candidate: None,
                    },
                    warnings,
                ))
            }
            Err(PrepareError::Settings(found)) => {
                let found: Vec<_> = found
                    .into_iter()
                    .map(|issue| (issue.pointer, issue.message))
                    .collect();
                Err(failed(self.strays(&file, &found)))
            }
            Err(PrepareError::Grants(errors)) => {
                let issue = |error: &GrantError| {
                    self.error(&format!("/grants/{}", error.grant), &error.why)
                };
                Err(failed(errors.iter().map(issue).collect()))
            }
            Err(error @ PrepareError::Memory) => Err(failed(vec![self.error("/memory", error)])),
            Err(error) => Err(failed(vec![self.error("/plugin", error)])),
        }
    }

    /// Reads the plugin's file once, so that the digested bytes are those that are compiled later. `None`: there is no
    /// file, and why was told where the plugin was held to the lock.
    fn read(&self) -> Result<Arc<PluginFile>, Option<Issue>> {
        let bytes = match &self.interceptor.plugin {
            PluginSource::Builtin(name) => match builtin::find(name) {
                Some(found) => found.bytes(),
                None => {
                    let names: Vec<_> = builtin::all().iter().map(|builtin| builtin.name).collect();
                    let issue = self.error("/plugin", format!("there is no builtin:{name}"));
                    let help = format!("the builtin plugins are: {}", names.join(", "));
                    return Err(Some(issue.help(help)));
                }
            },
            PluginSource::Registry(_) => return Err(None),
            PluginSource::File(path) => {
                let read = self.loaded.files.read(path, MAX_FILE as u64);
                Bytes::from(read.map_err(|error| {
                    self.error("/plugin", error)
                        .help("give the path of a component, relative to the configuration file")
                })?)
            }
        };
        let file =
            PluginFile::read(bytes).map_err(|error: FileError| self.error("/plugin", error))?;
        if let Some(digest) = &self.interceptor.digest {
            let wanted = digest.to_string();
            if wanted != file.digest() {
                let issue = self.error(
                    "/digest",
                    format!("the file is another one: it has {}", file.digest()),
                );
                let help = match self.loaded.config.gateway.require_lock {
                    true => format!(
                        "put the locked file back, or `sandgate lock --update {}`, which shows what this one asks for",
                        self.interceptor.name
                    ),
                    false => {
                        "put the pinned file back, or pin this one if it is the one you reviewed"
                            .into()
                    }
                };
                return Err(Some(issue.help(help)));
            }
        }
        Ok(Arc::new(file))
    }

    fn key(&self, file: &PluginFile) -> Key {
        Key {
            name: self.interceptor.name.clone(),
            digest: file.digest().to_owned(),
            settings: self.resolved.settings.value.clone(),
            outside: self.resolved.settings.outside.clone(),
            grants: self.interceptor.grants.clone(),
            env: self.resolved.env.clone(),
            memory: self.interceptor.memory.map(|size| size.0),
            concurrency: self.interceptor.max_concurrent,
            document: self.document,
            fault_detail: self.interceptor.fault_detail,
        }
    }

    fn spec(&self, file: &Arc<PluginFile>) -> Result<Spec, Issue> {
        let given = &self.interceptor.grants;
        let mut dirs = Vec::new();
        for (guest, grant) in &given.dirs {
            let dir = self.loaded.files.open_dir(&grant.path).map_err(|error| {
                let guest = pointer::escape(guest);
                self.error(&format!("/grants/dirs/{guest}/path"), error)
            })?;
            let access = match grant.access {
                sandgate_config::Access::Ro => Access::Ro,
                sandgate_config::Access::Rw => Access::Rw,
            };
            dirs.push(DirGrant {
                guest: guest.clone(),
                dir: Arc::new(dir),
                access,
            });
        }
        let http = given.http.iter().map(|host| host.0.clone()).collect();
        Ok(Spec {
            interceptor: self.interceptor.name.as_str().into(),
            file: file.clone(),
            settings: self.resolved.settings.value.clone(),
            settings_private: !self.resolved.settings.outside.is_empty(),
            grants: Grants {
                state: given.state,
                http,
                dirs,
                env: self.resolved.env.clone(),
            },
            memory: self.interceptor.memory.map(|size| size.0),
            concurrency: usize::try_from(self.interceptor.max_concurrent).ok(),
            document: self.document,
            fault_detail: self.interceptor.fault_detail,
        })
    }

    fn withheld(&self, plugin: &Plugin) -> Vec<Issue> {
        plugin
            .withheld()
            .iter()
            .map(|withheld| {
                let message = format!(
                    "the plugin asks for {} ({}) and is not given it",
                    withheld.what, withheld.why
                );
                let help = match (self.tried, withheld.what.starts_with("http ")) {
                    (Some(_), true) => {
                        "nothing that is tried has HTTP: each of its requests is denied, and what it decides then is compared"
                    }
                    _ => "give it under `grants`, if the plugin should have it",
                };
                let issue = self.error("/plugin", message).help(help);
                // A plugin asks for everything that some settings need. To give less is the operator's right, not a
                // mistake.
                Issue {
                    severity: Severity::Note,
                    ..issue
                }
            })
            .collect()
    }

    /// A warning where the plugin is a build for its author's own loop.
    fn development(&self, file: &PluginFile) -> Option<Issue> {
        let why = "the plugin is a build of `sandgate plugin dev`: it reads its source at each call, which \
                   takes milliseconds";
        let issue = || Issue {
            severity: Severity::Warning,
            ..self.error("/plugin", why)
        };
        let help = "build it for operators with `sandgate plugin build`";
        file.is_development().then(|| issue().help(help))
    }

    fn strays(&self, file: &PluginFile, found: &[(String, String)]) -> Vec<Issue> {
        let whose = self.whose("/settings");
        let mut issues = self.loaded.settings_issues(
            &whose,
            found,
            &file.manifest().settings,
            &self.resolved.settings,
        );
        if self.tried.is_some() && !whose.ends_with("/candidate") {
            for issue in &mut issues {
                issue.message += " (says its candidate, which has no settings of its own)";
            }
        }
        issues
    }

    fn error(&self, key: &str, why: impl std::fmt::Display) -> Issue {
        let whose = self.whose(key);
        let place = format!("{whose}{key}");
        match self.tried.is_some() && !whose.ends_with("/candidate") {
            true => {
                let why = format!("for its candidate: {why}");
                self.loaded.error(&place, Side::Value, why)
            }
            false => self.loaded.error(&place, Side::Value, why),
        }
    }

    /// The place of the table that has the key: the interceptor's, or its candidate's.
    fn whose(&self, key: &str) -> String {
        let place = format!("/interceptors/{}", self.index);
        let name = key.split('/').nth(1).unwrap_or_default();
        match self.tried {
            Some(tried) if tried.has(name) => format!("{place}/candidate"),
            _ => place,
        }
    }
}
