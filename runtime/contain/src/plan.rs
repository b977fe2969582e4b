//! What one program may reach and use, resolved to paths of this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::backend::Backend;
use crate::container::{Image, Mount};
use crate::exposed::{Exposed, Reason, expose, is_visible};
use crate::guard::{GuardError, Guarded};
use crate::limits::Limits;
use crate::toolchain::Toolchain;
use crate::wanted::{GivenFile, Network, Wanted};
use crate::{runner, system};

/// What one program may reach and use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What holds it.
    pub backend: Backend,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment, but for `HOME` and `TMPDIR`, which are private folders where they are not set here.
    pub env: Vec<(String, String)>,
    /// Its working directory; `None`: its private home.
    pub cwd: Option<PathBuf>,
    /// What it is given beside what every program sees, sorted.
    pub exposed: Vec<Exposed>,
    /// Links that lead to what it is given, and where they lead.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Files that are in its sandbox alone, and on no disk.
    pub files: Vec<GivenFile>,
    /// Its network.
    pub network: Network,
    /// Its limits.
    pub limits: Limits,
    /// The user that a gateway of root's runs it as.
    pub user: Option<u32>,
    /// The image and its engine, where that is what holds it. `program` is then the engine's.
    #[serde(default)]
    pub image: Option<Image>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum PlanError {
    /// A path of `read` (its number).
    #[error("{1}")]
    Read(usize, GuardError),
    /// A path of `write` (its number).
    #[error("{1}")]
    Write(usize, GuardError),
    /// The folder of packages.
    #[error("{0}")]
    Cache(GuardError),
    /// The program or its runtime.
    #[error("the program needs {0}")]
    Program(GuardError),
    /// The working directory is nothing that the program may read.
    #[error("the working directory {} is not visible to the server", .0.display())]
    Cwd(PathBuf),
    /// What may only be read, or runs, lies in what may be changed.
    #[error(
        "{} may only be read, and lies in {}, which may be changed: the server could put something else in its place",
        .0.display(), .1.display()
    )]
    Within(PathBuf, PathBuf),
    /// What is mounted at this path of a container.
    #[error("{1}")]
    Mount(PathBuf, GuardError),
    /// A path that an engine's command line cannot name.
    #[error("{} has a comma, a quote or a line break, which no mount can be told with", .1.display())]
    Unmountable(PathBuf, PathBuf),
    /// A mount is where the gateway's own file is to be.
    #[error("a mount hides {}, where the gateway puts a file", .0.display())]
    Hidden(PathBuf),
    /// A variable that an engine's list cannot name.
    #[error(
        "the variable {0:?} has a name or a value that no container can be given: a list has one a line"
    )]
    Variable(String),
    /// `npx` and `uvx` install packages, and have no place to.
    #[error("{program} runs packages out of a cache, and the server has none")]
    NoCache { program: String },
}

