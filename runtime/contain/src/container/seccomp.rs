//! The seccomp profile of a container, as engines read it.
//!
//! It holds what the filters of other programs hold: everything that the kernel knew when this was written, without the
//! calls that no server makes. What is newer does not exist.

use serde_json::{Value, json};

use crate::seccomp::{ABSENT, Call, REFUSED};
use crate::wanted::Network;

/// All calls of the architectures that this is built for, as of Linux 6.10.
const KNOWN: &str = include_str!("calls.txt");
/// The flags by which a fork begins a namespace.
const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// Calls that are allowed by what they are called with.
const LOOKED_AT: [&str; 11] = [
    "clone",
    "ioctl",
    "ioprio_set",
    "personality",
    "prlimit64",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "setpriority",
    "socket",
    "socketpair",
];

/// The profile for a container with a network, as JSON.
pub(crate) fn profile(network: Network) -> String {
    let names = |calls: &'static [Call]| {
        let names = calls.iter();
        names.filter_map(|(name, _)| name.strip_prefix("SYS_"))
    };
    let refused: Vec<&str> = names(REFUSED).collect();
    let absent: Vec<&str> = names(ABSENT).collect();
    let allowed: Vec<&str> = KNOWN
        .split_whitespace()
        .filter(|name| ![&refused[..], &absent, &LOOKED_AT].concat().contains(name))
        .collect();
    let architecture = match cfg!(target_arch = "aarch64") {
        true => "SCMP_ARCH_AARCH64",
        false => "SCMP_ARCH_X86_64",
    };
    let number = i64::from;
    let family = |family: i32, kind: i32| {
        // A kind has flags beside it.
        let kind = (1, "SCMP_CMP_MASKED_EQ", 0xf, number(kind));
        vec![is(0, family), kind]
    };
    let mut calls = vec![
        json!({"names": allowed, "action": "SCMP_ACT_ALLOW"}),
        json!({"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EPERM}),
        // Said once more, for engines that do not know `defaultErrnoRet`: libraries do without what does not exist.
        json!({"names": absent, "action": "SCMP_ACT_ERRNO", "errnoRet": libc::ENOSYS}),
        when("clone", &[(0, "SCMP_CMP_MASKED_EQ", number(NAMESPACES), 0)]),
        when("ioctl", &[(1, "SCMP_CMP_NE", libc::TIOCSTI as i64, 0)]),
        // The usual execution domain, and the question which one it is.
        when("personality", &[is(0, 0)]),
        when("personality", &[(0, "SCMP_CMP_EQ", 0xffff_ffff, 0)]),
        // Limits and priorities of its own alone.
        when("prlimit64", &[is(0, 0)]),
        when("setpriority", &[is(0, 0), is(1, 0)]),
        when("ioprio_set", &[is(0, 1), is(1, 0)]),
        when("sched_setscheduler", &[is(0, 0)]),
        when("sched_setparam", &[is(0, 0)]),
        when("sched_setattr", &[is(0, 0)]),
        // Of netlink the addresses of interfaces alone, which resolvers ask for.
        when("socket", &[is(0, libc::AF_NETLINK), is(2, 0)]),
    ];
    for internet in [libc::AF_INET, libc::AF_INET6] {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM] {
            calls.push(when("socket", &family(internet, kind)));
        }
    }
    match network {
        // Abstract sockets are the network's, and there the machine's.
        Network::Host => {
            for kind in [libc::SOCK_STREAM, libc::SOCK_SEQPACKET] {
                calls.push(when("socketpair", &family(libc::AF_UNIX, kind)));
            }
        }
        Network::None | Network::Proxy => {
            calls.push(when("socket", &[is(0, libc::AF_UNIX)]));
            calls.push(when("socketpair", &[is(0, libc::AF_UNIX)]));
        }
    }
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": libc::ENOSYS,
        "architectures": [architecture],
        "syscalls": calls,
    })
    .to_string()
}

/// What an argument is like: its number, how, and two values. With a mask, the first of them is that.
type Condition = (u32, &'static str, i64, i64);

/// An argument that is a number.
fn is(argument: u32, value: i32) -> Condition {
    (argument, "SCMP_CMP_EQ", value.into(), 0)
}

/// A call that is allowed where its arguments are like this.
fn when(name: &str, conditions: &[Condition]) -> Value {
    let args = conditions.iter().map(|(argument, how, value, second)| {
        json!({"index": argument, "value": value, "valueTwo": second, "op": how})
    });
    let args: Vec<Value> = args.collect();
    json!({"names": [name], "action": "SCMP_ACT_ALLOW", "args": args})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_other_programs_may_not_call_no_container_may() {
        let profile: Value = serde_json::from_str(&profile(Network::None)).unwrap();
        assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
        let all = profile["syscalls"].as_array().unwrap();
        let plainly: Vec<&str> = all[0]["names"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        for (name, _) in REFUSED.iter().chain(ABSENT) {
            let name = name.strip_prefix("SYS_").unwrap();
            assert!(!plainly.contains(&name), "{name}");
            assert!(
                KNOWN.split_whitespace().any(|known| known == name),
                "{name}"
            );
        }
        for name in [
            "read",
            "openat",
            "futex",
            "execve",
            "epoll_wait",
            "rt_sigreturn",
        ] {
            assert!(plainly.contains(&name), "{name}");
        }
        for name in LOOKED_AT {
            assert!(!plainly.contains(&name), "{name}");
        }
    }
}
