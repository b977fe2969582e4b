//! Programs whose network is a proxy: where it listens within, and the variables that tell them of it.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Where the proxy listens, in the program's own network.
pub(crate) const AT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 3128);

/// The variables by which programs find the proxy. `direct` says whether the program's own loopback is reached without
/// it: what is asked of the proxy at `localhost` is the machine's.
pub fn environment(direct: bool) -> Vec<(String, String)> {
    let proxy = format!("http://{AT}");
    let without = match direct {
        true => "localhost,127.0.0.1,::1",
        false => "",
    };
    [
        ("HTTP_PROXY", proxy.as_str()),
        ("HTTPS_PROXY", &proxy),
        ("http_proxy", &proxy),
        ("https_proxy", &proxy),
        ("NO_PROXY", without),
        ("no_proxy", without),
        // Node's own client reads none of these otherwise.
        ("NODE_USE_ENV_PROXY", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
