//! The command line of a container engine.

use super::{Image, LABEL};
use crate::access::Access;
use crate::backend::Backend;
use crate::plan::Plan;
use crate::wanted::Network;

/// Where a container writes what it does not keep.
const TMP: &str = "/tmp";
/// Processes of one user in all its containers, of which the kernel counts all together.
const PROCESSES: u64 = 32_768;
/// These are of every container.
const ALWAYS: [&str; 9] = [
    "--interactive",
    // Its first process reaps, so that the server need not.
    "--init",
    // An image is fetched by `sandgate lock` and `sandgate install` alone.
    "--pull=never",
    // What it says is the gateway's to keep, and would else lie on the disk.
    "--log-driver=none",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--no-healthcheck",
    "--ulimit=core=0:0",
];

/// What is made for one container before its engine starts.
pub(crate) struct Parts<'a> {
    /// The container's name.
    pub(crate) name: &'a str,
    /// The value of [`LABEL`].
    pub(crate) owner: &'a str,
    /// The file with the seccomp profile.
    pub(crate) seccomp: &'a str,
    /// The file with its variables.
    pub(crate) variables: &'a str,
    /// The files of [`Plan::files`], in its order.
    pub(crate) files: &'a [String],
    /// The file of its network namespace, where that is the gateway's.
    pub(crate) network: Option<&'a str>,
    /// The user that starts the engine.
    pub(crate) own: u32,
    /// The most processes that this user may let one have; `None`: any number.
    pub(crate) processes: Option<u64>,
}

/// The engine's arguments for a plan.
pub(crate) fn arguments(plan: &Plan, image: &Image, parts: &Parts<'_>) -> Vec<String> {
    let limits = &plan.limits;
    let mut all: Vec<String> = vec!["run".into()];
    all.extend(ALWAYS.map(str::to_owned));
    let user = plan.user.unwrap_or(parts.own);
    all.extend([
        format!("--name={}", parts.name),
        format!("--label={LABEL}={}", parts.owner),
        format!("--security-opt=seccomp={}", parts.seccomp),
        format!("--env-file={}", parts.variables),
        format!("--user={user}:{user}"),
        format!("--memory={}", limits.memory),
        format!("--memory-swap={}", limits.memory),
        format!("--cpus={}", limits.cpus),
        format!("--pids-limit={}", limits.processes),
        format!("--ulimit=nofile={0}:{0}", limits.files),
        format!("--ulimit=fsize={0}:{0}", limits.file_size),
        format!("--shm-size={}", limits.tmp),
        "--hostname=server".into(),
    ]);
    // Of one container `pids-limit` is the bound. Left out, the engine asks for more than it may give.
    let most = parts.processes.unwrap_or(PROCESSES).min(PROCESSES);
    all.push(format!("--ulimit=nproc={most}:{most}"));
    let volumes = image.volumes.iter().map(String::as_str);
    let mounted = |folder: &str| {
        image
            .mounts
            .iter()
            .any(|one| one.inside.as_os_str() == folder)
    };
    for folder in std::iter::once(TMP)
        .chain(volumes)
        .filter(|one| !mounted(one))
    {
        let size = limits.tmp;
        all.push(format!(
            "--tmpfs={folder}:rw,nosuid,nodev,noexec,mode=1777,size={size}"
        ));
    }
    all.push(match (plan.network, parts.network) {
        (Network::Host, _) => "--network=host".into(),
        (Network::Proxy, Some(file)) => format!("--network=ns:{file}"),
        _ => "--network=none".into(),
    });
    if plan.backend == Backend::Podman {
        all.extend(
            [
                // They would be as large as the memory allows.
                "--read-only-tmpfs=false",
                "--image-volume=ignore",
                // The engine's own proxy is none of the container's.
                "--http-proxy=false",
            ]
            .map(str::to_owned),
        );
        if plan.user.is_none() {
            all.push("--userns=keep-id".into());
        }
    }
    for mount in &image.mounts {
        let only = match mount.access {
            Access::Read => ",readonly",
            Access::Write => "",
        };
        all.push(format!(
            "--mount=type=bind,source={},target={}{only}",
            mount.outside.display(),
            mount.inside.display()
        ));
    }
    for (source, file) in parts.files.iter().zip(&plan.files) {
        let target = file.path.display();
        all.push(format!(
            "--mount=type=bind,source={source},target={target},readonly"
        ));
    }
    all.push(image.id.clone());
    all.extend(plan.args.iter().cloned());
    all
}

/// The variables of a plan, as engines read them: one a line. `HOME` is what it may write to, unless the plan says.
pub(crate) fn variables(plan: &Plan) -> String {
    let home = ("HOME".to_owned(), TMP.to_owned());
    let own = plan.env.iter().any(|(name, _)| name == "HOME");
    let home = (!own).then_some(&home);
    let lines = home.into_iter().chain(&plan.env);
    lines
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}
