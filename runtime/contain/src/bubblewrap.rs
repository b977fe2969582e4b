//! bubblewrap: where it is, and its arguments for a plan.

use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use crate::access::Access;
use crate::plan::Plan;
use crate::system;
use crate::wanted::Network;

/// The oldest version that is used: it can forbid further user namespaces.
pub(crate) const VERSION: (u32, u32) = (0, 8);

/// The private temporary folder, and the home in it.
pub(crate) const TMP: &str = "/tmp";
pub(crate) const HOME: &str = "/tmp/home";

/// Finds `bwrap` in a search path.
pub(crate) fn find(search: &str) -> Option<PathBuf> {
    let folders = search
        .split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(Path::new);
    let mut files = folders.map(|folder| folder.join("bwrap"));
    files.find(|file| file.is_file())
}

/// The namespaces of a sandbox. Root needs no user namespace: the program becomes another user within.
fn namespaces(root: bool, network: Network) -> Vec<String> {
    let mut args: Vec<&str> = vec![
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--hostname",
        "sandgate",
        "--die-with-parent",
    ];
    match root {
        true => args.extend(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]),
        false => args.extend(["--unshare-user", "--disable-userns"]),
    }
    if network != Network::Host {
        args.push("--unshare-net");
    }
    args.into_iter().map(str::to_owned).collect()
}

/// Arguments that make a sandbox as plans need it, and do nothing in it. The standard input is a folder, which is mounted by
/// its descriptor: not every bubblewrap of [`VERSION`] can do that.
pub(crate) fn trial() -> Vec<String> {
    let mut args = namespaces(rustix::process::geteuid().is_root(), Network::None);
    let rest = "--ro-bind / / --proc /proc --dev /dev --size 65536 --tmpfs /tmp \
                --perms 0755 --dir /tmp/home --ro-bind-fd 0 /tmp/home --remount-ro / -- /bin/sh -c :";
    args.extend(rest.split_whitespace().map(str::to_owned));
    args
}

/// Descriptors that the sandbox is made of.
pub(crate) struct Parts<'a> {
    /// The paths of [`Plan::exposed`], opened, in its order.
    pub(crate) exposed: &'a [RawFd],
    /// The files of [`Plan::files`], in its order.
    pub(crate) given: &'a [RawFd],
    /// The files `passwd` and `group` within.
    pub(crate) users: [RawFd; 2],
    /// The seccomp filters that it installs, for its own process within as well.
    pub(crate) filters: &'a [RawFd],
}

/// The arguments for a plan, without the program.
pub(crate) fn arguments(plan: &Plan, parts: &Parts<'_>) -> Vec<String> {
    let mut args = namespaces(plan.user.is_some(), plan.network);
    let mut add = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
    for fd in parts.filters {
        add(&["--add-seccomp-fd", &fd.to_string()]);
    }
    let (within_tmp, elsewhere): (BTreeSet<&Path>, BTreeSet<&Path>) = plan
        .exposed
        .iter()
        .map(|one| one.path.as_path())
        .chain(plan.links.iter().map(|(link, _)| link.as_path()))
        .chain(plan.files.iter().map(|one| one.path.as_path()))
        .chain(system::ETC.iter().map(Path::new))
        .chain([Path::new(system::PROCESSORS)])
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| path.parent().is_some() && *path != Path::new(TMP))
        .partition(|path| path.starts_with(TMP));
    // Others than root could not go through the folders that bubblewrap makes by itself.
    for folder in elsewhere {
        add(&["--perms", "0755", "--dir", &folder.display().to_string()]);
    }
    for folder in system::FOLDERS {
        match std::fs::read_link(folder) {
            Ok(to) => add(&["--symlink", &to.display().to_string(), folder]),
            Err(_) => add(&["--ro-bind-try", folder, folder]),
        }
    }
    for path in system::ETC {
        add(&["--ro-bind-try", path, path]);
    }
    for (fd, path) in parts.users.iter().zip(system::USERS) {
        add(&["--perms", "0444", "--file", &fd.to_string(), path]);
    }
    for (fd, one) in parts.given.iter().zip(&plan.files) {
        let path = one.path.display().to_string();
        add(&["--perms", "0444", "--file", &fd.to_string(), &path]);
    }
    add(&["--proc", "/proc", "--dev", "/dev"]);
    add(&["--ro-bind-try", system::PROCESSORS, system::PROCESSORS]);
    let size = plan.limits.tmp.to_string();
    for folder in [TMP, "/dev/shm"] {
        add(&["--perms", "1777", "--size", &size, "--tmpfs", folder]);
    }
    add(&["--perms", "1777", "--dir", HOME]);
    for folder in within_tmp {
        add(&["--perms", "0755", "--dir", &folder.display().to_string()]);
    }
    // Parents first: a path within another is mounted over it.
    for (one, fd) in plan.exposed.iter().zip(parts.exposed) {
        let how = match one.access {
            Access::Read => "--ro-bind-fd",
            Access::Write => "--bind-fd",
        };
        add(&[how, &fd.to_string(), &one.path.display().to_string()]);
    }
    for (link, real) in &plan.links {
        // What is mounted may have the link in it already.
        if !plan.exposed.iter().any(|one| link.starts_with(&one.path)) {
            let words = [real, link].map(|path| path.display().to_string());
            add(&["--symlink", &words[0], &words[1]]);
        }
    }
    // Otherwise the program could fill them, which nothing bounds.
    add(&["--remount-ro", "/dev", "--remount-ro", "/"]);
    args
}
