//! `support-desk` speaks over stdin and stdout; `support-desk ADDRESS` over HTTP at that address.

use std::io;

use support_desk::{Desk, serve_http, serve_stdio};

#[tokio::main]
async fn main() -> io::Result<()> {
    let desk = Desk::new();
    match std::env::args().nth(1) {
        None => serve_stdio(&desk, tokio::io::stdin(), tokio::io::stdout()).await,
        Some(address) => {
            let listener = tokio::net::TcpListener::bind(&address).await?;
            #[allow(
                clippy::print_stderr,
                reason = "the one line that says where to connect"
            )]
            {
                eprintln!("listening on http://{}/mcp", listener.local_addr()?);
            }
            serve_http(desk, listener).await
        }
    }
}
