//! The servers of a configuration. Servers that did not change go on as they are, with their children and sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_config::{Environment, Issue, Loaded, Report, Resolved, ResolvedServer, Severity};
use sandgate_egress::Unrecorded;
use sandgate_gateway::{Server, ServerConfig, Share, Transport};
use sandgate_message::Limits;
use sandgate_secrets::Redactor;

use super::changeable::Programs;
use super::containment::Planner;
use super::given::{FreshValue, Given};
use super::secrets::Fetched;
use super::{authorization, certificates, document_limits, packages};
use crate::around::Around;

/// The servers of a configuration, in the order of their names, apart from any gateway.
///
/// # Errors
///
/// A value from outside cannot be had, or a certificate file of a server cannot be used.
pub fn servers_apart(
    loaded: &Loaded,
    environment: &Environment,
) -> Result<Vec<Arc<Server>>, Report> {
    let resolved = loaded.resolve(environment)?;
    let known = KnownServers::default();
    let fetched = Fetched::of(loaded, environment).map_err(|wrong| loaded.report(wrong))?;
    let redactor = Arc::<Redactor>::default();
    if let Some(issue) = fetched.tell(&redactor) {
        return Err(loaded.report(vec![issue]));
    }
    let around = Around {
        limits: document_limits(loaded),
        connections: Arc::new(Unrecorded),
        redactor,
        fetched,
        ahead: false,
    };
    let stocked = known.stock(loaded, &resolved, environment, &around);
    let (servers, _, _) = stocked.map_err(|wrong| loaded.report(wrong))?;
    Ok(servers)
}

/// The servers of a configuration, those of the next one to compare with, and doubts.
pub(super) type Stocked = (Vec<Arc<Server>>, KnownServers, Vec<Issue>);

/// The servers of the last configuration, by name.
#[derive(Default)]
pub(super) struct KnownServers {
    servers: BTreeMap<String, Arc<Server>>,
    /// What is put into requests of servers that go on, once the configuration is in force.
    fresh: Vec<FreshValue>,
}

impl KnownServers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.servers.values()
    }

    /// Puts rotated values in force, in proxies that go on.
    pub(super) fn take_effect(&mut self) {
        for (at, value) in self.fresh.drain(..) {
            at.store(Arc::new(value));
        }
    }

    /// The servers in the order of their names, the set for the next configuration to compare with, and doubts.
    ///
    /// # Errors
    ///
    /// A certificate file of a server cannot be used, or its program cannot be contained as it says.
    pub(super) fn stock(
        &self,
        loaded: &Loaded,
        resolved: &Resolved,
        environment: &Environment,
        around: &Around,
    ) -> Result<Stocked, Vec<Issue>> {
        let mut doubts = around.fetched.doubts(loaded);
        let mut fresh = Vec::new();
        let (whole, installed) =
            packages::as_programs(loaded, environment, around.ahead, &mut doubts);
        let loaded = &*whole;
        let planner = Planner::new(loaded, environment, &installed);
        let mut wrong = planner.shared_caches();
        let nothing = ResolvedServer::default();
        let mut programs = Programs::new(loaded, environment);
        let mut known = BTreeMap::new();
        let mut order = Vec::new();
        for (name, server) in &loaded.config.servers {
            let values = resolved.servers.get(name).unwrap_or(&nothing);
            let authorities = server.ca.as_ref();
            let authorities = authorities.map(|ca| {
                let place = format!("/servers/{name}/ca");
                certificates::authorities(loaded, &place, ca)
            });
            let authorities = match authorities.transpose() {
                Ok(authorities) => authorities,
                Err(issue) => {
                    wrong.push(issue);
                    continue;
                }
            };
            let known_server = self.servers.get(name);
            let before = known_server.and_then(|known| known.config().egress.as_ref()?.injector());
            let given = match Given::of(loaded, (name, server), around, before) {
                Ok((given, values)) => {
                    fresh.extend(values);
                    given
                }
                Err(issue) => {
                    wrong.push(issue);
                    continue;
                }
            };
            let exchange = match authorization::exchange(loaded, name, server, values) {
                Ok(exchange) => exchange,
                Err(issue) => {
                    wrong.push(issue);
                    continue;
                }
            };
            let is_there = !installed.absent.contains(name);
            let planned = is_there.then(|| planner.plan(name, server, values, &given, &mut doubts));
            let contain = match planned.unwrap_or(Ok(None)) {
                Ok(contain) => contain,
                Err(issue) => {
                    wrong.push(issue);
                    continue;
                }
            };
            let egress =
                match planner.egress(name, server, &around.connections, &given, &mut doubts) {
                    Ok(egress) => egress,
                    Err(issue) => {
                        wrong.push(issue);
                        continue;
                    }
                };
            if is_there {
                programs.add(&planner, name, server, values, contain.clone());
            }
            let config = ServerConfig {
                authorities,
                exchange,
                contain,
                egress,
                redactor: around.redactor.clone(),
                ..describe((name, server), values, &given, loaded, around.limits)
            };
            let unchanged = known_server.filter(|known| *known.config() == config);
            let server = unchanged.cloned().unwrap_or_else(|| Server::new(config));
            order.push(server.clone());
            known.insert(name.clone(), server);
        }
        wrong.extend(programs.changeable());
        let is_error = |issue: &Issue| issue.severity == Severity::Error;
        wrong.extend(doubts.extract_if(.., |issue| is_error(issue)));
        if wrong.is_empty() {
            let servers = known;
            Ok((order, Self { servers, fresh }, doubts))
        } else {
            Err(wrong)
        }
    }
}

