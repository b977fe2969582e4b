//! The values of a configuration that come from outside the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::alert::Receiver;
use super::call_log::{ResolvedSink, SinkTarget};
use super::issue::{Issue, Report, Severity};
use super::secret::{Environment, Secret, Sources, ValueOrRef};
use sandgate_message::pointer::push;

use super::settings::ResolvedSettings;
use super::source::Side;
use super::{Interceptor, Loaded, PluginSource, fill_in, wording};

/// The values that the file takes from the environment and from other files.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The servers' values, by name.
    pub servers: BTreeMap<String, ResolvedServer>,
    /// The interceptors' values, in the file's order.
    pub interceptors: Vec<ResolvedInterceptor>,
    /// The gateway's secrets at the issuers that it asks about tokens, in the file's order.
    pub introspection: Vec<Option<Secret>>,
    /// The headers of requests to the collector.
    pub otlp_headers: Vec<(String, Secret)>,
    /// The sinks of the call log, in the file's order.
    pub call_log_sinks: Vec<ResolvedSink>,
    /// The receivers of alerts, in the file's order.
    pub alerts: Vec<Receiver>,
    /// The secrets of these receivers.
    pub alert_secrets: Vec<Secret>,
    /// Warnings of variables that are granted and not set.
    pub warnings: Vec<Issue>,
}

/// A server's values.
#[derive(Clone, Debug, Default)]
pub struct ResolvedServer {
    /// The values of `env`.
    pub env: Vec<(String, Secret)>,
    /// The values of `headers`.
    pub headers: Vec<(String, Secret)>,
    /// The secret of `exchange`.
    pub exchange: Option<Secret>,
}

/// An interceptor's values.
#[derive(Clone, Debug)]
pub struct ResolvedInterceptor {
    /// The values of `settings`.
    pub settings: ResolvedSettings,
    /// The variables of `grants.env` that are set. All of them come from outside the file.
    pub env: Vec<(String, String)>,
    /// The values of the candidate.
    pub candidate: Option<Box<Self>>,
}

impl Resolved {
    /// Every value that the gateway brings to servers and plugins. These are the operator's, never a caller's.
    pub fn managed(&self) -> Vec<Zeroizing<String>> {
        let servers = self.servers.values();
        let servers = servers.flat_map(|server| server.env.iter().chain(&server.headers));
        let servers = servers.map(|(_, secret)| secret.expose());
        let all = self.interceptors.iter();
        let all = all.flat_map(|one| [Some(one), one.candidate.as_deref()]);
        let interceptors = all.flatten().flat_map(|one| {
            let settings = one.settings.outside.iter();
            let settings = settings.filter_map(|at| one.settings.value.pointer(at)?.as_str());
            settings.chain(one.env.iter().map(|(_, value)| value.as_str()))
        });
        let exchanges = self
            .servers
            .values()
            .filter_map(|server| server.exchange.as_ref());
        let collector = self.otlp_headers.iter().map(|(_, secret)| secret);
        let issuers = self.introspection.iter().flatten().chain(exchanges);
        let issuers = issuers.chain(collector).chain(&self.alert_secrets);
        let sinks = self
            .call_log_sinks
            .iter()
            .filter_map(|sink| match &sink.to {
                SinkTarget::Url(_, token) => token.as_ref(),
                SinkTarget::Syslog(_) => None,
            });
        let issuers = issuers.chain(sinks);
        let issuers = issuers.map(Secret::expose);
        servers
            .chain(interceptors)
            .chain(issuers)
            .map(|value| Zeroizing::new(value.to_owned()))
            .collect()
    }
}

/// The JSON pointer of these segments.
fn pointer(segments: &[&str]) -> String {
    let mut pointer = String::new();
    for segment in segments {
        push(&mut pointer, segment);
    }
    pointer
}