impl Plan {
    /// The plan for a program. `search` is the gateway's search path, `cwd` the wanted working directory, and
    /// `cwd_matters` whether the program must have it.
    ///
    /// # Errors
    ///
    /// A path may not be given, or the program cannot run with what it is given.
    pub fn of(
        program: &Path,
        args: &[String],
        env: &[(String, String)],
        cwd: (&Path, bool),
        search: &str,
        wanted: &Wanted,
        guarded: &Guarded,
    ) -> Result<Self, PlanError> {
        let mut exposed = BTreeMap::new();
        let mut links = Vec::new();
        let mut linked = |path: &Path, real: &Path| {
            if path != real {
                links.push((path.to_owned(), real.to_owned()));
            }
        };
        let search: Vec<PathBuf> = search.split(':').map(PathBuf::from).collect();
        let toolchain = Toolchain::of(program, &search);
        if let Some(folder) = &wanted.installed {
            let real = folder.canonicalize().map_err(|error| {
                let path = folder.clone();
                PlanError::Program(GuardError::Unusable {
                    path,
                    why: error.to_string(),
                })
            })?;
            linked(folder, &real);
            expose(&mut exposed, real, Access::Read, Reason::Program);
        }
        let within = |path: &Path| {
            let installed = wanted.installed.as_ref();
            installed.is_some_and(|folder| path.starts_with(folder))
        };
        for path in toolchain.paths.iter().filter(|path| !within(path)) {
            let real = guarded.admit(path).map_err(PlanError::Program)?;
            linked(path, &real);
            expose(&mut exposed, real, Access::Read, Reason::Program);
        }
        for (index, path) in wanted.read.iter().enumerate() {
            let real = guarded.admit_without_sockets(path);
            let real = real.map_err(|error| PlanError::Read(index, error))?;
            linked(path, &real);
            expose(&mut exposed, real, Access::Read, Reason::Given);
        }
        for (index, path) in wanted.write.iter().enumerate() {
            let real = guarded.admit(path);
            let real = real.map_err(|error| PlanError::Write(index, error))?;
            linked(path, &real);
            expose(&mut exposed, real, Access::Write, Reason::Given);
        }
        let mut env = env.to_vec();
        if let Some(cache) = &wanted.cache {
            let real = guarded.admit(cache).map_err(PlanError::Cache)?;
            env.extend(runner::environment(
                &real,
                wanted.network == Network::None,
                &env,
            ));
            expose(&mut exposed, real, Access::Write, Reason::Cache);
        } else if runner::is_one(program) {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            return Err(PlanError::NoCache {
                program: name.into_owned(),
            });
        }
        let exposed: Vec<Exposed> = exposed.into_values().collect();
        let of = |access| exposed.iter().filter(move |one| one.access == access);
        for read in of(Access::Read) {
            if let Some(write) = of(Access::Write).find(|write| read.path.starts_with(&write.path))
            {
                return Err(PlanError::Within(read.path.clone(), write.path.clone()));
            }
        }
        if !env.iter().any(|(name, _)| name == "PATH") {
            env.push(("PATH".into(), path(&toolchain, &search, &exposed)));
        }
        let (folder, matters) = cwd;
        let real = folder.canonicalize().ok();
        // The folders above what it is given are there too, with nothing else in them.
        let above = |folder: &Path| exposed.iter().any(|one| one.path.starts_with(folder));
        let visible = real.filter(|real| is_visible(real, &exposed) || above(real));
        if visible.is_none() && matters {
            return Err(PlanError::Cwd(folder.into()));
        }
        Ok(Self {
            backend: wanted.backend,
            program: program.into(),
            args: args.to_vec(),
            env,
            cwd: visible,
            exposed,
            links,
            files: wanted.files.clone(),
            network: wanted.network,
            limits: wanted.limits,
            user: wanted.user,
            image: None,
        })
    }

    /// The plan for a container. Of what is wanted, paths and packages do not count: `mounts` say what it is given, each
    /// with its place outside as it is written.
    ///
    /// # Errors
    ///
    /// Something may not be mounted, or cannot be named to the engine.
    pub fn of_image(
        mut image: Image,
        args: &[String],
        env: &[(String, String)],
        mounts: &[Mount],
        wanted: &Wanted,
        guarded: &Guarded,
    ) -> Result<Self, PlanError> {
        let mut exposed = BTreeMap::new();
        for mount in mounts {
            let admitted = match mount.access {
                Access::Read => guarded.admit_without_sockets(&mount.outside),
                Access::Write => guarded.admit(&mount.outside),
            };
            let within = || mount.inside.clone();
            let real = admitted.map_err(|error| PlanError::Mount(within(), error))?;
            for path in [&mount.inside, &real] {
                let text = path.to_str().unwrap_or("\"");
                if text.contains([',', '"', '\n', '\r']) {
                    return Err(PlanError::Unmountable(within(), path.clone()));
                }
            }
            expose(&mut exposed, real.clone(), mount.access, Reason::Mount);
            image.mounts.push(Mount {
                outside: real,
                ..mount.clone()
            });
        }
        if let Some(file) = wanted.files.iter().find(|file| {
            let within = |one: &Mount| file.path.starts_with(&one.inside);
            image.mounts.iter().any(within)
        }) {
            return Err(PlanError::Hidden(file.path.clone()));
        }
        for (name, value) in env {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let named = !name.is_empty() && name.chars().all(plain);
            if !named || value.contains(['\n', '\r', '\0']) {
                return Err(PlanError::Variable(name.clone()));
            }
        }
        Ok(Self {
            backend: wanted.backend,
            program: image.engine.clone(),
            args: args.to_vec(),
            env: env.to_vec(),
            cwd: None,
            exposed: exposed.into_values().collect(),
            links: Vec::new(),
            files: wanted.files.clone(),
            network: wanted.network,
            limits: wanted.limits,
            user: wanted.user,
            image: Some(image),
        })
    }

    /// Whether the program sees a path.
    pub fn sees(&self, path: &Path) -> bool {
        is_visible(path, &self.exposed)
    }
}