fn describe(
    (name, server): (&str, &sandgate_config::Server),
    values: &ResolvedServer,
    given: &Given,
    loaded: &Loaded,
    limits: Limits,
) -> ServerConfig {
    let transport = match (&server.url, &server.command) {
        (Some(url), _) => {
            // The headers were checked when the file was read.
            let headers: HeaderMap = values
                .headers
                .iter()
                .filter_map(|(name, value)| {
                    let mut value = HeaderValue::from_str(value.expose()).ok()?;
                    value.set_sensitive(true);
                    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
                })
                .collect();
            Transport::Http {
                url: url.0.clone(),
                headers,
            }
        }
        (None, command) => {
            let command = command.clone().unwrap_or_default();
            // A path is relative to the file. A bare name is looked up.
            let command = if command.contains('/') {
                loaded.files.path(command.as_ref()).display().to_string()
            } else {
                command
            };
            let cwd = match &server.cwd {
                Some(cwd) => loaded.files.path(cwd),
                None => loaded.files.path("".as_ref()),
            };
            Transport::Stdio {
                command,
                args: server.args.clone(),
                env: given.with(values),
                cwd: Some(cwd),
            }
        }
    };
    ServerConfig {
        package: server.source().as_ref().map(ToString::to_string),
        connect_timeout: server.connect_timeout.0,
        start_timeout: server.start_timeout.0,
        list_timeout: server.list_timeout.0,
        request_timeout: server.request_timeout.0,
        limits,
        max_concurrent: count(server.max_concurrent),
        max_children: count(server.max_children),
        share: match server.share {
            sandgate_config::Sharing::None => Share::None,
            sandgate_config::Sharing::Principal => Share::Principal,
            sandgate_config::Sharing::All => Share::All,
        },
        keep_alive: server.keep_alive.0,
        forward_authorization: server.forward_authorization,
        forward_trace_state: server.forward_trace_state,
        ..ServerConfig::new(name, transport)
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;
    use std::sync::LazyLock;

    use rcgen::{CertificateParams, KeyPair};
    use sandgate_config::Environment;

    use super::*;

    const PROGRAM: &str = "command = \"true\"";
    const CONTAINED: &str = "command = \"true\"\ncontain = true";
    const ENDPOINT: &str = "url = \"http://127.0.0.1:1/mcp\"";

    /// Each key of `[servers.NAME]` with a value that is not its default, and the lines for a program or an endpoint
    /// that it needs.
    const KEYS: [(&str, &str, &str); 21] = [
        ("", "command", "\"false\""),
        (PROGRAM, "args", "[\"x\"]"),
        (PROGRAM, "env", "{ X = \"y\" }"),
        (PROGRAM, "cwd", "\"elsewhere\""),
        (PROGRAM, "contain", "true"),
        (CONTAINED, "egress", "[\"api.github.com\"]"),
        (
            CONTAINED,
            "secrets",
            "{ KEY = { from-command = [\"echo\", \"one-of-many-values\"], give = \"file\" } }",
        ),
        ("", "url", "\"http://127.0.0.1:2/mcp\""),
        (ENDPOINT, "headers", "{ X-A = \"b\" }"),
        (ENDPOINT, "connect-timeout", "\"9s\""),
        (ENDPOINT, "start-timeout", "\"9s\""),
        (ENDPOINT, "list-timeout", "\"9s\""),
        (ENDPOINT, "request-timeout", "\"9s\""),
        (ENDPOINT, "max-concurrent", "9"),
        (PROGRAM, "max-children", "9"),
        (PROGRAM, "share", "\"principal\""),
        (ENDPOINT, "keep-alive", "\"9s\""),
        (ENDPOINT, "ca", "\"ca.pem\""),
        (ENDPOINT, "forward-authorization", "true"),
        (
            ENDPOINT,
            "exchange",
            "{ token-endpoint = \"https://id.example.com/token\", client-id = \"g\", client-secret = \"s\", audience = \"a\" }",
        ),
        (ENDPOINT, "forward-trace-state", "true"),
    ];

    /// The same for all: servers with different ones would differ.
    static REDACTOR: LazyLock<Arc<Redactor>> = LazyLock::new(Arc::default);

    fn stock(folder: &Path, lines: &str, before: &KnownServers) -> (Arc<Server>, KnownServers) {
        let file = folder.join("sandgate.toml");
        // Tokens can be exchanged where clients have some.
        let issued = match lines.contains("exchange") {
            true => {
                "[authorization]\nresource = \"https://mcp.example.com\"\n\
                 [[authorization.issuers]]\nissuer = \"https://id.example.com\"\n"
            }
            false => "",
        };
        std::fs::write(&file, format!("{issued}[servers.desk]\n{lines}\n")).unwrap();
        let loaded = Loaded::read(&file).unwrap_or_else(|_| panic!("wrong: {lines}"));
        let environment = Environment::of_process();
        let resolved = loaded.resolve(&environment);
        let resolved = resolved.unwrap_or_else(|_| panic!("wrong: {lines}"));
        let fetched = Fetched::of(&loaded, &environment);
        let around = Around {
            limits: Limits::default(),
            connections: Arc::new(Unrecorded),
            redactor: REDACTOR.clone(),
            fetched: fetched.unwrap_or_else(|_| panic!("wrong: {lines}")),
            ahead: false,
        };
        let stocked = before.stock(&loaded, &resolved, &environment, &around);
        let (servers, known, _) = stocked.unwrap_or_else(|_| panic!("wrong: {lines}"));
        (servers[0].clone(), known)
    }

    #[test]
    fn a_server_is_replaced_when_any_of_its_keys_changes_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let ca = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let ca = ca.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        for (beside, key, value) in &KEYS {
            let base = match *key {
                "command" => PROGRAM,
                "url" => ENDPOINT,
                _ => beside,
            };
            let (first, known) = stock(folder.path(), base, &KnownServers::default());
            let (same, known) = stock(folder.path(), base, &known);
            assert!(Arc::ptr_eq(&first, &same), "{key}: nothing changed");
            let changed = format!("{beside}\n{key} = {value}");
            let (other, _) = stock(folder.path(), &changed, &known);
            assert!(!Arc::ptr_eq(&first, &other), "{key} keeps the old server");
        }
    }

    #[test]
    fn a_key_that_is_left_out_has_one_default_in_the_file_and_in_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        for lines in [PROGRAM, ENDPOINT] {
            let (server, _) = stock(folder.path(), lines, &KnownServers::default());
            let read = server.config();
            let defaults = ServerConfig {
                redactor: read.redactor.clone(),
                ..ServerConfig::new(read.name.clone(), read.transport.clone())
            };
            assert_eq!(*read, defaults, "{lines}");
        }
    }

    #[test]
    fn every_key_of_a_server_is_among_those_that_were_changed() {
        let properties = &sandgate_config::schema::value()["$defs"]["Server"]["properties"];
        for key in properties.as_object().unwrap().keys() {
            // These become `command`, `args` and `contain`, by the lock and what is installed, or decide whether they do.
            // Where a server came from changes nothing of it.
            let apart = ["package", "bin", "image", "signed-by", "catalog"];
            let packaged = apart.contains(&key.as_str());
            assert!(
                packaged || KEYS.iter().any(|(_, known, _)| known == key),
                "{key}"
            );
        }
    }
}
