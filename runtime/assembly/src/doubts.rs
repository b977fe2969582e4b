//! Warns of what is usable and probably a mistake: keys that contradict one another, and names that nothing has.

use std::net::IpAddr;

use sandgate_config::{
    ConditionName, Config, Destination, Environment, Issue, Loaded, PluginSource, Resolved,
    Sharing, Side, is_loopback,
};
use sandgate_pipeline::Globs;

use super::programs;
use crate::warning::warning;

/// The port of OTLP over gRPC, which the gateway does not speak.
const OTLP_GRPC: u16 = 4317;

/// All warnings of this kind.
pub(super) fn of(loaded: &Loaded, resolved: &Resolved, environment: &Environment) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (name, server) in &loaded.config.servers {
        if let Some(values) = resolved.servers.get(name) {
            issues.extend(programs::of(loaded, name, server, values, environment));
        }
        let headers = format!("/servers/{name}/headers");
        issues.extend(programs::given(loaded, &headers, &server.headers));
        if server.share == Sharing::All {
            let why = "one program serves everybody's sessions: what it keeps in memory (state, secrets, tasks) is one for all callers";
            let place = format!("/servers/{name}/share");
            let help = "write \"principal\", unless the program keeps nothing of a caller";
            issues.push(warning(loaded, &place, why).help(help));
        }
        if let Some(url) = &server.url
            && leads_back(&loaded.config, &url.0)
        {
            let why = "the gateway's own address: calls would go round in circles";
            let place = format!("/servers/{name}/url");
            issues.push(warning(loaded, &place, why).help("write the server's own URL"));
        }
    }
    issues.extend(listeners(loaded));
    issues.extend(gateway(loaded));
    issues.extend(rules(loaded));
    issues
}

fn leads_back(config: &Config, url: &http::Uri) -> bool {
    let listen = config.gateway.listen.0;
    let port = url.port_u16().unwrap_or(match url.scheme_str() {
        Some("https") => 443,
        _ => 80,
    });
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let here = host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip == listen.ip() || ip.is_loopback());
    let served = listen.ip().is_loopback()
        || listen.ip().is_unspecified()
        || host.parse() == Ok(listen.ip());
    listen.port() != 0 && port == listen.port() && here && served
}

fn listeners(loaded: &Loaded) -> Vec<Issue> {
    let mut issues = Vec::new();
    let (listen, telemetry) = (loaded.config.gateway.listen.0, &loaded.config.telemetry);
    if let Some(metrics) = telemetry.metrics.map(|metrics| metrics.0) {
        let either = |ip: IpAddr| ip.is_unspecified();
        let same = metrics.ip() == listen.ip() || either(metrics.ip()) || either(listen.ip());
        if metrics.port() != 0 && metrics.port() == listen.port() && same {
            let why = format!("port {} is what `gateway.listen` has", metrics.port());
            let issue = loaded.error("/telemetry/metrics", Side::Value, why);
            issues.push(issue.help("give the metrics a port of their own, for example 9808"));
        }
    }
    if let Some(collector) = &telemetry.otlp
        && collector.0.port_u16() == Some(OTLP_GRPC)
    {
        let why = "port 4317 is for OTLP over gRPC, and spans are sent over HTTP";
        let issue = warning(loaded, "/telemetry/otlp", why);
        issues.push(issue.help("write the collector's port for HTTP, which is 4318 by default"));
    }
    if let Some(collector) = &telemetry.otlp
        && collector.0.scheme_str() == Some("http")
        && !telemetry.otlp_headers.is_empty()
        && !is_loopback(&collector.0)
    {
        let why = "the headers go to the collector in the clear";
        let issue = warning(loaded, "/telemetry/otlp-headers", why);
        issues.push(issue.help("write the collector's URL with https"));
    }
    issues
}

