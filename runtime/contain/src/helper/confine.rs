//! The second stage: puts the plan into force for this process, reads back what is in force, and becomes the program.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet};

use super::{FAILED, Inner};
use crate::backend::Backend;
use crate::limits::{Limits, size};
use crate::report::{InForce, Report};
use crate::seccomp::Profile;
use crate::wanted::Network;
use crate::{handed, landlock, proxied, seccomp, sys};

/// Room for other programs of the user, where the kernel counts those too.
const OTHERS: u32 = 512;
/// Room for what a runtime reserves without using it: a process may have so many times the memory in addresses.
const RESERVED: u64 = 2;
/// Descriptors that bubblewrap needs beside those it is given.
const OWN_FILES: u64 = 64;
/// The time within which bubblewrap's first process within is under the filters.
const FILTERED: Duration = Duration::from_secs(10);

/// Becomes the program.
pub(super) fn carry_out(plan: RawFd, report: RawFd) -> ExitCode {
    let Ok(said) = sys::inherited(report).map(UnixStream::from) else {
        return ExitCode::from(FAILED);
    };
    let tell = |report: &Report, listener: Option<&OwnedFd>| {
        let line = serde_json::to_string(report).unwrap_or_default();
        // The gateway waits for the line and takes its absence for a failure.
        let _ = handed::send(&said, format!("{line}\n").as_bytes(), listener);
    };
    let failed = match confine(plan) {
        Ok((mut command, in_force, listener)) => {
            tell(&Report::InForce(in_force), listener.as_ref());
            let error = command.exec();
            format!("{}: {error}", command.get_program().display())
        }
        Err(why) => why,
    };
    tell(&Report::Failed(failed.clone()), None);
    // After the first line nobody reads the pipe any more; the log has it.
    let _ = writeln!(
        std::io::stderr(),
        "the program could not be started: {failed}"
    );
    ExitCode::from(FAILED)
}

/// Limits this process, and becomes bubblewrap: its first process within has the program's user, so that it has the
/// limits too. Processes are left out, since the kernel would count those outside as well.
pub(super) fn become_bubblewrap(
    plan: RawFd,
    mut command: impl Iterator<Item = std::ffi::OsString>,
) -> ExitCode {
    let limited = told(plan).and_then(|inner| {
        let limits = &inner.plan.limits;
        let given = u64::try_from(inner.plan.exposed.len() + inner.given).unwrap_or(u64::MAX);
        let mut limited = resources(limits);
        // It makes the sandbox of descriptors, one for each path.
        limited.push((
            Resource::Nofile,
            (u64::from(limits.files) + OWN_FILES).saturating_add(given),
        ));
        restrict(&limited)?;
        processors(limits.cpus)?;
        command.next().ok_or_else(|| "no program".into())
    });
    let why = limited.map(|program| {
        let error = Command::new(&program).args(command).exec();
        format!("{}: {error}", program.display())
    });
    let (Ok(why) | Err(why)) = why;
    let _ = writeln!(std::io::stderr(), "no sandbox could be made: {why}");
    ExitCode::from(FAILED)
}