impl Loaded {
    /// Fetches all values.
    ///
    /// # Errors
    ///
    /// Reports every value that is missing.
    pub fn resolve(&self, environment: &Environment) -> Result<Resolved, Report> {
        let sources = Sources {
            environment,
            files: &self.files,
        };
        let mut resolved = Resolved::default();
        let mut issues = Vec::new();
        for (name, server) in &self.config.servers {
            for (pointer, what) in fill_in::left(name, server) {
                let issue = self.error(
                    &pointer,
                    Side::Value,
                    format!("{what} is still to be filled in"),
                );
                let help =
                    "write it in the place of `<fill in: …>`; the comments above say what it is";
                issues.push(issue.help(help));
            }
            let mut all = |key: &str, given| {
                let place = pointer(&["servers", name, key]);
                self.values(&place, given, sources, &mut issues)
            };
            let (env, headers) = (all("env", &server.env), all("headers", &server.headers));
            let given = server.exchange.as_ref().map(|it| &it.client_secret);
            let exchange = given.and_then(|given| match given.resolve(sources) {
                Ok(secret) => Some(secret),
                Err(error) => {
                    let place = pointer(&["servers", name, "exchange", "client-secret"]);
                    issues.push(self.error_at(&place, Side::Value, error));
                    None
                }
            });
            let server = ResolvedServer {
                env,
                headers,
                exchange,
            };
            self.check_headers(
                &pointer(&["servers", name, "headers"]),
                &server.headers,
                &mut issues,
            );
            resolved.servers.insert(name.clone(), server);
        }
        let headers = &self.config.telemetry.otlp_headers;
        let place = "/telemetry/otlp-headers";
        resolved.otlp_headers = self.values(place, headers, sources, &mut issues);
        self.check_headers(place, &resolved.otlp_headers, &mut issues);
        for (index, sink) in self.config.call_log.sinks.iter().enumerate() {
            match sink.resolved(sources) {
                Ok(sink) => resolved.call_log_sinks.push(sink),
                Err((key, why)) => {
                    let place = format!("/call-log/sinks/{index}/{key}");
                    issues.push(self.error_at(&place, Side::Value, why));
                }
            }
        }
        for (index, alert) in self.config.alerts.iter().enumerate() {
            match alert.receiver(sources) {
                Ok((receiver, secrets)) => {
                    resolved.alerts.push(receiver);
                    resolved.alert_secrets.extend(secrets);
                }
                Err((key, why)) => {
                    let place = format!("/alerts/{index}/to/{key}");
                    issues.push(self.error_at(&place, Side::Value, why));
                }
            }
        }
        let issuers = self.config.authorization.iter().flat_map(|it| &it.issuers);
        for (index, issuer) in issuers.enumerate() {
            let given = issuer.introspection.as_ref().map(|it| &it.client_secret);
            let secret = given.and_then(|given| match given.resolve(sources) {
                Ok(secret) => Some(secret),
                Err(error) => {
                    let place =
                        format!("/authorization/issuers/{index}/introspection/client-secret");
                    issues.push(self.error_at(&place, Side::Value, error));
                    None
                }
            });
            resolved.introspection.push(secret);
        }
        for (index, interceptor) in self.config.interceptors.iter().enumerate() {
            let mut of = |interceptor: &Interceptor, own: &dyn Fn(&str) -> Option<String>| {
                let mut env = Vec::new();
                for (position, name) in interceptor.grants.env.iter().enumerate() {
                    match (environment.get(name), own("grants")) {
                        (Some(value), _) => env.push((name.clone(), value.to_owned())),
                        // The warning is given for the interceptor that the grants belong to.
                        (None, None) => {}
                        (None, Some(place)) => {
                            let pointer = format!("{place}/grants/env/{position}");
                            let error = format!(
                                "the environment variable `{name}` is not set; the plugin will not see it"
                            );
                            let issue = self.error_at(&pointer, Side::Value, error);
                            resolved.warnings.push(Issue {
                                severity: Severity::Warning,
                                ..issue
                            });
                        }
                    }
                }
                let failures = match interceptor.settings.resolve(sources) {
                    Ok(settings) => {
                        return Some(ResolvedInterceptor {
                            settings,
                            env,
                            candidate: None,
                        });
                    }
                    Err(failures) => failures,
                };
                for ((pointer, error), place) in
                    failures.into_iter().zip(std::iter::repeat(own("settings")))
                {
                    let Some(place) = place else { continue };
                    let pointer = format!("{place}/settings{pointer}");
                    issues.push(self.error_at(&pointer, Side::Value, error));
                }
                None
            };
            let place = format!("/interceptors/{index}");
            let live = of(interceptor, &|_| Some(place.clone()));
            let tried = interceptor.promoted().zip(interceptor.candidate.as_ref());
            let candidate = tried.and_then(|(promoted, candidate)| {
                of(&promoted, &|key| {
                    candidate.has(key).then(|| format!("{place}/candidate"))
                })
            });
            resolved
                .interceptors
                .extend(live.map(|live| ResolvedInterceptor {
                    candidate: candidate.map(Box::new),
                    ..live
                }));
        }
        if issues.is_empty() {
            Ok(resolved)
        } else {
            Err(self.report(issues))
        }
    }

