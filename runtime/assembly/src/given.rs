//! How one server is given its values: variables, files in memory, and requests that its proxy puts them into.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;
use sandgate_config::{Give, Issue, Loaded, ResolvedServer, Server, ServerSecret, Side};
use sandgate_contain::GivenFile;
use sandgate_egress::{Injection, Injector};
use sandgate_secrets::Value;

use crate::around::Around;
use crate::certificates;
use crate::secrets::place;

/// Where a server finds the values that it is given by a file, one a file.
const FOLDER: &str = "/run/secrets";
/// Where it finds the authorities that it trusts, the gateway's among them, where values are put into its requests.
const TRUST: &str = "/run/sandgate/authorities.pem";
/// The variables by which libraries find them: OpenSSL and Go, Node, Python's requests, curl.
const TRUSTING: [&str; 4] = [
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
];
/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
/// What stands in a variable whose value the server never has: most programs do not start without one.
const STAND_IN: &str = "put-in-by-sandgate";

/// A value, and where a proxy that goes on takes it from.
pub(super) type FreshValue = (Arc<ArcSwap<Value>>, Value);

/// What one server is given.
#[derive(Default)]
pub(super) struct Given {
    pub(super) variables: Vec<(String, String)>,
    pub(super) files: Vec<GivenFile>,
    pub(super) injector: Option<Arc<Injector>>,
}

impl Given {
    /// What a server is given, and the values that an injector which goes on is to take over. `before` is the server's
    /// injector so far: it goes on where it does the same, since another would have another authority.
    ///
    /// # Errors
    ///
    /// A host of a value is not on the server's list, or a certificate cannot be read or made.
    pub(super) fn of(
        loaded: &Loaded,
        (name, server): (&str, &Server),
        around: &Around,
        before: Option<&Arc<Injector>>,
    ) -> Result<(Self, Vec<FreshValue>), Issue> {
        let mut given = Self::default();
        let (mut injections, mut values) = (Vec::new(), Vec::new());
        for (secret_name, secret) in &server.secrets {
            let Some(value) = around.fetched.value(name, secret_name) else {
                continue;
            };
            match secret.give {
                Give::Env => {
                    let text = value.expose().to_owned();
                    given.variables.push((secret_name.clone(), text));
                }
                Give::File => {
                    let path = PathBuf::from(FOLDER).join(secret_name);
                    let variable = (format!("{secret_name}_FILE"), path.display().to_string());
                    given.variables.push(variable);
                    let content = value.expose().to_owned();
                    given.files.push(GivenFile { path, content });
                }
                Give::Inject => {
                    given
                        .variables
                        .push((secret_name.clone(), STAND_IN.to_owned()));
                    let place = place(name, secret_name);
                    injections.push(injection(loaded, &place, server, secret, value)?);
                    values.push(value.clone());
                }
            }
        }
        if injections.is_empty() {
            return Ok((given, Vec::new()));
        }
        let (injector, fresh) = match before.filter(|before| before.is_like(&injections)) {
            Some(before) => (
                before.clone(),
                before.values().cloned().zip(values).collect(),
            ),
            None => {
                let made = Injector::new(injections, around.redactor.clone());
                let made = made.map_err(|error| {
                    loaded.error(&format!("/servers/{name}/secrets"), Side::Key, error)
                })?;
                (Arc::new(made), Vec::new())
            }
        };
        let system = SYSTEM
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok());
        let content = format!("{}\n{}", system.unwrap_or_default(), injector.certificate());
        given.files.push(GivenFile {
            path: TRUST.into(),
            content,
        });
        let variables = TRUSTING.map(|variable| (variable.to_owned(), TRUST.to_owned()));
        given.variables.extend(variables);
        given.injector = Some(injector);
        Ok((given, fresh))
    }

    /// A server's variables: its own, and those that it is given beside.
    pub(super) fn with(&self, own: &ResolvedServer) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = own
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        for (name, value) in &self.variables {
            if !env.iter().any(|(known, _)| known == name) {
                env.push((name.clone(), value.clone()));
            }
        }
        env
    }
}

fn injection(
    loaded: &Loaded,
    place: &str,
    server: &Server,
    secret: &ServerSecret,
    value: &Value,
) -> Result<Injection, Issue> {
    let listed: Vec<_> = server
        .egress
        .iter()
        .flat_map(|egress| egress.hosts())
        .map(|host| host.0.clone())
        .collect();
    let hosts = secret.hosts.as_deref().unwrap_or_default();
    for (index, host) in hosts.iter().enumerate() {
        if !host.is_listed(&listed) {
            let why = "the server may not reach this host";
            let issue = loaded.error(&format!("{place}/hosts/{index}"), Side::Value, why);
            return Err(issue.help("add it to the server's `egress`, or take it out here"));
        }
    }
    let header = secret.header.as_deref().unwrap_or_default();
    let header = HeaderName::try_from(header)
        .map_err(|error| loaded.error(&format!("{place}/header"), Side::Value, error))?;
    let ca_place = format!("{place}/ca");
    let roots = secret
        .ca
        .as_ref()
        .map(|ca| certificates::authorities(loaded, &ca_place, ca))
        .transpose()?;
    Ok(Injection {
        header,
        format: secret.format.clone().unwrap_or_else(|| "{}".into()),
        hosts: hosts
            .iter()
            .map(|host| (host.host.clone(), host.port))
            .collect(),
        methods: secret.methods.clone(),
        paths: secret.paths.clone(),
        roots: roots.map(|roots| roots.0),
        value: Arc::new(ArcSwap::from_pointee(value.clone())),
    })
}
