//! Checks that what the configuration lets in is intended: a gateway that other machines reach must ask who calls.

use std::net::SocketAddr;

use super::issue::{Issue, Report, Severity};
use super::source::Side;
use super::{Loaded, wording};

impl Loaded {
    /// Checks whether the gateway may listen at this address, and returns warnings. `given`: the address comes from the
    /// command line rather than from the file.
    ///
    /// # Errors
    ///
    /// Other machines could call without authentication.
    pub fn check_exposure(&self, listening: SocketAddr, given: bool) -> Result<Vec<Issue>, Report> {
        if listening.ip().is_loopback() {
            return Ok(Vec::new());
        }
        let issue = |why: &str| match given {
            true => Issue::error(None, format!("--listen: {why}")),
            false => {
                let place = "/gateway/listen";
                let span = self.source.locate(place, Side::Value);
                Issue::error(span, format!("{}: {why}", wording::named(place)))
            }
        };
        let gateway = &self.config.gateway;
        if self.config.clients.is_empty() && self.config.authorization.is_none() {
            if gateway.allow_unauthenticated {
                return Ok(Vec::new());
            }
            let why = format!("{listening} lets other machines in, and nobody asks who they are");
            let help = "add clients with their keys (`sandgate token NAME` prints what to write) or [authorization] with an issuer, listen on 127.0.0.1, or write \
                        `allow-unauthenticated = true` in [gateway] where something in front asks";
            return Err(self.report(vec![issue(&why).help(help)]));
        }
        if gateway.tls.is_none() {
            let why = format!("clients send their keys and tokens to {listening} in the clear");
            let help = "give `tls = { cert = \"…\", key = \"…\" }` in [gateway], unless a proxy in front ends TLS";
            let issue = issue(&why).help(help);
            return Ok(vec![Issue {
                severity: Severity::Warning,
                ..issue
            }]);
        }
        Ok(Vec::new())
    }
}