    /// Every other file that this one names, whether it exists or not: plugins, and the files of values and
    /// certificates. A change of such a file is a change of the configuration, for example a rotated secret.
    pub fn other_files(&self) -> Vec<PathBuf> {
        let plugins = self
            .config
            .interceptors
            .iter()
            .flat_map(|one| {
                let tried = one.candidate.as_ref().and_then(|one| one.plugin.as_ref());
                [Some(&one.plugin), tried].into_iter().flatten()
            })
            .filter_map(|plugin| match plugin {
                PluginSource::File(path) => Some(path.clone()),
                // What is in a registry changes with the lock alone.
                PluginSource::Builtin(_) | PluginSource::Registry(_) => None,
            });
        let settings = self
            .config
            .interceptors
            .iter()
            .flat_map(|one| {
                let tried = one.candidate.as_ref().and_then(|one| one.settings.as_ref());
                [Some(&one.settings), tried].into_iter().flatten()
            })
            .flat_map(|settings| settings.files());
        let given = self
            .config
            .servers
            .values()
            .flat_map(|server| server.env.values().chain(server.headers.values()));
        let issuers = || self.config.authorization.iter().flat_map(|it| &it.issuers);
        let secrets =
            issuers().filter_map(|issuer| Some(&issuer.introspection.as_ref()?.client_secret));
        let exchanges = || {
            self.config
                .servers
                .values()
                .filter_map(|server| server.exchange.as_ref())
        };
        let sinks = || self.config.call_log.sinks.iter();
        let values = given
            .chain(secrets)
            .chain(exchanges().map(|it| &it.client_secret))
            .chain(self.config.alerts.iter().flat_map(|alert| alert.given()))
            .chain(sinks().filter_map(|sink| sink.token.as_ref()))
            .filter_map(|given| given.file().map(Path::to_owned));
        let tls = self.config.gateway.tls.iter();
        let certificates = tls
            .flat_map(|tls| {
                [
                    Some(tls.cert.clone()),
                    Some(tls.key.clone()),
                    tls.client_ca.clone(),
                ]
            })
            .flatten()
            .chain(
                self.config
                    .servers
                    .values()
                    .filter_map(|server| server.ca.clone()),
            )
            .chain(issuers().filter_map(|issuer| issuer.ca.clone()))
            .chain(exchanges().filter_map(|exchange| exchange.ca.clone()))
            .chain(sinks().filter_map(|sink| sink.ca.clone()));
        let secrets = self.config.servers.values();
        let secrets = secrets.flat_map(|server| server.secrets.values());
        let secrets = secrets.flat_map(|secret| secret.files().cloned());
        let signers = self.config.servers.values();
        let signers = signers.filter_map(|server| server.signed_by.as_ref());
        let of_plugins = self.config.interceptors.iter();
        let signers = signers.chain(of_plugins.filter_map(|one| one.signed_by.as_ref()));
        let signers = signers.flat_map(|by| by.files().cloned());
        let packages = self
            .config
            .servers
            .values()
            .any(|server| server.source().is_some());
        let remote = self.config.has_remote_plugins();
        let lock = (packages || remote || self.config.gateway.require_lock)
            .then(|| "sandgate.lock".into());
        plugins
            .chain(lock)
            .chain(settings)
            .chain(values)
            .chain(secrets)
            .chain(certificates)
            .chain(signers)
            .map(|path| self.files.path(&path))
            .collect()
    }

    /// The values of a table, by name.
    fn values(
        &self,
        place: &str,
        given: &BTreeMap<String, ValueOrRef>,
        sources: Sources<'_>,
        issues: &mut Vec<Issue>,
    ) -> Vec<(String, Secret)> {
        let mut values = Vec::new();
        for (name, given) in given {
            match given.resolve(sources) {
                Ok(secret) => values.push((name.clone(), secret)),
                Err(error) => {
                    let mut place = place.to_owned();
                    push(&mut place, name);
                    issues.push(self.error_at(&place, Side::Value, error));
                }
            }
        }
        values
    }

    /// Reports the first value that no header can have.
    fn check_headers(&self, place: &str, headers: &[(String, Secret)], issues: &mut Vec<Issue>) {
        let fits = |secret: &Secret| http::HeaderValue::from_str(secret.expose()).is_ok();
        if let Some((header, _)) = headers.iter().find(|(_, secret)| !fits(secret)) {
            let mut place = place.to_owned();
            push(&mut place, header);
            let why = "the value has a line end or a control character, which no header may have";
            issues.push(self.error_at(&place, Side::Value, why));
        }
    }

    fn error_at(&self, pointer: &str, side: Side, why: impl std::fmt::Display) -> Issue {
        let issue = Issue::error(
            self.source.locate(pointer, side),
            format!("{}: {why}", wording::named(pointer)),
        );
        issue.help("set it, or correct the name")
    }
}
