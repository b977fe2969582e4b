//! Tells a program that its connection is refused.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Proxy;
use crate::connection::Connection;
use crate::hello;
use crate::reason::Reason;

/// How long a refused program may take to read why, and what it still sends is read and thrown away.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Tells a program that it is refused: before the tunnel is there in HTTP, then by an alert of TLS.
pub(crate) async fn answer(
    client: &mut TcpStream,
    reason: Reason,
    established: bool,
    text: &str,
) -> io::Result<()> {
    if established {
        client.write_all(&hello::ALERT).await?;
    } else if reason != Reason::ClientLeft {
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            reason.status(),
            text.len()
        );
        client.write_all((head + text).as_bytes()).await?;
    }
    client.shutdown().await?;
    // What is not read would reset the connection, and the answer with it.
    let mut rest = [0; 1024];
    while client.read(&mut rest).await? > 0 {}
    Ok(())
}

impl Proxy {
    /// The answer to a refused request, in one line.
    pub(crate) fn words(&self, reason: Reason, connection: &Connection) -> String {
        let (target, server) = (connection.target(), &self.server);
        let meaning = reason.meaning();
        let help = match reason {
            Reason::HostNotListed | Reason::PortNotListed => {
                format!(" (`egress` of `[servers.{server}]`)")
            }
            Reason::PrivateAddress => {
                format!(
                    " (`egress` of `[servers.{server}]` allows such with `private:` before the host)"
                )
            }
            _ => String::new(),
        };
        format!(
            "sandgate: {target} is refused: {meaning}{help} [{}]\n",
            reason.as_str()
        )
    }
}
