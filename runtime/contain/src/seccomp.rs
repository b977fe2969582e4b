//! The system calls that a contained program may not make.
//!
//! Everything that the kernel knew when this was written is allowed but for the lists below. What is newer does not exist
//! for the program, until somebody has looked at it here.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

use crate::backend::Backend;
use crate::plan::Plan;
use crate::wanted::Network;

/// The last system call that was looked at: `mseal`. Numbers are the same on all architectures from 424 on.
const LAST: u32 = 462;

/// Not in every architecture's list of the C library's binding; the number is the same on all.
const FCHMODAT2: c_long = 452;
const STATMOUNT: c_long = 457;
const LISTMOUNT: c_long = 458;

/// A system call: its name as the C library's binding has it, and its number.
pub(crate) type Call = (&'static str, c_long);

macro_rules! calls {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        &[$($(#[$meta])* (stringify!($name), libc::$name)),*]
    };
}

/// Calls that do not exist, so that programs do without, as on older kernels.
pub(crate) const ABSENT: &[Call] = calls![
    // Its flags lie in memory, where a filter cannot look; libraries then use `clone`.
    SYS_clone3,
    // Memory that belongs to no process is not counted against its limit.
    SYS_memfd_create,
    SYS_memfd_secret,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
];

/// Calls that are refused.
pub(crate) const REFUSED: &[Call] = calls![
    // Other processes' memory, descriptors and execution.
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_process_mrelease,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_perf_event_open,
    SYS_move_pages,
    SYS_migrate_pages,
    // Keys of the kernel, which are shared by the processes of a user.
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    // The kernel itself.
    SYS_bpf,
    SYS_userfaultfd,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_reboot,
    SYS_syslog,
    SYS_acct,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_vhangup,
    SYS_fanotify_init,
    // Mounts and namespaces.
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    // Files by handles instead of paths.
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    // Memory and queues that outlive processes and are named for all of a user.
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_semget,
    SYS_semop,
    SYS_semctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_msgctl,
    SYS_mq_open,
    SYS_mq_unlink,
    // The processors that it may run on are its limit.
    SYS_sched_setaffinity,
    SYS_set_mempolicy_home_node,
    SYS_mbind,
    #[cfg(target_arch = "x86_64")]
    SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    SYS_uselib,
];

/// Calls that change what files are like, by path. Landlock does not look at them, so that they would reach every file
/// of the user.
const METADATA: &[c_long] = &[
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchmod,
    libc::SYS_fchownat,
    libc::SYS_fchown,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// Calls that tell of files and mounts elsewhere. Landlock does not look at them either.
const TELLING: &[c_long] = &[libc::SYS_inotify_add_watch, STATMOUNT, LISTMOUNT];

/// Calls on sockets, where there are none to be had.
const CONNECTIONS: &[c_long] = &[libc::SYS_connect, libc::SYS_bind, libc::SYS_listen];

/// What a filter depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// Whether Unix sockets lead nowhere: the program sees no socket of others, by name or abstract.
    pub(crate) unix: bool,
    /// Whether internet sockets may be made.
    pub(crate) internet: bool,
    /// Whether files of others are there, and only cannot be opened.
    pub(crate) files_in_sight: bool,
}

impl Profile {
    /// What a plan's filters depend on.
    pub(crate) fn of(plan: &Plan) -> Self {
        let bubblewrap = plan.backend == Backend::Bubblewrap;
        Self {
            unix: bubblewrap && plan.network != Network::Host,
            internet: bubblewrap || plan.network != Network::None,
            files_in_sight: !bubblewrap,
        }
    }
}

/// Whether bubblewrap installs the filters, so that its own first process within is under them too: it has the program's
/// user. Root's has another, and the second stage does there what they forbid.
pub(crate) fn begin_outside(plan: &Plan) -> bool {
    plan.backend == Backend::Bubblewrap && plan.user.is_none()
}

/// A filter as the kernel reads it.
pub(crate) fn bytes(filter: &BpfProgram) -> Vec<u8> {
    let step = |step: &sock_filter| {
        let mut bytes = step.code.to_ne_bytes().to_vec();
        bytes.extend([step.jt, step.jf]);
        bytes.extend(step.k.to_ne_bytes());
        bytes
    };
    filter.iter().flat_map(step).collect()
}

/// The filters for this machine, in the order in which they are installed.
///
/// # Errors
///
/// There are none for this architecture.
pub(crate) fn filters(profile: Profile) -> Result<Vec<BpfProgram>, String> {
    let arch: TargetArch = std::env::consts::ARCH
        .try_into()
        .map_err(|error| format!("seccomp: {error:?}"))?;
    let compile = |rules: Rules, errno: i32| {
        if let Some(why) = rules.1 {
            return Err(why);
        }
        let allow = SeccompAction::Allow;
        let errno = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules.0, allow, errno, arch);
        let program = filter.and_then(TryInto::try_into);
        program.map_err(|error| format!("seccomp: {error}"))
    };
    let mut absent = Rules::default();
    absent.named(ABSENT);
    let mut refused = Rules::default();
    refused.named(REFUSED);
    if profile.files_in_sight {
        refused.always(METADATA);
        refused.always(TELLING);
        // By descriptor, without a path, times may be set.
        refused.when(libc::SYS_utimensat, &[(1, Op::Ne, 0)]);
    }
    refused.namespaces();
    refused.others();
    refused.sockets(profile);
    Ok(vec![
        newer(),
        compile(refused, libc::EPERM)?,
        compile(absent, libc::ENOSYS)?,
    ])
}

/// Everything newer than [`LAST`] does not exist, nor do the calls of the x32 ABI, whose numbers are higher still. That
/// the architecture is this one is checked by the other filters.
fn newer() -> BpfProgram {
    let step = |code: u32, jt: u8, jf: u8, k: u32| sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt,
        jf,
        k,
    };
    let absent = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 0, 1, LAST),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, absent),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// The rules by call, and what kept one from being made.
