//! Values that a program never has: put into a header of its requests to named hosts, on the way.
//!
//! For these hosts the proxy ends the program's TLS with a certificate of an authority that this program alone trusts, and
//! that may vouch for these hosts alone. Its key is in memory, and ends with the proxy.

mod authority;
mod body;
mod counted;
mod exchange;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue, Method};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sandgate_address::Host;
use sandgate_fetch::client_config;
use sandgate_secrets::{Redactor, Value};

use authority::Authority;
pub(crate) use exchange::carry;

/// A value, and the requests whose header it is put into. The value can be replaced while the proxy serves.
#[derive(Clone)]
pub struct Injection {
    /// The header. What the program says in it itself is left out.
    pub header: HeaderName,
    /// The header's text, in which `{}` stands for the value.
    pub format: String,
    /// The hosts, with their ports.
    pub hosts: Vec<(Host, u16)>,
    /// The methods; `None`: all.
    pub methods: Option<Vec<String>>,
    /// The paths, a `*` at the end standing for anything; `None`: all.
    pub paths: Option<Vec<String>>,
    /// The authorities that may vouch for the hosts; `None`: those of the system.
    pub roots: Option<Arc<RootCertStore>>,
    /// The value.
    pub value: Arc<ArcSwap<Value>>,
}

/// The values of one server, and the authority that its programs trust.
pub struct Injector {
    injections: Vec<Injection>,
    authority: Authority,
    redactor: Arc<Redactor>,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
#[error("no certificate could be made: {0}")]
pub struct InjectorError(String);

/// What a program's TLS with a host is made of where values are put in.
pub(crate) struct Ended<'a> {
    pub(crate) injector: &'a Injector,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Towards the program.
    pub(crate) server: Arc<ServerConfig>,
    /// Towards the host.
    pub(crate) client: Arc<ClientConfig>,
}

impl Injector {
    /// Makes the authority and a certificate for each host. What hosts answer is redacted by `redactor`.
    ///
    /// # Errors
    ///
    /// A host has no name that a certificate can have.
    pub fn new(injections: Vec<Injection>, redactor: Arc<Redactor>) -> Result<Self, InjectorError> {
        let hosts: Vec<&Host> = injections
            .iter()
            .flat_map(|one| one.hosts.iter().map(|(host, _)| host))
            .collect();
        let authority = Authority::new(&hosts).map_err(InjectorError)?;
        Ok(Self {
            injections,
            authority,
            redactor,
        })
    }

    /// The authority's certificate, in PEM, for the program's trust.
    pub fn certificate(&self) -> &str {
        self.authority.certificate()
    }

    /// Whether another injector would put the same values, or newer ones, into the same requests.
    pub fn is_like(&self, injections: &[Injection]) -> bool {
        self.injections == injections
    }

    /// The values in the order of the injections: what is stored there is put in from then on.
    pub fn values(&self) -> impl Iterator<Item = &Arc<ArcSwap<Value>>> {
        self.injections.iter().map(|one| &one.value)
    }

    /// What ends the TLS with a host; `None` where no value is put in.
    pub(crate) fn ending(&self, host: &Host, port: u16) -> Option<Ended<'_>> {
        let first = self.injections.iter().find(|one| one.is_for(host, port))?;
        Some(Ended {
            injector: self,
            host: host.clone(),
            port,
            server: self.authority.server(host)?,
            client: client_config(first.roots.clone()),
        })
    }
}

impl Injection {
    fn is_for(&self, host: &Host, port: u16) -> bool {
        self.hosts
            .iter()
            .any(|(own, at)| own == host && *at == port)
    }

    /// Whether the value goes with such a request.
    fn covers(&self, method: &Method, path: &str) -> bool {
        let methods = self.methods.as_ref();
        let paths = self.paths.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|one| one == method.as_str()))
            && paths.is_none_or(|paths| {
                is_plain(path) && paths.iter().any(|pattern| fits(pattern, path))
            })
    }

    /// The header's text.
    fn text(&self) -> Option<HeaderValue> {
        let text = self.format.replacen("{}", self.value.load().expose(), 1);
        let mut text = HeaderValue::try_from(text).ok()?;
        text.set_sensitive(true);
        Some(text)
    }
}

/// Whether every reader takes the path for the same: no steps up, no escapes, no empty parts.
fn is_plain(path: &str) -> bool {
    let odd = |byte: u8| !byte.is_ascii_graphic() || b"%\\;".contains(&byte);
    !path.bytes().any(odd)
        && !path.contains("//")
        && !path.split('/').any(|part| [".", ".."].contains(&part))
}

fn fits(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    }
}

/// Injections are the same whatever their values are.
impl PartialEq for Injection {
    fn eq(&self, other: &Self) -> bool {
        let roots = |one: &Self| one.roots.as_ref().map(|roots| roots.roots.clone());
        (
            &self.header,
            &self.format,
            &self.hosts,
            &self.methods,
            &self.paths,
        ) == (
            &other.header,
            &other.format,
            &other.hosts,
            &other.methods,
            &other.paths,
        ) && roots(self) == roots(other)
    }
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("header", &self.header)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
