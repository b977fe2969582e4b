//! The limit of files and connections that the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The files that the gateway itself keeps open besides connections: log, state, cache, plugins, pipes of children.
const OWN: u64 = 256;

/// Raises the limit of open files to the most that the system allows. The usual soft limit of 1024 is made for programs
/// that use `select`. A gateway needs two descriptors for each client with an open stream: its connection, and the one
/// to the server.
pub(crate) fn raise(max_connections: usize) {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    if before.current != before.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(
            "the limit of open files stays at {:?}: {error}",
            before.current
        );
    }
    let wanted = 2 * max_connections as u64 + OWN;
    // `None` means that there is no limit.
    if let Some(limit) = getrlimit(Resource::Nofile).current
        && limit < wanted
    {
        tracing::warn!(
            "the system allows {limit} open files: too few for max-connections = {max_connections}, which may need \
             {wanted}; raise it (ulimit -Hn, LimitNOFILE=) or lower max-connections"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        raise(1);
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, now.maximum);
    }
}
