//! Whether a contained server could change what the gateway or a server runs, and so run it without containment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandgate_config::{Environment, Issue, Loaded, PluginSource, ResolvedServer, Server, Side};
use sandgate_contain::{Access, Exposed, Plan, Reason, Runs, real_path, runs};

use crate::containment::Planner;

/// A file or folder that is run, or says what is.
struct Run {
    path: PathBuf,
    what: String,
    /// Who may change what lies in it, where it is a folder.
    inside: Inside,
}

/// Who may change what lies in a folder that is run.
enum Inside {
    Everybody,
    Nobody,
    /// The server itself: its own packages.
    Only(String),
    /// Everybody, and the thing itself too: an engine mounts it by its path.
    Mount,
}

/// What is run, and what may be changed.
pub(super) struct Programs<'a> {
    loaded: &'a Loaded,
    run: Vec<Run>,
    plans: Vec<(String, Arc<Plan>)>,
}

impl<'a> Programs<'a> {
    pub(super) fn new(loaded: &'a Loaded, environment: &Environment) -> Self {
        let mut run = Vec::new();
        let mut add = |path: &Path, what: &str| {
            run.push(Run {
                path: real_path(path),
                what: what.to_owned(),
                inside: Inside::Everybody,
            });
        };
        let search = environment.get("PATH").unwrap_or_default();
        for folder in search.split(':').filter(|folder| folder.starts_with('/')) {
            add(
                Path::new(folder),
                "a folder in which the gateway looks for programs (PATH)",
            );
        }
        if let Ok(own) = std::env::current_exe() {
            add(&own, "the gateway's own program");
        }
        for one in &loaded.config.interceptors {
            let tried = one.candidate.as_ref().and_then(|one| one.plugin.as_ref());
            for plugin in [Some(&one.plugin), tried].into_iter().flatten() {
                if let PluginSource::File(path) = plugin {
                    add(&loaded.files.path(path), "a plugin");
                }
            }
        }
        let of_plugins = loaded.config.interceptors.iter();
        for by in loaded
            .config
            .servers
            .values()
            .filter_map(|server| server.signed_by.as_ref())
            .chain(of_plugins.filter_map(|one| one.signed_by.as_ref()))
        {
            for file in by.files() {
                add(
                    &loaded.files.path(file),
                    "by which images and plugins are judged",
                );
            }
        }
        let commands = loaded.config.servers.values();
        let commands = commands.flat_map(|server| server.secrets.values());
        for word in commands
            .filter_map(|secret| secret.from_command.as_ref())
            .flatten()
        {
            let path = loaded.files.path(word.as_ref());
            if path.is_file() {
                add(&path, "what a secret is fetched by");
            }
        }
        Self {
            loaded,
            run,
            plans: Vec::new(),
        }
    }

    /// Adds a server: what it runs, and what it may change.
    pub(super) fn add(
        &mut self,
        planner: &Planner<'_>,
        name: &str,
        server: &Server,
        values: &ResolvedServer,
        plan: Option<Arc<Plan>>,
    ) {
        let Some(program) = planner.program(server, values) else {
            return;
        };
        let Runs { files, installed } = runs(&program, &planner.search(values));
        let mut add = |path: PathBuf, what: String, inside: Inside| {
            self.run.push(Run { path, what, inside });
        };
        for path in files {
            let what = format!("the program of the server {name:?}");
            add(path, what, Inside::Everybody);
        }
        for path in installed {
            let what = format!("what the program of the server {name:?} belongs to");
            add(path, what, Inside::Only(name.to_owned()));
        }
        let folder = planner.folder(server);
        for argument in &server.args {
            let path = folder.join(argument);
            if path.is_file() {
                let what = format!("an argument of the server {name:?}");
                add(real_path(&path), what, Inside::Only(name.to_owned()));
            }
        }
        if let Some(plan) = plan {
            for one in plan.exposed.iter().filter(|one| packages(one)) {
                let what = format!("the packages of the server {name:?}");
                add(one.path.clone(), what, Inside::Nobody);
            }
            for mount in plan.image.iter().flat_map(|image| &image.mounts) {
                let what = format!("mounted for the server {name:?} by its path");
                add(mount.outside.clone(), what, Inside::Mount);
            }
            self.plans.push((name.to_owned(), plan));
        }
    }

    /// An error for each folder that may be changed and holds what is run.
    pub(super) fn changeable(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (name, plan) in &self.plans {
            for one in plan
                .exposed
                .iter()
                .filter(|one| one.access == Access::Write)
            {
                let Some(run) = self.run.iter().find(|run| changes(name, one, run)) else {
                    continue;
                };
                let key = match one.reason {
                    Reason::Cache => "contain/cache",
                    Reason::Mount => "contain/mounts",
                    Reason::Program | Reason::Given => "contain/write",
                };
                let place = format!("/servers/{name}/{key}");
                let why = format!(
                    "the server could change {}, which is {}",
                    run.path.display(),
                    run.what
                );
                let issue = self.loaded.error(&place, Side::Value, why);
                issues.push(issue.help(
                    "name folders with data alone, and keep programs and what they run elsewhere",
                ));
            }
        }
        issues
    }
}

fn packages(one: &Exposed) -> bool {
    one.reason == Reason::Cache
}

/// Whether a server changes what is run by what it may change.
fn changes(name: &str, one: &Exposed, run: &Run) -> bool {
    let within = one.path.starts_with(&run.path) && one.path != run.path;
    match &run.inside {
        Inside::Only(own) if own == name => false,
        Inside::Mount => run.path.starts_with(&one.path) && run.path != one.path,
        // A server's packages are its own.
        Inside::Nobody if packages(one) && one.path == run.path => false,
        Inside::Everybody if within => {
            // A file that lies in a folder of programs is one.
            one.path.parent() == Some(&run.path) && one.path.is_file()
        }
        _ => within || run.path.starts_with(&one.path),
    }
}
