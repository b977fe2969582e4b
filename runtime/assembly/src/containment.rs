//! What the programs of a configuration may reach and use, as plans; what this machine lacks for them; and what no server
//! may be given.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sandgate_config::{
    Containing, Containment, Environment, Issue, Loaded, Moment, ResolvedServer, Scalar, Server,
    ServerNetwork, Side,
};
use sandgate_contain::{
    Backend, Guarded, Limits, Missing, Network, Plan, PlanError, Wanted, missing, missing_network,
    proxy_environment, real_path,
};
use sandgate_egress::{ConnectionLog, Policy, Proxy};

use crate::doubts::warning;
use crate::given::Given;
use crate::packages::Installed;
use crate::programs::look_up;

/// The users that a gateway of root's gives its servers, one each: the range that systemd also gives to services that
/// bring no user.
const USERS: std::ops::RangeInclusive<u32> = 61_184..=65_519;

/// How far ahead the end of an audit may lie.
const LONGEST_AUDIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of a configuration's programs before one of them is planned.
pub(super) struct Planner<'a> {
    pub(super) loaded: &'a Loaded,
    environment: &'a Environment,
    pub(super) guarded: Guarded,
    /// What this machine lacks, by backend.
    missing: BTreeMap<&'static str, Option<Missing>>,
    pub(super) users: BTreeMap<&'a str, u32>,
    installed: &'a Installed,
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

    /// The proxy of a contained server that may reach hosts; `None` if it may reach none.
    ///
    /// # Errors
    ///
    /// The audit's end lies too far ahead.
    pub(super) fn egress(
        &self,
        name: &str,
        server: &Server,
        connections: &Arc<dyn ConnectionLog>,
        given: &Given,
        issues: &mut Vec<Issue>,
    ) -> Result<Option<Arc<Proxy>>, Issue> {
        let Some(egress) = &server.egress else {
            return Ok(None);
        };
        let policy = Policy {
            hosts: egress.hosts().iter().map(|host| host.0.clone()).collect(),
            audit_until: egress.audit_until(),
        };
        if let Some(until) = policy.audit_until {
            let place = format!("/servers/{name}/egress/audit-until");
            let now = SystemTime::now();
            if until > now + LONGEST_AUDIT {
                let hour = Moment(now + Duration::from_secs(60 * 60)).write();
                let why = "it is more than 24 hours ahead";
                let issue = self.loaded.error(&place, Side::Value, why);
                return Err(issue.help(format!("for an hour from now, write {hour:?}")));
            }
            let (why, help) = match policy.audits(now) {
                true => (
                    format!(
                        "until {} the server reaches every public host; what is not on its list is told as `audited`",
                        Moment(until).write()
                    ),
                    format!("`sandgate egress {name}` prints the list that it needed"),
                ),
                false => (
                    "the audit is over: the list alone counts".into(),
                    format!(
                        "take it out; `sandgate egress {name}` prints the list that the server needed"
                    ),
                ),
            };
            issues.push(warning(self.loaded, &place, why).help(help));
        }
        let mut proxy = Proxy::new(name, policy, connections.clone());
        if let Some(injector) = &given.injector {
            proxy = proxy.injecting(injector.clone());
        }
        Ok(Some(Arc::new(proxy)))
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

    pub(super) fn misplaced(&self, name: &str, error: &PlanError) -> Issue {
        let (key, help) = match error {
            PlanError::Read(index, _) => (
                format!("contain/read/{index}"),
                "name the files or folders that the server needs, without links, and not what holds them",
            ),
            PlanError::Write(index, _) => (
                format!("contain/write/{index}"),
                "name the files or folders that the server changes, without links, and not what holds them",
            ),
            PlanError::Cache(_) => (
                "contain/cache".into(),
                "make a folder for this server's packages alone (mkdir), and name it",
            ),
            PlanError::Within(..) => (
                "contain".into(),
                "name in `write` the folders beside it instead of the one that holds it",
            ),
            PlanError::Program(_) => (
                "command".into(),
                "install the program elsewhere, in a virtual environment or below /usr/local for example",
            ),
            PlanError::Cwd(_) => (
                "cwd".into(),
                "add it to `read` or `write` of `contain`, or leave `cwd` out: the server then begins in its private home",
            ),
            PlanError::Hidden(_) => (
                "contain/mounts".into(),
                "mount it elsewhere: /run/secrets and /run/sandgate are the gateway's",
            ),
            PlanError::Mount(inside, _) | PlanError::Unmountable(inside, _) => (
                format!(
                    "contain/mounts/{}/path",
                    inside.display().to_string().replace('/', "~1")
                ),
                "name the files or folders that the server needs, without links, and not what holds them",
            ),
            PlanError::Variable(_) => (
                "env".into(),
                "give names of letters, digits and `_`, and values of one line; mount a file for anything else",
            ),
            PlanError::NoCache { .. } => (
                "contain".into(),
                "make a folder for this server's packages alone, write contain = { cache = \"FOLDER\" }, and fill it \
                 once with network = \"host\"",
            ),
        };
        let place = format!("/servers/{name}/{key}");
        self.loaded.error(&place, Side::Value, error).help(help)
    }

    /// With root's gateway the server is another user: what it is given must be that user's too.
    fn reachable(&self, name: &str, plan: &Plan, asked: &Wanted) -> Result<(), Issue> {
        let Some(user) = plan.user else { return Ok(()) };
        let landlock = plan.backend == Backend::Landlock;
        let error = |key: String, path: &Path, what: &str| {
            let why = format!(
                "{} cannot be {what} by user {user}, as whom the gateway, which is root, runs this server",
                path.display()
            );
            let place = format!("/servers/{name}/{key}");
            let issue = self.loaded.error(&place, Side::Value, why);
            Err(issue.help(format!(
                "give that user the file (chown {user}), or run the gateway as the user whose files these are"
            )))
        };
        for (index, path) in asked.write.iter().enumerate() {
            if !allows(path, user, 0o2) {
                return error(format!("contain/write/{index}"), path, "changed");
            }
        }
        if let Some(cache) = asked.cache.as_ref().filter(|path| !allows(path, user, 0o2)) {
            return error("contain/cache".into(), cache, "changed");
        }
        if !landlock {
            return Ok(());
        }
        // bubblewrap mounts what lies in closed folders as well; here the user goes through them.
        let blocked = |path: &Path| {
            let mut above = path.ancestors().skip(1);
            above.any(|folder| !allows(folder, user, 0o1))
        };
        for (index, path) in asked.read.iter().enumerate() {
            if blocked(path) {
                return error(format!("contain/read/{index}"), path, "reached");
            }
        }
        let exposed = plan.exposed.iter().map(|one| one.path.as_path());
        match exposed
            .chain([plan.program.as_path()])
            .find(|path| blocked(path))
        {
            Some(path) => error("command".into(), path, "reached"),
            None => Ok(()),
        }
    }

    /// What is probably not meant.
    fn doubts(
        &self,
        name: &str,
        server: &Server,
        cwd: &Path,
        plan: &Plan,
        issues: &mut Vec<Issue>,
    ) {
        if plan.network == Network::Host {
            let place = format!("/servers/{name}/contain/network");
            let why = "the server reaches all that this machine reaches, services on its loopback and in its network too";
            issues.push(
                warning(self.loaded, &place, why)
                    .help("leave it out, if the server can do without"),
            );
        }
        // What the installed package brings comes first, and is seen.
        let folder = self.installed.folders.get(name);
        let brought = server.args.first().zip(folder);
        let own =
            usize::from(brought.is_some_and(|(one, folder)| Path::new(one).starts_with(folder)));
        for (index, argument) in server.args.iter().enumerate().skip(own) {
            let index = index - own;
            let path = cwd.join(argument);
            let there =
                !argument.starts_with('-') && argument.contains(['/', '.']) && path.exists();
            if there && path.canonicalize().is_ok_and(|real| !plan.sees(&real)) {
                let place = format!("/servers/{name}/args/{index}");
                let why = format!(
                    "{} is there, and the server does not see it",
                    path.display()
                );
                let help = "add it to `read` or `write` of `contain`, if it is a file that the server uses";
                issues.push(warning(self.loaded, &place, why).help(help));
            }
        }
    }

    /// Errors where two servers could reach each other by the folder of their packages.
    pub(super) fn shared_caches(&self) -> Vec<Issue> {
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        let mut issues = Vec::new();
        for (name, server) in &self.loaded.config.servers {
            let cache = wanted(server).and_then(|wanted| wanted.cache);
            let Some(cache) =
                cache.and_then(|path| self.loaded.files.path(&path).canonicalize().ok())
            else {
                continue;
            };
            let meets = |other: &Path| cache.starts_with(other) || other.starts_with(&cache);
            if let Some((_, other)) = seen.iter().find(|(other, _)| meets(other)) {
                let place = format!("/servers/{name}/contain/cache");
                let why = format!(
                    "the server {other:?} has the same folder of packages: each could change what the other runs"
                );
                let issue = self.loaded.error(&place, Side::Value, why);
                issues.push(issue.help("give each a folder of its own"));
            }
            seen.insert(cache, name);
        }
        issues
    }
}

