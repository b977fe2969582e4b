//! The seccomp profile of a container, as engines read it.
//!
//! It holds what the filters of other programs hold: everything that the kernel knew when this was written, without the
//! calls that no server makes. What is newer does not exist.

use serde_json::{Value, json};

use crate::seccomp::{ABSENT, Call, REFUSED};

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
/// The kinds of sockets that there are: none that leave the container's network, as vsock and AF_ALG do.
const FAMILIES: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// The profile, as JSON.
pub(crate) fn profile() -> String {
    let names = |calls: &'static [Call]| {
        let names = calls.iter();
        names.filter_map(|(name, _)| name.strip_prefix("SYS_"))
    };
    let looked_at = ["clone", "socket", "ioctl", "personality"];
    let refused: Vec<&str> = names(REFUSED).collect();
    let absent: Vec<&str> = names(ABSENT).collect();
    let allowed: Vec<&str> = KNOWN
        .split_whitespace()
        .filter(|name| ![&refused[..], &absent, &looked_at].concat().contains(name))
        .collect();
    let architecture = match cfg!(target_arch = "aarch64") {
        true => "SCMP_ARCH_AARCH64",
        false => "SCMP_ARCH_X86_64",
    };
    let mut calls = vec![
        json!({"names": allowed, "action": "SCMP_ACT_ALLOW"}),
        json!({"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": libc::EPERM}),
        when("clone", 0, i64::from(NAMESPACES), "SCMP_CMP_MASKED_EQ"),
        when("ioctl", 1, libc::TIOCSTI as i64, "SCMP_CMP_NE"),
        // The usual execution domain, and the question which one it is.
        when("personality", 0, 0, "SCMP_CMP_EQ"),
        when("personality", 0, 0xffff_ffff, "SCMP_CMP_EQ"),
    ];
    let sockets = FAMILIES.map(|family| when("socket", 0, family.into(), "SCMP_CMP_EQ"));
    calls.extend(sockets);
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": libc::ENOSYS,
        "architectures": [architecture],
        "syscalls": calls,
    })
    .to_string()
}

/// A call that is allowed where an argument is like a value; with a mask, where it has none of its bits.
fn when(name: &str, argument: u32, value: i64, how: &str) -> Value {
    json!({
        "names": [name],
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": argument, "value": value, "valueTwo": 0, "op": how}],
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_other_programs_may_not_call_no_container_may() {
        let profile: Value = serde_json::from_str(&profile()).unwrap();
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
            assert!(KNOWN.split_whitespace().any(|known| known == name), "{name}");
        }
        for name in ["read", "openat", "futex", "execve", "epoll_wait", "rt_sigreturn"] {
            assert!(plainly.contains(&name), "{name}");
        }
        for name in ["socket", "clone", "ioctl", "personality"] {
            assert!(!plainly.contains(&name), "{name}");
        }
    }
}
