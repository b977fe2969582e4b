//! The drills, a file each.

pub(crate) mod injection;
pub(crate) mod key_out;
pub(crate) mod leaks;
pub(crate) mod log_full;
pub(crate) mod path_escape;
pub(crate) mod poisoned_tool;
pub(crate) mod server_hangs;
pub(crate) mod stop;
