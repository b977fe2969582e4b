//! What every program may read of the system: its libraries and runtimes, and the few files of `/etc` that they need.

use std::path::{Path, PathBuf};

/// Folders of programs and libraries. Where `/bin` and `/lib` are links, as in most distributions, they lead into `/usr`.
pub(crate) const FOLDERS: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// Files and folders of `/etc` without secrets, which libraries read.
pub(crate) const ETC: [&str; 24] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Who users are, by name. With bubblewrap a program sees a file with itself alone instead.
pub(crate) const USERS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// The processors, which runtimes count.
pub(crate) const PROCESSORS: &str = "/sys/devices/system/cpu";

/// Devices without state, which programs write to as well.
pub(crate) const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What runtimes read of the machine in `/proc`, where the real one stays visible.
pub(crate) const PROC: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/uptime",
    "/proc/version",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/random",
    "/proc/sys/vm/overcommit_memory",
];

/// What a program reads of itself in `/proc`, where the real one stays visible. Left out: `net`, `mounts`, `root`, which
/// tell of the machine.
pub(crate) const PROC_SELF: [&str; 11] = [
    "auxv", "cgroup", "cmdline", "comm", "environ", "fd", "limits", "maps", "stat", "statm",
    "status",
];

/// The search path within, after the program's own folders.
pub(crate) const PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Whether every program may read this path, which has no links.
pub fn has(path: &Path) -> bool {
    FOLDERS.iter().chain(&ETC).any(|one| path.starts_with(one))
}

/// Those of the paths that exist here.
pub(crate) fn existing(paths: &[&str]) -> impl Iterator<Item = PathBuf> {
    let paths = paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    paths.into_iter().filter(|path| path.exists())
}