fn gateway(loaded: &Loaded) -> Vec<Issue> {
    let mut issues = Vec::new();
    let (config, gateway) = (&loaded.config, &loaded.config.gateway);
    let mut doubt = |place: &str, why: String, help: &str| {
        issues.push(warning(loaded, place, why).help(help));
    };
    if gateway.allow_unauthenticated
        && (!config.clients.is_empty() || config.authorization.is_some())
    {
        doubt(
            "/gateway/allow-unauthenticated",
            "has no effect: there are clients, and whoever is none of them is turned away".into(),
            "leave it out; or leave out [clients], where something in front asks who calls",
        );
    }
    let public = gateway.public_url.as_ref();
    if gateway.tls.is_some() && public.is_some_and(|url| url.0.starts_with("http://")) {
        doubt(
            "/gateway/public-url",
            "begins with http, and the gateway serves by TLS alone".into(),
            "write https",
        );
    }
    let limits = &gateway.limits;
    // One caller has at most half of the memory, and a message takes at least twice its text.
    let largest = limits.max_memory.0 / 4;
    if limits.max_body.0 > largest {
        doubt(
            "/gateway/limits/max-body",
            format!(
                "so large a message never fits: of `max-memory` a message may have {largest} bytes"
            ),
            "raise `max-memory` to at least four times `max-body`, or lower `max-body`",
        );
    }
    let never = |name: ConditionName| match name {
        ConditionName::CallLog if config.call_log.to == Some(Destination::None) => {
            Some("the call log is `none`")
        }
        ConditionName::State if gateway.state.is_none() => Some("there is no `state` file"),
        ConditionName::CertificateExpiring | ConditionName::CertificateExpired
            if gateway.tls.is_none() =>
        {
            Some("there is no [gateway.tls]")
        }
        _ => None,
    };
    for (index, name) in gateway.not_ready_when.iter().flatten().enumerate() {
        if let Some(why) = never(*name) {
            doubt(
                &format!("/gateway/not-ready-when/{index}"),
                format!("{:?} never holds: {why}", name.as_str()),
                "leave it out",
            );
        }
    }
    issues
}

/// Warns of rules of `allow-tools` that name callers or servers that do not exist: such a rule allows nothing, or
/// nobody.
fn rules(loaded: &Loaded) -> Vec<Issue> {
    let config = &loaded.config;
    let clients: Vec<&str> = config.clients.keys().map(String::as_str).collect();
    let groups = config.clients.values().flat_map(|client| &client.groups);
    let groups: Vec<&str> = groups.map(String::as_str).collect();
    let servers: Vec<&str> = config.servers.keys().map(String::as_str).collect();
    let mut issues = Vec::new();
    for (index, interceptor) in config.interceptors.iter().enumerate() {
        if interceptor.plugin != PluginSource::Builtin("allow-tools".into()) {
            continue;
        }
        let settings = serde_json::to_value(&interceptor.settings).unwrap_or_default();
        let rules = settings["rules"].as_array().into_iter().flatten();
        for (n, rule) in rules.enumerate() {
            let texts = |key: &str| {
                let list = rule[key].as_array().into_iter().flatten().enumerate();
                let texts = list.filter_map(|(i, text)| Some((i, text.as_str()?.to_owned())));
                texts.collect::<Vec<_>>()
            };
            let mut doubt = |key: &str, i: usize, what: &str, glob: &str, known: &[&str]| {
                // Who comes with a token is known when the token comes.
                let caller = matches!(what, "client" | "group");
                if caller && config.authorization.is_some() || fits_one(glob, known) {
                    return;
                }
                let place = format!("/interceptors/{index}/settings/rules/{n}/{key}/{i}");
                let issue = warning(loaded, &place, format!("no {what} fits {glob:?}"));
                let known = known_ones(what, known);
                issues.push(issue.help(known));
            };
            for (i, who) in texts("who") {
                match who.split_once(':') {
                    Some(("client", name)) => doubt("who", i, "client", name, &clients),
                    Some(("group", name)) => doubt("who", i, "group", name, &groups),
                    _ => {}
                }
            }
            for (i, allowed) in texts("allow") {
                if let Some((server, _)) = allowed.split_once('/') {
                    doubt("allow", i, "server", server, &servers);
                }
            }
        }
    }
    issues
}

fn fits_one(glob: &str, names: &[&str]) -> bool {
    // In these rules only `*` and `?` are wildcards.
    let literal = glob.replace(['[', ']', '{', '}', '\\'], "?");
    match Globs::new([literal.as_str()]) {
        Ok(globs) => names.iter().any(|name| globs.matches(name)),
        Err(_) => true,
    }
}

/// The help text: `the clients are: a, b`.
pub(super) fn known_ones(what: &str, names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => format!("there is no {what} in the configuration"),
        names => format!("the {what}s are: {}", names.join(", ")),
    }
}