pub(super) fn wanted(server: &Server) -> Option<Containment> {
    let contain = server.contain.as_ref().filter(|_| server.command.is_some());
    contain.and_then(sandgate_config::Contain::wanted)
}

pub(super) fn network(server: &Server, wanted: &Containment) -> Network {
    match (&server.egress, wanted.network) {
        (Some(_), _) => Network::Proxy,
        (None, ServerNetwork::None) => Network::None,
        (None, ServerNetwork::Host) => Network::Host,
    }
}

/// Adds the variables that lead to the proxy, where the server reaches hosts.
pub(super) fn with_proxy(server: &Server, env: &mut Vec<(String, String)>) {
    let Some(egress) = &server.egress else { return };
    // Where the list names this machine, `localhost` is the machine's; else it is the server's own.
    let direct = !egress.hosts().iter().any(|host| host.0.is_loopback());
    for (name, value) in proxy_environment(direct) {
        if !env.iter().any(|(known, _)| *known == name) {
            env.push((name, value));
        }
    }
}

fn backend(with: Containing) -> Backend {
    match with {
        Containing::Bubblewrap => Backend::Bubblewrap,
        Containing::Landlock => Backend::Landlock,
        Containing::Podman => Backend::Podman,
        Containing::Docker => Backend::Docker,
    }
}