/// Without values of variables, which may be secret.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("backend", &self.backend)
            .field("program", &self.program)
            .field("exposed", &self.exposed)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The search path within: what the gateway's has, as far as the program sees it.
pub(crate) fn path(toolchain: &Toolchain, search: &[PathBuf], exposed: &[Exposed]) -> String {
    let system = system::PATH.map(PathBuf::from);
    let mut folders: Vec<&PathBuf> = toolchain.folders.iter().chain(search).collect();
    let visible = |folder: &Path| {
        let real = folder.canonicalize();
        real.is_ok_and(|real| is_visible(&real, exposed))
    };
    folders.retain(|folder| folder.is_absolute() && visible(folder));
    folders.extend(&system);
    let mut once: Vec<String> = Vec::new();
    for folder in folders {
        let folder = folder.display().to_string();
        if !once.contains(&folder) {
            once.push(folder);
        }
    }
    once.join(":")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan(program: &str, wanted: &Wanted, cwd: (&Path, bool)) -> Result<Plan, PlanError> {
        let program = Path::new(program);
        Plan::of(
            program,
            &[],
            &[],
            cwd,
            "/usr/bin:/home/x/bin",
            wanted,
            &Guarded::default(),
        )
    }

    #[test]
    fn nothing_is_given_unasked() {
        let plan = plan("/usr/bin/env", &Wanted::default(), (Path::new("/"), false)).unwrap();
        assert_eq!(plan.exposed, []);
        assert_eq!(plan.cwd, None);
        assert_eq!(plan.network, Network::None);
        let path = &plan.env[0].1;
        assert!(!path.contains("/home/x"), "{path}");
    }

    #[test]
    fn what_may_be_changed_may_be_read_and_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let wanted = Wanted {
            read: vec![real.clone()],
            write: vec![real.clone()],
            ..Wanted::default()
        };
        let plan = plan("/usr/bin/env", &wanted, (&real, true)).unwrap();
        assert_eq!(plan.exposed.len(), 1);
        assert_eq!(plan.exposed[0].access, Access::Write);
        assert_eq!(plan.cwd, Some(real));
    }

    #[test]
    fn what_may_only_be_read_lies_in_nothing_that_may_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("data")).unwrap();
        let (all, data) = (vec![real.clone()], vec![real.join("data")]);
        let wanted = |read: &[PathBuf], write: &[PathBuf]| Wanted {
            read: read.to_vec(),
            write: write.to_vec(),
            ..Wanted::default()
        };
        let cwd = (Path::new("/"), false);
        let error = plan("/usr/bin/env", &wanted(&data, &all), cwd).unwrap_err();
        assert_eq!(error, PlanError::Within(real.join("data"), real));
        assert!(plan("/usr/bin/env", &wanted(&all, &data), cwd).is_ok());
    }

    #[test]
    fn paths_in_arguments_stay_relative_to_the_folder_above_what_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("data")).unwrap();
        let wanted = Wanted {
            read: vec![real.join("data")],
            ..Wanted::default()
        };
        let plan = plan("/usr/bin/env", &wanted, (&real, false)).unwrap();
        assert_eq!(plan.cwd, Some(real));
    }

    #[test]
    fn a_working_directory_that_is_asked_for_must_be_visible() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted::default();
        let error = plan("/usr/bin/env", &wanted, (folder.path(), true)).unwrap_err();
        assert_eq!(error, PlanError::Cwd(folder.path().into()));
    }

    #[test]
    fn a_runner_of_packages_has_a_cache_of_its_own_and_stays_offline() {
        let folder = tempfile::tempdir().unwrap();
        let none = plan("/usr/bin/npx", &Wanted::default(), (Path::new("/"), false));
        assert!(matches!(none, Err(PlanError::NoCache { .. })));
        let wanted = Wanted {
            cache: Some(folder.path().into()),
            ..Wanted::default()
        };
        let plan = plan("/usr/bin/npx", &wanted, (Path::new("/"), false)).unwrap();
        let has = |name: &str| plan.env.iter().any(|(known, _)| known == name);
        assert!(has("npm_config_cache") && has("npm_config_offline"));
        let proxied = Wanted {
            network: Network::Proxy,
            ..wanted
        };
        let plan = self::plan("/usr/bin/npx", &proxied, (Path::new("/"), false)).unwrap();
        let offline = |(name, _): &(String, String)| name == "npm_config_offline";
        assert!(!plan.env.iter().any(offline), "it asks the proxy");
    }
}