/// What this stage is told.
fn told(plan: RawFd) -> Result<Inner, String> {
    let text = fs::read(format!("/proc/self/fd/{plan}"));
    let text = text.map_err(|error| format!("the plan: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

/// Confines this process, the strictest last.
fn confine(plan: RawFd) -> Result<(Command, InForce, Option<OwnedFd>), String> {
    let what = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let inner = told(plan)?;
    let Inner { plan, .. } = &inner;
    sys::close_on_exec().map_err(what("descriptors"))?;
    sys::on_stop_signals(false);
    // The kernel ends this process before others when the machine has no memory left.
    fs::write("/proc/self/oom_score_adj", "500").map_err(what("oom_score_adj"))?;
    let own_network = plan.backend == Backend::Landlock && plan.network == Network::Proxy;
    if own_network && plan.user.is_some() {
        sys::own_network().map_err(what("a network of the server's own"))?;
    }
    if let Some(user) = plan.user {
        sys::become_user(user).map_err(what("becoming the server's user"))?;
    }
    let counted = count_apart(plan.backend, plan.user.is_some())?;
    if own_network && plan.user.is_none() {
        sys::own_network().map_err(what("a network of the server's own"))?;
    }
    // Before Landlock, under which no port can be bound.
    let listener = match plan.network {
        Network::Proxy => Some(
            TcpListener::bind(proxied::AT)
                .map_err(|error| format!("the proxy's address {}: {error}", proxied::AT))?
                .into(),
        ),
        Network::None | Network::Host => None,
    };
    let env = environment(&inner);
    let folder = plan.cwd.as_deref().unwrap_or(Path::new(&inner.home));
    std::env::set_current_dir(folder)
        .map_err(|error| format!("the working directory {}: {error}", folder.display()))?;
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).env_clear().envs(env);

    // Landlock then hides the links that tell it.
    let namespaces = namespaces(&inner.namespaces);
    rustix::thread::set_no_new_privs(true).map_err(|error| error.to_string())?;
    let version = match plan.backend {
        Backend::Bubblewrap => {
            landlock::apart()?;
            None
        }
        Backend::Podman | Backend::Docker => return Err("a container needs an image".into()),
        Backend::Landlock => Some(landlock::restrict(plan, Path::new(&inner.tmp))?),
    };
    // Landlock's rules need descriptors, which are among what is limited.
    limit(&inner, counted)?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).map_err(|error| error.to_string())?;
    // A change of the user clears it, so it comes after.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| error.to_string())?;
    let bubblewrap = plan.backend == Backend::Bubblewrap;
    let filters = seccomp::filters(Profile::of(plan))?;
    let installed = u32::try_from(filters.len()).unwrap_or_default();
    match seccomp::begin_outside(plan) {
        true => first_process_has(installed)?,
        false => {
            for filter in &filters {
                seccompiler::apply_filter(filter).map_err(|error| format!("seccomp: {error}"))?;
            }
        }
    }
    let in_force = read_back(&inner, version, counted, namespaces)?;
    let mut wanted = match bubblewrap {
        true => vec!["mnt", "pid", "ipc", "uts"],
        false => Vec::new(),
    };
    if (bubblewrap && plan.network == Network::None) || plan.network == Network::Proxy {
        wanted.push("net");
    }
    let apart = wanted
        .iter()
        .all(|one| in_force.namespaces.iter().any(|own| own == one));
    if !(in_force.no_new_privileges
        && in_force.capabilities == 0
        && in_force.seccomp_filters >= installed
        && apart)
    {
        return Err(format!(
            "the kernel did not put everything into force: {}",
            in_force.text()
        ));
    }
    Ok((command, in_force, listener))
}

/// How the kernel counts the program's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// Apart: in a user namespace of its own, among which bubblewrap's first process is.
    Apart(u32),
    /// With everything of its user.
    WithOthers,
}

/// Lets the kernel count the program's processes apart from others of the user, where it can.
fn count_apart(backend: Backend, other_user: bool) -> Result<Counted, String> {
    if backend == Backend::Bubblewrap && !other_user {
        return Ok(Counted::Apart(1));
    }
    match sys::own_user_namespace() {
        Ok(true) => Ok(Counted::Apart(0)),
        Ok(false) => Ok(Counted::WithOthers),
        Err(error) => Err(format!("a user namespace: {error}")),
    }
}

fn limit(inner: &Inner, counted: Counted) -> Result<(), String> {
    let limits = &inner.plan.limits;
    let processes = match counted {
        Counted::Apart(helpers) => limits.processes.saturating_add(helpers),
        Counted::WithOthers => inner
            .others
            .saturating_add(limits.processes)
            .saturating_add(OTHERS),
    };
    let mut limited = resources(limits);
    limited.push((Resource::Nproc, u64::from(processes)));
    limited.push((Resource::Nofile, u64::from(limits.files)));
    restrict(&limited)?;
    match inner.plan.backend {
        // Its filters are in force already, and forbid the choice.
        Backend::Bubblewrap => Ok(()),
        Backend::Landlock | Backend::Podman | Backend::Docker => processors(limits.cpus),
    }
}

/// What one process may use, the same for the program and for what holds it.
fn resources(limits: &Limits) -> Vec<(Resource, u64)> {
    vec![
        (Resource::Data, limits.memory.saturating_mul(RESERVED)),
        (Resource::Fsize, limits.file_size),
        (Resource::Memlock, 64 << 10),
        (Resource::Msgqueue, 0),
        (Resource::Core, 0),
    ]
}

