//! What the programs of a configuration may reach and use, as plans; and what this machine lacks for them.

pub(crate) mod absolute;
mod doubts;
mod egress;
mod misplaced;
mod reachable;
pub(crate) mod wanted;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sandgate_config::{Environment, Issue, Loaded, ResolvedServer, Server, Side};
use sandgate_contain::{
    Backend, Guarded, Missing, Plan, Wanted, missing, missing_network, real_path,
};

use crate::given::Given;
use crate::guarded::guarded;
use crate::packages::Installed;
use crate::programs::look_up;
use crate::users::users;
use wanted::backend;

pub(crate) use absolute::absolute;
pub(crate) use wanted::{limits, network, wanted, with_proxy};

/// What is known of a configuration's programs before one of them is planned.
pub(super) struct Planner<'a> {
    pub(super) loaded: &'a Loaded,
    pub(crate) environment: &'a Environment,
    pub(super) guarded: Guarded,
    /// What this machine lacks, by backend.
    missing: BTreeMap<&'static str, Option<Missing>>,
    pub(super) users: BTreeMap<&'a str, u32>,
    pub(crate) installed: &'a Installed,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        loaded: &'a Loaded,
        environment: &'a Environment,
        installed: &'a Installed,
    ) -> Self {
        let search = environment.get("PATH").unwrap_or_default();
        let mut lacks = BTreeMap::new();
        let mut contained = Vec::new();
        for (name, server) in &loaded.config.servers {
            if let Some(wanted) = wanted(server) {
                contained.push(name.as_str());
                if server.image.is_some() {
                    continue;
                }
                let backend = backend(wanted.with.unwrap_or_default());
                let found = || missing(backend, search);
                lacks.entry(backend.name()).or_insert_with(found);
            }
        }
        Self {
            loaded,
            environment,
            guarded: guarded(loaded, environment),
            missing: lacks,
            users: users(&contained),
            installed,
        }
    }

    /// The plan for a server's program; `None` if it is not to be contained.
    ///
    /// # Errors
    ///
    /// It must be and is not, this machine cannot, or it may not have what it is given.
    pub(super) fn plan(
        &self,
        name: &str,
        server: &Server,
        values: &ResolvedServer,
        given: &Given,
        issues: &mut Vec<Issue>,
    ) -> Result<Option<Arc<Plan>>, Issue> {
        let Some(command) = &server.command else {
            return Ok(None);
        };
        if let Some(image) = self.installed.images.get(name) {
            return self.container(name, server, values, image, given);
        }
        let place = |key: &str| match (key, &server.package) {
            ("command", Some(_)) => format!("/servers/{name}/package"),
            _ => format!("/servers/{name}/{key}"),
        };
        let wrong = |key: &str, why: String| self.loaded.error(&place(key), Side::Value, why);
        let Some(wanted) = wanted(server) else {
            if !self.loaded.config.gateway.require_containment {
                return Ok(None);
            }
            let why =
                "it would run as you, unconfined, and `gateway.require-containment` refuses that";
            let help = "write contain = true, or a table of what it may reach";
            return Err(wrong("command", why.into()).help(help));
        };
        let backend = backend(wanted.with.unwrap_or_default());
        if let Some(Some(Missing { what, remedy })) = self.missing.get(backend.name()) {
            return Err(wrong("contain", what.clone()).help(*remedy));
        }
        if let Some((path, what)) = self.in_sight() {
            let why = format!(
                "{what} ({}) lies in what every server reads, the system's programs and libraries",
                path.display()
            );
            let help = "move it out of /usr, to a folder below /etc or /srv for example";
            return Err(wrong("contain", why).help(help));
        }
        let network = network(server, &wanted);
        if let Some(Missing { what, remedy }) = missing_network(backend, network) {
            return Err(wrong("egress", what).help(remedy));
        }
        if backend == Backend::Landlock && !given.files.is_empty() {
            let why = "they are given by a file in memory, which Landlock alone has none of";
            let help = "write with = \"bubblewrap\" in `contain`, or give = \"env\"";
            return Err(wrong("secrets", why.into()).help(help));
        }
        let search = self.search(values);
        let Some(program) = self.program(server, values) else {
            let why = format!(
                "there is no program {command:?}, so that nothing can be said of what it needs"
            );
            return Err(wrong("command", why)
                .help("install it, correct the name, or write the program's whole path"));
        };
        let path = |path: &PathBuf| absolute(&self.loaded.files.path(path));
        let asked = Wanted {
            backend,
            read: wanted.read.iter().map(path).collect(),
            write: wanted.write.iter().map(path).collect(),
            cache: wanted.cache.as_ref().map(path),
            files: given.files.clone(),
            network,
            installed: self.installed.folders.get(name).cloned(),
            limits: limits(&wanted),
            user: self.users.get(name).copied(),
        };
        let mut env = given.with(values);
        for name in &wanted.environment {
            let given = env.iter().any(|(known, _)| known == name);
            if let Some(value) = self.environment.get(name).filter(|_| !given) {
                env.push((name.clone(), value.to_owned()));
            }
        }
        with_proxy(server, &mut env);
        let cwd = self.folder(server);
        let plan = Plan::of(
            &program,
            &server.args,
            &env,
            (&cwd, server.cwd.is_some()),
            &search,
            &asked,
            &self.guarded,
        );
        let plan = plan.map_err(|error| self.misplaced(name, &error))?;
        self.reachable(name, &plan, &asked)?;
        self.doubts(name, server, &cwd, &plan, issues);
        Ok(Some(Arc::new(plan)))
    }

    /// What the gateway keeps to itself, and yet every server would see.
    fn in_sight(&self) -> Option<(PathBuf, &'static str)> {
        let gateway = &self.loaded.config.gateway;
        let log = match &self.loaded.config.call_log.to {
            Some(sandgate_config::Destination::File(path)) => Some(path),
            _ => None,
        };
        let files = [
            (gateway.state.as_ref(), "the gateway's state"),
            (
                gateway.tls.as_ref().map(|tls| &tls.key),
                "the gateway's private key",
            ),
            (log, "the gateway's call log"),
        ];
        let named = files.into_iter().filter_map(|(path, what)| {
            let path = self.loaded.files.path(path?);
            Some((path, what))
        });
        let own = self.loaded.source.path().to_owned();
        let mut all = std::iter::once((own, "the gateway's configuration"))
            .chain(named)
            .map(|(path, what)| (real_path(&path), what));
        all.find(|(path, _)| sandgate_contain::every_program_reads(path))
    }

    /// The file of a server's program.
    pub(super) fn program(&self, server: &Server, values: &ResolvedServer) -> Option<PathBuf> {
        let command = server.command.as_ref()?;
        match command.contains('/') {
            true => Some(absolute(&self.loaded.files.path(command.as_ref())))
                .filter(|path| path.is_file()),
            false => look_up(command, &self.search(values)),
        }
    }

    /// The folder in which a server's program begins, contained or not.
    pub(super) fn folder(&self, server: &Server) -> PathBuf {
        let cwd = server.cwd.as_deref().unwrap_or("".as_ref());
        absolute(&self.loaded.files.path(cwd))
    }

    /// The search path in which the program is looked up: the server's own, else the gateway's.
    pub(super) fn search(&self, values: &ResolvedServer) -> String {
        let own = values.env.iter().find(|(name, _)| name == "PATH");
        let own = own.map(|(_, value)| value.expose());
        let path = own.or_else(|| self.environment.get("PATH"));
        path.unwrap_or_default().to_owned()
    }
}
