//! What the kernel says of a container, by its first process: what is in force, and which limits it reached.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::inotify;

use crate::limits::{Limit, size};
use crate::plan::Plan;
use crate::report::InForce;
use crate::wanted::Network;

/// Where the kernel's control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// The folder of a process's control group for a controller, in either version.
fn folder(pid: i32, controller: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let mut unified = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, names, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        if names.split(',').any(|name| name == controller) {
            return Some(Path::new(ROOT).join(names).join(path))
                .filter(|folder| folder.is_dir())
                .or_else(|| Some(Path::new(ROOT).join(controller).join(path)));
        }
        if names.is_empty() {
            unified = Some(Path::new(ROOT).join(path));
        }
    }
    unified
}

fn text(pid: i32, controller: &str, file: &str) -> Option<String> {
    let path = folder(pid, controller)?.join(file);
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn number(pid: i32, controller: &str, files: [&str; 2]) -> Option<u64> {
    files
        .into_iter()
        .find_map(|file| text(pid, controller, file)?.parse().ok())
}

/// The share of processors: quota and period.
fn processors(pid: i32) -> Option<(u64, u64)> {
    if let Some(both) = text(pid, "cpu", "cpu.max") {
        let (quota, period) = both.split_once(' ')?;
        return Some((quota.parse().ok()?, period.parse().ok()?));
    }
    let of = |file| text(pid, "cpu", file)?.parse().ok();
    Some((of("cpu.cfs_quota_us")?, of("cpu.cfs_period_us")?))
}

/// What is in force for a process.
///
/// # Errors
///
/// It is less than the plan says, or the kernel does not tell.
pub(super) fn read_back(pid: i32, plan: &Plan) -> Result<InForce, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| format!("the container's first process cannot be seen here: {error}"))?;
    let field = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|value| value.split_whitespace().next())
    };
    let count = |key: &str| field(key).and_then(|text| text.parse::<u32>().ok());
    let bits = ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:", "CapBnd:"]
        .map(|key| field(key).and_then(|bits| u64::from_str_radix(bits, 16).ok()));
    let capabilities = bits
        .into_iter()
        .try_fold(0, |all, bits| Some(all | bits?))
        .ok_or("the kernel does not tell the container's capabilities")?;
    let namespaces: Vec<String> = super::namespaces()
        .into_iter()
        .filter(|(name, own)| {
            let link = fs::read_link(format!("/proc/{pid}/ns/{name}"));
            link.is_ok_and(|link| link.display().to_string() != *own)
        })
        .map(|(name, _)| name)
        .collect();
    let limits = &plan.limits;
    let memory = number(pid, "memory", ["memory.max", "memory.limit_in_bytes"]);
    let processes = number(pid, "pids", ["pids.max", "pids.max"]);
    let cpus = processors(pid);
    let limit = |key: &str| {
        let all = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let line = all.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
    };
    let (files, file_size) = (limit("Max open files"), limit("Max file size"));
    let held = [
        ("memory", memory.is_some_and(|held| held <= limits.memory)),
        ("processes", processes == Some(limits.processes.into())),
        (
            "cpus",
            cpus.is_some_and(|(quota, period)| quota <= period * u64::from(limits.cpus)),
        ),
        ("files", files == Some(limits.files.into())),
        ("file-size", file_size == Some(limits.file_size)),
    ];
    if let Some((key, _)) = held.iter().find(|(_, held)| !held) {
        return Err(format!(
            "the kernel does not hold the limit `{key}`: the engine may not set it here (rootless, with control groups of \
             version 1, for example)"
        ));
    }
    let in_force = InForce {
        with: plan.backend.name().into(),
        user: count("Uid:").unwrap_or_default(),
        namespaces,
        landlock: None,
        seccomp_filters: count("Seccomp_filters:").unwrap_or_default(),
        no_new_privileges: count("NoNewPrivs:") == Some(1),
        capabilities,
        limits: vec![
            ("memory".into(), format!("{} (kernel)", size(limits.memory))),
            ("processes".into(), format!("{} (kernel)", limits.processes)),
            ("cpus".into(), format!("{} (kernel)", limits.cpus)),
            ("files".into(), limits.files.to_string()),
            ("file-size".into(), size(limits.file_size)),
            ("tmp".into(), format!("{} (kernel)", size(limits.tmp))),
        ],
    };
    let mut wanted = vec!["mnt", "pid", "ipc", "uts"];
    if plan.network != Network::Host {
        wanted.push("net");
    }
    let apart = wanted
        .iter()
        .all(|one| in_force.namespaces.iter().any(|own| own == one));
    let user = plan.user.is_none_or(|user| user == in_force.user);
    match in_force.no_new_privileges
        && in_force.capabilities == 0
        && in_force.seccomp_filters > 0
        && apart
        && user
    {
        true => Ok(in_force),
        false => Err(format!(
            "the engine did not put everything into force: {}",
            in_force.text()
        )),
    }
}

/// What the kernel tells of a container's limits.
pub(super) struct Events {
    /// Readable when something happened to the memory: an `inotify` of version 2, an `eventfd` of version 1.
    told: Option<OwnedFd>,
    memory: Vec<PathBuf>,
    processes: Option<PathBuf>,
    refused: u64,
}

impl Events {
    pub(super) fn of(pid: i32) -> Self {
        let memory = folder(pid, "memory");
        let told = memory.as_deref().and_then(|folder| tell(folder).ok());
        let files = ["memory.events", "memory.oom_control"];
        Self {
            told,
            memory: memory
                .iter()
                .flat_map(|folder| files.map(|file| folder.join(file)))
                .collect(),
            processes: folder(pid, "pids").map(|folder| folder.join("pids.events")),
            refused: 0,
        }
    }

    /// What is readable as soon as the kernel ended a process for want of memory. The group is gone a moment later.
    pub(super) fn told(&self) -> Option<&OwnedFd> {
        self.told.as_ref()
    }

    /// A limit that was reached since the last look.
    pub(super) fn reached(&mut self) -> Option<Limit> {
        let told = self.told.as_ref();
        let told = told.is_some_and(|told| rustix::io::read(told, &mut [0; 4096]).is_ok());
        // Version 1 tells before it ends a process, and when the group is removed. Version 2 tells of less as well.
        let control = self
            .memory
            .iter()
            .find(|path| path.ends_with("memory.oom_control"));
        if told && control.is_some_and(|path| path.exists()) {
            return Some(Limit::Memory);
        }
        if self.memory.iter().any(|path| count(path, "oom_kill ") > 0) {
            return Some(Limit::Memory);
        }
        let refused = self
            .processes
            .as_ref()
            .map_or(0, |path| count(path, "max "));
        let more = refused > self.refused;
        self.refused = refused;
        more.then_some(Limit::Processes)
    }
}

/// Has the kernel tell of a control group's memory.
fn tell(folder: &Path) -> io::Result<OwnedFd> {
    let events = folder.join("memory.events");
    if events.is_file() {
        let told = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&told, &events, inotify::WatchFlags::MODIFY)?;
        return Ok(told);
    }
    let told = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let control = fs::File::open(folder.join("memory.oom_control"))?;
    let words = format!("{} {}", told.as_raw_fd(), control.as_raw_fd());
    fs::write(folder.join("cgroup.event_control"), words)?;
    Ok(told)
}

/// The number after a word at the beginning of a line; 0: there is none.
fn count(path: &Path, word: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(word));
    value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0)
}