fn restrict(limited: &[(Resource, u64)]) -> Result<(), String> {
    for (resource, most) in limited.iter().copied() {
        let most = getrlimit(resource)
            .maximum
            .map_or(most, |now| now.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(|error| format!("the limit {resource:?}: {error}"))?;
    }
    Ok(())
}

/// Leaves this process so many processors.
fn processors(cpus: u32) -> Result<(), String> {
    let allowed = rustix::thread::sched_getaffinity(None).map_err(|error| error.to_string())?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|cpu| allowed.is_set(*cpu))
        .collect();
    let wanted = usize::try_from(cpus).unwrap_or(usize::MAX).max(1);
    if wanted < usable.len() {
        let mut chosen = CpuSet::new();
        // Servers begin at different processors.
        let first = usize::try_from(std::process::id()).unwrap_or_default();
        for index in 0..wanted {
            chosen.set(usable[(first + index) % usable.len()]);
        }
        rustix::thread::sched_setaffinity(None, &chosen).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Waits until the sandbox's first process, whose user the program has, is under as many filters.
fn first_process_has(filters: u32) -> Result<(), String> {
    let until = Instant::now() + FILTERED;
    loop {
        let status = fs::read_to_string("/proc/1/status");
        let status = status.map_err(|error| format!("/proc/1/status: {error}"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("Seccomp_filters:"));
        let has = line.and_then(|text| text.trim().parse::<u32>().ok());
        if has.is_some_and(|has| has >= filters) {
            return Ok(());
        }
        if Instant::now() > until {
            return Err("the sandbox's first process is not under the seccomp filters".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn environment(inner: &Inner) -> BTreeMap<&str, &str> {
    let mut env = BTreeMap::from([
        ("HOME", inner.home.as_str()),
        ("TMPDIR", inner.tmp.as_str()),
        ("LANG", "C.UTF-8"),
    ]);
    let given = inner.plan.env.iter();
    env.extend(given.map(|(name, value)| (name.as_str(), value.as_str())));
    env
}

/// Asks the kernel what is in force for this process.
fn read_back(
    inner: &Inner,
    version: Option<u32>,
    counted: Counted,
    namespaces: Vec<String>,
) -> Result<InForce, String> {
    let status = fs::read_to_string("/proc/self/status");
    let status = status.map_err(|error| format!("/proc/self/status: {error}"))?;
    let field = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|value| value.split_whitespace().next())
    };
    let number = |key: &str| field(key).and_then(|text| text.parse::<u32>().ok());
    // Those that it has, and those that it could get; nothing can be got without new privileges.
    let capabilities = ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"].map(field);
    let bits = capabilities.map(|bits| bits.and_then(|bits| u64::from_str_radix(bits, 16).ok()));
    let capabilities = bits
        .into_iter()
        .try_fold(0, |all, bits| Some(all | bits?))
        .ok_or("/proc/self/status does not tell the capabilities")?;
    let value = |resource| getrlimit(resource).current.unwrap_or(u64::MAX);
    let plan = &inner.plan;
    let watched = |text: String| format!("{text} (watched)");
    let processes = match counted {
        Counted::Apart(helpers) => {
            format!("{} (kernel)", value(Resource::Nproc) - u64::from(helpers))
        }
        Counted::WithOthers => watched(plan.limits.processes.to_string()),
    };
    let cpus = rustix::thread::sched_getaffinity(None).map_err(|error| error.to_string())?;
    let tmp = match plan.backend {
        Backend::Bubblewrap => {
            let disk = rustix::fs::statfs(inner.tmp.as_str());
            let disk = disk.map_err(|error| format!("{}: {error}", inner.tmp))?;
            let block = u64::try_from(disk.f_bsize).unwrap_or_default();
            format!("{} (kernel)", size(disk.f_blocks * block))
        }
        Backend::Landlock | Backend::Podman | Backend::Docker => watched(size(plan.limits.tmp)),
    };
    Ok(InForce {
        with: plan.backend.name().into(),
        user: rustix::process::geteuid().as_raw(),
        namespaces,
        landlock: version,
        seccomp_filters: number("Seccomp_filters:").unwrap_or_default(),
        no_new_privileges: number("NoNewPrivs:") == Some(1),
        capabilities,
        limits: vec![
            (
                "memory".into(),
                format!(
                    "{} (watched; of one process's addresses {})",
                    size(plan.limits.memory),
                    size(value(Resource::Data))
                ),
            ),
            ("processes".into(), processes),
            ("cpus".into(), cpus.count().to_string()),
            ("files".into(), value(Resource::Nofile).to_string()),
            ("file-size".into(), size(value(Resource::Fsize))),
            ("tmp".into(), tmp),
        ],
    })
}

/// The namespaces that are not the helper's.
fn namespaces(outside: &[(String, String)]) -> Vec<String> {
    let own = super::namespaces();
    let differs = |(name, id): &&(String, String)| {
        let outer = outside.iter().find(|(known, _)| known == name);
        outer.is_some_and(|(_, outer)| outer != id)
    };
    own.iter()
        .filter(differs)
        .map(|(name, _)| name.clone())
        .collect()
}
