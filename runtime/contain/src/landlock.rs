//! Landlock: what the kernel has of it, and its rules for a plan.

use std::path::{Path, PathBuf};

use landlock::Access as _;
use landlock::{
    ABI, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::fs::{Mode, OFlags, open};

use crate::access::Access;
use crate::exact::exact;
use crate::plan::Plan;
use crate::wanted::Network;
use crate::{proxied, system};

/// The versions that brought rights, oldest first.
const VERSIONS: [ABI; 8] = [
    ABI::V1,
    ABI::V2,
    ABI::V3,
    ABI::V4,
    ABI::V5,
    ABI::V6,
    ABI::V9,
    ABI::V10,
];

/// The newest version of which this kernel has every right and this crate knows them; 0: none.
pub(crate) fn version() -> u32 {
    let known = VERSIONS
        .iter()
        .rev()
        .find(|abi| ruleset(**abi, Network::None).is_ok());
    known.map_or(0, |abi| *abi as u32)
}

/// A ruleset that handles every right of a version: what it does not know is an error, never left out.
fn ruleset(abi: ABI, network: Network) -> Result<RulesetCreated, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))?;
    let net = AccessNet::from_all(abi);
    if network != Network::Host && !net.is_empty() {
        rules = rules.handle_access(net)?;
    }
    let scopes = Scope::from_all(abi);
    if !scopes.is_empty() {
        rules = rules.scope(scopes)?;
    }
    rules.create()
}

/// Sets this process and what it starts apart from the others of its user, whose memory it then cannot open: where the
/// kernel has Landlock. Nothing else is taken from it: devices it can make none.
///
/// # Errors
///
/// The kernel has Landlock and does not enforce it.
pub(crate) fn apart() -> Result<(), String> {
    let said = |error: RulesetError| format!("Landlock: {error}");
    // With the first version files could not be moved between folders.
    if version() < 2 {
        return Ok(());
    }
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::Refer)
        .map_err(said)?;
    let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let root = root.map_err(|error| format!("/: {error}"))?;
    let rules = rules.create().map_err(said)?;
    let rules = rules.add_rule(PathBeneath::new(root, AccessFs::Refer));
    let status = rules.and_then(RulesetCreated::restrict_self);
    match status.map_err(said)?.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        other => Err(format!("Landlock: the kernel says {other:?}")),
    }
}

/// Confines this process. `private` are folders of its own that it may write, beside those of the plan.
///
/// # Errors
///
/// The kernel does not enforce all of it.
pub(crate) fn restrict(plan: &Plan, private: &Path) -> Result<u32, String> {
    let said = |error: RulesetError| format!("Landlock: {error}");
    let version = version();
    let abi = VERSIONS.iter().find(|abi| **abi as u32 == version);
    let abi = *abi.ok_or("Landlock: the kernel has none")?;
    let rules = ruleset(abi, plan.network).map_err(said)?;
    let read = AccessFs::from_read(abi);
    let mut paths = Vec::new();
    let mut add = |path: PathBuf, rights: BitFlags<AccessFs>| -> Result<(), String> {
        // The system's own may be links; what a plan gives may not.
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let fd = match plan.exposed.iter().any(|one| one.path == path) {
            true => exact(&path),
            false => open(&path, flags, Mode::empty()).map_err(Into::into),
        };
        let fd = fd.map_err(|error| format!("{}: {error}", path.display()))?;
        let file = !path.is_dir();
        let rights = match file {
            true => rights & AccessFs::from_file(abi),
            false => rights,
        };
        paths.push(PathBeneath::new(fd, rights));
        Ok(())
    };
    for path in system::existing(&system::FOLDERS) {
        add(path, read)?;
    }
    let looked_at = system::existing(&system::ETC)
        .chain(system::existing(&system::USERS))
        .chain(system::existing(&system::PROC))
        .chain(system::existing(&[system::PROCESSORS]));
    for path in looked_at {
        add(path, AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    for path in system::existing(&system::DEVICES) {
        add(path, AccessFs::ReadFile | AccessFs::WriteFile)?;
    }
    let own = Path::new("/proc/self").canonicalize();
    let own = own.map_err(|error| format!("/proc/self: {error}"))?;
    for name in system::PROC_SELF {
        add(own.join(name), AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    // Devices and sockets are made by nobody.
    let write = AccessFs::from_all(abi)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock | AccessFs::IoctlDev);
    for one in &plan.exposed {
        let rights = match one.access {
            Access::Read => read,
            Access::Write => write,
        };
        add(one.path.clone(), rights)?;
    }
    add(private.to_owned(), write)?;
    let mut rules = rules.add_rules(paths.into_iter().map(Ok::<_, RulesetError>));
    if plan.network == Network::Proxy {
        let proxy = NetPort::new(proxied::AT.port(), AccessNet::ConnectTcp);
        rules = rules.and_then(|rules| rules.add_rule(proxy));
    }
    let status = rules
        .and_then(RulesetCreated::restrict_self)
        .map_err(said)?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(version),
        other => Err(format!("Landlock: the kernel says {other:?}")),
    }
}