pub(super) fn limits(wanted: &Containment) -> Limits {
    Limits {
        memory: wanted.memory.0,
        processes: wanted.processes,
        cpus: wanted.cpus,
        files: wanted.files,
        file_size: wanted.file_size.0,
        tmp: wanted.tmp.0,
    }
}

/// A path from the root, without `..`: a folder above one that is a link is where the link leads.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain = plain.canonicalize().unwrap_or(plain);
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The homes of this machine and the gateway's own files, none of which a server may have.
fn guarded(loaded: &Loaded, environment: &Environment) -> Guarded {
    let mut guarded = Guarded::here(environment.get("HOME"));
    let gateway = &loaded.config.gateway;
    guarded.own(loaded.source.path(), "the gateway's configuration");
    if let Some(path) = &gateway.state {
        guarded.own(&loaded.files.path(path), "the gateway's state");
    }
    if let Some(tls) = &gateway.tls {
        guarded.own(&loaded.files.path(&tls.key), "the gateway's private key");
    }
    match &gateway.admin {
        Some(sandgate_config::AdminSocket::Path(path)) => {
            guarded.own(&loaded.files.path(path), "the gateway's admin socket");
        }
        Some(sandgate_config::AdminSocket::None) => {}
        None => {
            let user = rustix::process::geteuid().as_raw();
            let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from);
            let folder = match runtime.filter(|folder| folder.is_absolute()) {
                Some(runtime) => runtime.join("sandgate"),
                None => PathBuf::from(format!("/tmp/sandgate-{user}")),
            };
            guarded.own(&folder, "the folder of the gateway's admin socket");
        }
    }
    if let Some(folder) = crate::host_setup::cache_folder(loaded, environment) {
        guarded.own(&folder, "the gateway's compiled plugins");
    }
    if let Some(sandgate_config::Destination::File(path)) = &loaded.config.call_log.to {
        guarded.own(&loaded.files.path(path), "the gateway's call log");
    }
    let audit = loaded.config.audit.as_ref().map(|audit| &audit.key);
    for path in audit.into_iter().chain(&loaded.config.call_log.hash_key) {
        guarded.own(&loaded.files.path(path), "a key of the gateway's call log");
    }
    for path in loaded.other_files() {
        let what = "a file that the gateway's configuration names";
        guarded.own(&loaded.files.path(&path), what);
    }
    for one in &loaded.config.interceptors {
        for grant in one.grants.dirs.values() {
            guarded.own(&loaded.files.path(&grant.path), "a plugin's folder");
        }
    }
    guarded
}

/// A user for each of the servers, where the gateway is root: from the name, so that it stays over restarts.
fn users<'a>(names: &[&'a str]) -> BTreeMap<&'a str, u32> {
    if !rustix::process::geteuid().is_root() {
        return BTreeMap::new();
    }
    let count = USERS.end() - USERS.start() + 1;
    let mut taken = BTreeSet::new();
    let mut users = BTreeMap::new();
    for name in names {
        // FNV-1a: the same on every machine and with every version.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let free = (0..count).map(|step| USERS.start() + (hash % count + step) % count);
        if let Some(user) = free.into_iter().find(|user| taken.insert(*user)) {
            users.insert(*name, user);
        }
    }
    users
}

/// Whether a file's mode lets a user do something (1: go through, 2: change).
pub(super) fn allows(path: &Path, user: u32, what: u32) -> bool {
    let Ok(about) = std::fs::metadata(path) else {
        return false;
    };
    let shift = match (about.uid() == user, about.gid() == user) {
        (true, _) => 6,
        (_, true) => 3,
        _ => 0,
    };
    (about.mode() >> shift) & what == what
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_above_a_link_is_where_the_link_leads() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/below")).unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        std::os::unix::fs::symlink(root.join("real/below"), root.join("link")).unwrap();
        assert_eq!(absolute(&root.join("data/../data/.")), root.join("data"));
        assert_eq!(absolute(&root.join("link/../x")), root.join("real/x"));
        assert_eq!(absolute(&root.join("link/x")), root.join("link/x"));
    }
}