#[derive(Default)]
struct Rules(BTreeMap<i64, Vec<SeccompRule>>, Option<String>);

impl Rules {
    fn always(&mut self, calls: &[c_long]) {
        for call in calls {
            self.0.insert(*call, Vec::new());
        }
    }

    fn named(&mut self, calls: &[Call]) {
        for (_, call) in calls {
            self.always(&[*call]);
        }
    }

    /// Refuses a call whose arguments meet all conditions. Several rules of one call stand beside each other.
    fn when(&mut self, call: c_long, conditions: &[(u8, Op, u64)]) {
        let conditions = conditions.iter().map(|(argument, op, value)| {
            // A pointer has all 64 bits, everything else here 32.
            let length = match (call, argument) {
                (libc::SYS_utimensat, 1) | (libc::SYS_sendto, 4) => Len::Qword,
                _ => Len::Dword,
            };
            SeccompCondition::new(*argument, length, op.clone(), *value)
        });
        let conditions: Result<Vec<_>, _> = conditions.collect();
        match conditions.and_then(SeccompRule::new) {
            Ok(rule) => self.0.entry(call).or_default().push(rule),
            Err(error) => self.1 = Some(format!("seccomp: the call {call}: {error}")),
        }
    }

    /// No namespace is begun by a fork.
    fn namespaces(&mut self) {
        let flags = [
            libc::CLONE_NEWUSER,
            libc::CLONE_NEWNS,
            libc::CLONE_NEWPID,
            libc::CLONE_NEWNET,
            libc::CLONE_NEWIPC,
            libc::CLONE_NEWUTS,
            libc::CLONE_NEWCGROUP,
        ];
        for flag in flags {
            let flag = u64::from(flag.unsigned_abs());
            self.when(libc::SYS_clone, &[(0, Op::MaskedEq(flag), flag)]);
        }
    }

