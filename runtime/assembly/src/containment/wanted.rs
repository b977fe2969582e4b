//! What a server's table asks of its containment.

use sandgate_config::{Containing, Containment, Server, ServerNetwork};
use sandgate_contain::{Backend, Limits, Network, proxy_environment};

pub(crate) fn wanted(server: &Server) -> Option<Containment> {
    let contain = server.contain.as_ref().filter(|_| server.command.is_some());
    contain.and_then(sandgate_config::Contain::wanted)
}

pub(crate) fn network(server: &Server, wanted: &Containment) -> Network {
    match (&server.egress, wanted.network) {
        (Some(_), _) => Network::Proxy,
        (None, ServerNetwork::None) => Network::None,
        (None, ServerNetwork::Host) => Network::Host,
    }
}

/// Adds the variables that lead to the proxy, where the server reaches hosts.
pub(crate) fn with_proxy(server: &Server, env: &mut Vec<(String, String)>) {
    let Some(egress) = &server.egress else { return };
    // Where the list names this machine, `localhost` is the machine's; else it is the server's own.
    let direct = !egress.hosts().iter().any(|host| host.0.is_loopback());
    for (name, value) in proxy_environment(direct) {
        if !env.iter().any(|(known, _)| *known == name) {
            env.push((name, value));
        }
    }
}

pub(crate) fn backend(with: Containing) -> Backend {
    match with {
        Containing::Bubblewrap => Backend::Bubblewrap,
        Containing::Landlock => Backend::Landlock,
        Containing::Podman => Backend::Podman,
        Containing::Docker => Backend::Docker,
    }
}

pub(crate) fn limits(wanted: &Containment) -> Limits {
    Limits {
        memory: wanted.memory.0,
        processes: wanted.processes,
        cpus: wanted.cpus,
        files: wanted.files,
        file_size: wanted.file_size.0,
        tmp: wanted.tmp.0,
    }
}
