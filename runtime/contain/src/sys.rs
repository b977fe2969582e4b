//! The system calls that Rust cannot check. Everything else of this crate is safe code.
//!
//! They are called by the helper alone, which has one thread and was started for nothing else; but for the trial of
//! [`try_own_network`].
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{DumpableBehavior, Gid, Uid};
use rustix::thread::UnshareFlags;

/// Takes a descriptor that this process inherited, by its number.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // Only a number that is open and none of the three streams, which belong to the program.
    if number < 3 || fs::metadata(format!("/proc/self/fd/{number}")).is_err() {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is open, and each number is handed to this process for one owner.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Lets no descriptor but the three streams pass to the next program.
pub(crate) fn close_on_exec() -> io::Result<()> {
    // SAFETY: the call changes flags of descriptors and no memory.
    let done = unsafe { libc::close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What a process does on the signals with which programs are told to stop.
pub(crate) fn on_stop_signals(ignore: bool) {
    let action = match ignore {
        true => libc::SIG_IGN,
        false => libc::SIG_DFL,
    };
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE] {
        // SAFETY: no handler is installed, so no code of ours runs in one.
        unsafe { libc::signal(signal, action) };
    }
}

/// Has a command stop on the signals with which programs are told to, whatever this process does.
pub(crate) fn with_stop_signals(command: &mut Command) {
    // SAFETY: between fork and exec there are system calls alone, and nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            on_stop_signals(false);
            Ok(())
        });
    }
}

/// The most memory that one of the processes had that ended below this one, in bytes, files in memory included.
pub(crate) fn largest_that_ended() -> u64 {
    // SAFETY: the structure is plain numbers, for which zero is a value, and the call writes into it alone.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    u64::try_from(usage.ru_maxrss).unwrap_or_default() << 10
}

/// Becomes another user, whole and for good: of all four ids, and without further groups.
pub(crate) fn become_user(user: u32) -> io::Result<()> {
    rustix::thread::set_thread_groups(&[])?;
    let gid = Gid::from_raw(user);
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    let uid = Uid::from_raw(user);
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    // A change of the user makes `/proc/self` root's, where the maps of a user namespace are written.
    Ok(rustix::process::set_dumpable_behavior(
        DumpableBehavior::Dumpable,
    )?)
}

/// Begins a user namespace in which this process has its own ids and counts for itself. `false`: this user may not, and
/// nothing has changed.
pub(crate) fn own_user_namespace() -> io::Result<bool> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    // SAFETY: the flag does not split the table of descriptors.
    let begun = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) };
    match begun {
        Ok(()) => {}
        Err(Errno::PERM | Errno::NOSPC | Errno::NOSYS | Errno::INVAL) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    fs::write("/proc/self/setgroups", "deny")?;
    let (user, group) = (user.as_raw(), group.as_raw());
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    Ok(true)
}

/// Begins a network namespace that has a loopback interface and nothing else. Allocates nothing.
pub(crate) fn own_network() -> io::Result<()> {
    // SAFETY: the flag does not split the table of descriptors.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // SAFETY: the structure is plain bytes and numbers, for which zero is a value.
    let mut loopback: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in loopback.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    loopback.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request reads the structure, which lives, and writes nothing.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const loopback) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Tries, in a process that does nothing else, whether a network namespace can be had: by root as it is, by others in a
/// user namespace.
pub(crate) fn try_own_network() -> io::Result<()> {
    let root = rustix::process::geteuid().is_root();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ":"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec there are system calls alone, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if !root {
                rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER)?;
            }
            own_network()
        });
    }
    command.status().map(drop)
}