    /// Limits and priorities of others, which the kernel grants among processes of one user; and a terminal's input.
    fn others(&mut self) {
        self.when(libc::SYS_prlimit64, &[(0, Op::Ne, 0)]);
        self.when(libc::SYS_setpriority, &[(0, Op::Ne, 0)]);
        self.when(libc::SYS_setpriority, &[(1, Op::Ne, 0)]);
        self.when(libc::SYS_ioprio_set, &[(0, Op::Ne, 1)]);
        self.when(libc::SYS_ioprio_set, &[(1, Op::Ne, 0)]);
        for call in [
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setparam,
            libc::SYS_sched_setattr,
        ] {
            self.when(call, &[(0, Op::Ne, 0)]);
        }
        self.when(libc::SYS_ioctl, &[(1, Op::Eq, libc::TIOCSTI)]);
        self.when(libc::SYS_ioctl, &[(1, Op::Eq, libc::TIOCLINUX)]);
        // Another execution domain, with other addresses. Asking for the present one is allowed.
        self.when(
            libc::SYS_personality,
            &[(0, Op::Ne, 0), (0, Op::Ne, 0xffff_ffff)],
        );
    }

    /// The kinds of sockets: those of the plan, and never raw ones or other families (vsock, AF_ALG, packet, Bluetooth).
    fn sockets(&mut self, profile: Profile) {
        let family = |family: i32| u64::from(family.unsigned_abs());
        let mut allowed = Vec::new();
        if profile.unix {
            allowed.push(family(libc::AF_UNIX));
        }
        if profile.internet {
            allowed.extend([libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK].map(family));
        }
        let others: Vec<_> = allowed.iter().map(|one| (0, Op::Ne, *one)).collect();
        match others.is_empty() {
            true => {
                self.always(&[libc::SYS_socket]);
                self.always(CONNECTIONS);
            }
            false => self.when(libc::SYS_socket, &others),
        }
        if profile.internet {
            let raw = family(libc::SOCK_RAW);
            for one in [libc::AF_INET, libc::AF_INET6].map(family) {
                let raw = (1, Op::MaskedEq(0xf), raw);
                self.when(libc::SYS_socket, &[(0, Op::Eq, one), raw]);
            }
            // Of netlink the addresses of interfaces alone, which resolvers ask for.
            let netlink = family(libc::AF_NETLINK);
            self.when(libc::SYS_socket, &[(0, Op::Eq, netlink), (2, Op::Ne, 0)]);
        }
        // Pairs connect a program with itself. One for datagrams could be turned to another address; for Unix sockets
        // the kernel takes raw ones for such, too.
        self.when(libc::SYS_socketpair, &[(0, Op::Ne, family(libc::AF_UNIX))]);
        if !profile.unix {
            let connected = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].map(family);
            for kind in (0..=0xf).filter(|kind| !connected.contains(kind)) {
                self.when(libc::SYS_socketpair, &[(1, Op::MaskedEq(0xf), kind)]);
            }
            // With internet sockets it is how datagrams are sent.
            if !profile.internet {
                self.when(libc::SYS_sendto, &[(4, Op::Ne, 0)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_rule_that_cannot_be_made_is_an_error() {
        let mut rules = Rules::default();
        rules.when(libc::SYS_socket, &[(7, Op::Eq, 0)]);
        assert!(rules.1.is_some_and(|why| why.contains("seccomp")));
    }

    #[test]
    fn every_profile_has_filters_that_the_kernel_takes() {
        for bits in 0..8 {
            let profile = Profile {
                unix: bits & 1 != 0,
                internet: bits & 2 != 0,
                files_in_sight: bits & 4 != 0,
            };
            let filters = filters(profile).unwrap();
            assert_eq!(filters.len(), 3);
            assert!(filters.iter().all(|filter| filter.len() < 4096));
        }
    }
}
