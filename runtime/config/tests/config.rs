//! Configuration files, right and wrong. What is said of a wrong one stands beside it: `BLESS=1 cargo test` writes it anew.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sandgate_config::{
    Access, AdminSocket, AlertKind, Anchor, ConditionName, Config, Contain, Containing,
    Destination, Environment, Files, Give, Loaded, OnFailure, Period, PluginSource, Report, Scalar,
    SecretRef, ServerNetwork, Sharing, Side, Signal, SinkFormat, Size, Syslog, Target, TargetKind,
    ValueOrRef,
};
use sandgate_message::{Direction, Hook};
use sandgate_pipeline::{Mode, RefusalStyle, Sees};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/config")
        .join(name)
}

fn parse(text: &str) -> Result<Loaded, Report> {
    Loaded::parse(Path::new("sandgate.toml"), text.to_owned())
}

fn parse_right(name: &str) -> Loaded {
    parse(&std::fs::read_to_string(folder("right").join(name)).unwrap())
        .unwrap_or_else(|report| panic!("{report}"))
}

fn golden(path: &Path, actual: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let differs = |(actual, expected): &(&str, &str)| actual != expected;
    if let Some((actual, expected)) = actual.lines().zip(expected.lines()).find(differs) {
        panic!(
            "{} differs; BLESS=1 writes it anew:\n- {expected}\n+ {actual}",
            path.display()
        );
    }
    assert_eq!(
        actual.len(),
        expected.len(),
        "{} differs in length; BLESS=1 writes it anew",
        path.display()
    );
}

#[test]
fn every_wrong_file_is_told_what_is_wrong_with_it_where_and_what_to_do() {
    let mut files: Vec<_> = std::fs::read_dir(folder("wrong"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    assert!(files.len() >= 10);
    for path in files {
        let name = path.file_name().unwrap();
        let report =
            Loaded::parse(Path::new(name), std::fs::read_to_string(&path).unwrap()).unwrap_err();
        assert!(report.has_errors());
        for issue in &report.issues {
            assert!(
                issue.help.is_some(),
                "{}: no remedy for {}",
                path.display(),
                issue.message
            );
        }
        golden(&path.with_extension("txt"), &report.render(false));
    }
}

#[test]
fn every_key_is_read_as_it_was_written() {
    let Config {
        gateway,
        call_log,
        audit,
        telemetry,
        alerts,
        console,
        clients,
        authorization,
        views,
        servers,
        catalog,
        catalogs,
        interceptors,
    } = parse_right("all.toml").config;
    assert!(catalog.permits("company") && !catalog.permits("other"));
    assert_eq!(catalogs["company"].digest.0, [0x33; 32]);
    let origin = servers["everything"].catalog.as_ref().unwrap();
    assert_eq!(
        (&*origin.name, &*origin.entry),
        ("company", "io.example/everything")
    );
    assert_eq!(gateway.listen.0.to_string(), "[::1]:0");
    assert_eq!(gateway.allowed_hosts.len(), 2);
    assert_eq!(gateway.allowed_origins[0].0, "https://app.example.com");
    assert_eq!(gateway.refusal, Some(RefusalStyle::Error));
    assert!(!gateway.watch && gateway.allow_unauthenticated);
    let tls = gateway.tls.unwrap();
    assert_eq!(
        (tls.cert, tls.key, tls.client_ca),
        (
            "tls/chain.pem".into(),
            "tls/key.pem".into(),
            Some("tls/clients.pem".into())
        )
    );
    assert_eq!(gateway.public_url.unwrap().0, "https://mcp.example.com");
    assert_eq!(gateway.trusted_proxies[0].0.to_string(), "10.0.0.0/8");
    assert_eq!(
        (
            gateway.limits.max_requests,
            gateway.limits.max_memory,
            gateway.limits.connection_idle_timeout
        ),
        (50, Size::mib(256), Period::secs(30))
    );
    assert_eq!(gateway.limits.max_listeners, 20);
    let support = &views["support"];
    assert_eq!(
        (&support.clients[..], &support.groups[..]),
        (&["bob".to_owned()][..], &["support".to_owned()][..])
    );
    let read = |list: &[Target]| -> Vec<_> {
        list.iter()
            .map(|it| (it.kind, it.name.as_str().to_owned()))
            .collect()
    };
    assert_eq!(
        read(&support.allow),
        [
            (TargetKind::Tool, "get_*".to_owned()),
            (TargetKind::Prompt, "*".to_owned()),
            (TargetKind::Resource, "crm://*".to_owned()),
        ]
    );
    assert_eq!(support.deny[0].server.as_str(), "*");
    assert!(support.rate.is_some());
    let ada = &clients["ada@example.com"];
    assert_eq!(
        (ada.token_sha256.unwrap().0, &ada.groups[..]),
        ([0x11; 32], &["support".to_owned()][..])
    );
    let bob = clients["bob"].certificate.as_deref();
    assert_eq!(bob, Some("spiffe://example.com/bob"));
    let previous = ada.previous.as_ref().unwrap();
    assert_eq!(previous.token_sha256.0, [0x33; 32]);
    assert_eq!(previous.until.write(), "2027-01-01T00:00:00Z");
    let authorization = authorization.unwrap();
    let resource = authorization.resource.as_ref().unwrap();
    assert_eq!(resource.0, "https://mcp.example.com:8443");
    assert_eq!(authorization.claims, ["department"]);
    let [staff, partner] = &authorization.issuers[..] else {
        panic!("two issuers")
    };
    assert_eq!(staff.issuer.0, "https://id.example.com/tenant");
    let names = |issuer: &sandgate_config::Issuer| -> Vec<&str> {
        issuer.algorithms.iter().map(|one| one.as_str()).collect()
    };
    assert_eq!(names(staff), ["EdDSA", "PS512"]);
    assert_eq!(names(partner), ["ES256", "RS256"]);
    let types = (staff.token_type.as_str(), partner.token_type.as_str());
    assert_eq!(types, ("JWT", "at+jwt"));
    assert_eq!(staff.audiences, ["api://sandgate"]);
    assert_eq!(
        (&*staff.principal.0, &*partner.principal.0),
        ("/email", "/sub")
    );
    assert_eq!((&*staff.prefix, &*partner.prefix), ("staff:", "partner:"));
    assert_eq!(staff.groups.as_ref().unwrap().0, "/realm_access/roles");
    assert_eq!(
        staff.jwks_uri.as_ref().unwrap().0,
        "https://id.example.com/keys"
    );
    assert_eq!(staff.ca.as_deref(), Some(Path::new("tls/issuer.pem")));
    assert!(partner.loopback_http && !staff.loopback_http);
    let asked = partner.introspection.as_ref().unwrap();
    assert_eq!(
        asked.endpoint.as_ref().unwrap().0,
        "http://localhost:3000/introspect"
    );
    assert_eq!(asked.client_id, "gateway");
    assert!(
        matches!(&asked.client_secret, ValueOrRef::Ref(SecretRef::FromEnv(name)) if name == "ISSUER_SECRET")
    );
    assert_eq!(authorization.scopes.baseline, ["mcp"]);
    assert_eq!(read(&authorization.scopes.of["crm:write"]).len(), 2);
    assert_eq!(
        (gateway.state, gateway.cache),
        (Some("state.redb".into()), Some("cache".into()))
    );
    let admin = AdminSocket::Path("run/admin.sock".into());
    assert_eq!(gateway.admin, Some(admin));
    assert_eq!(gateway.workers, Some(2));
    assert_eq!(gateway.limits.max_body, Size(1 << 20));
    assert_eq!(
        (gateway.limits.max_depth, gateway.limits.max_sessions),
        (64, 10)
    );
    assert_eq!(
        (
            gateway.limits.max_connections,
            gateway.limits.max_streams,
            gateway.limits.max_in_flight
        ),
        (100, 8, 4)
    );
    assert_eq!(
        (gateway.limits.header_timeout, gateway.limits.body_timeout),
        (Period::secs(5), Period::secs(6))
    );
    assert_eq!(gateway.limits.idle_timeout, Period::secs(3600));
    assert_eq!(gateway.limits.drain_timeout, Period::secs(30));
    assert_eq!(gateway.limits.lame_duck, Some(Period::secs(5)));
    let unready = [ConditionName::CallLog, ConditionName::CertificateExpired];
    assert_eq!(gateway.not_ready_when.as_deref(), Some(&unready[..]));
    assert!(gateway.why_values);
    assert!(gateway.require_containment && gateway.require_lock && gateway.require_signatures);
    assert_eq!(call_log.to, Some(Destination::File("calls.jsonl".into())));
    assert!(call_log.payloads);
    assert_eq!(call_log.on_failure, OnFailure::Continue);
    assert_eq!(call_log.hash_key, Some("hash.key".into()));
    assert_eq!(call_log.max_size, Some(Size::mib(100)));
    assert_eq!(call_log.max_age, Some(Period::secs(24 * 3600)));
    assert_eq!(call_log.max_files.map(|count| count.get()), Some(30));
    assert_eq!(call_log.keep, Some(Period::secs(90 * 24 * 3600)));
    let [syslog, url] = &call_log.sinks[..] else {
        panic!("two sinks")
    };
    assert!(matches!(&syslog.syslog, Some(Syslog::Tls(host)) if host.port == 6514));
    assert_eq!(
        (syslog.ca.as_deref(), syslog.format, syslog.queue),
        (
            Some(Path::new("log-ca.pem")),
            SinkFormat::Record,
            Size::mib(8)
        )
    );
    assert_eq!(url.url.as_ref().unwrap().0, "https://siem.example.com/in");
    assert!(
        matches!(&url.token, Some(ValueOrRef::Ref(SecretRef::FromEnv(name))) if name == "SIEM_TOKEN")
    );
    assert_eq!((url.format, url.queue), (SinkFormat::Ocsf, Size::mib(16)));
    assert_eq!(console.unwrap().listen.0.to_string(), "127.0.0.1:9809");
    let audit = audit.unwrap();
    assert_eq!(
        (audit.key, audit.every),
        ("audit.key".into(), Period::secs(10))
    );
    assert_eq!(audit.former_keys, ["gateway.example.com+3f1c9a52+AbJw"]);
    let anchor = Anchor::File("/mnt/anchor/checkpoints".into());
    assert_eq!(audit.anchor, Some(anchor));
    let [flow, stopped, pins, faults] = &alerts[..] else {
        panic!("four alerts")
    };
    assert_eq!(
        (&*flow.name, &flow.on[..]),
        (
            "flow",
            &[AlertKind::Finding, AlertKind::Refusals, AlertKind::Latency][..]
        )
    );
    let globs = [
        flow.rule.as_slice(),
        &flow.servers,
        &flow.tools,
        &flow.clients,
    ];
    assert_eq!(
        globs.map(|globs| globs[0].as_str()),
        ["flow-guard.*", "c*", "send_*", "alice@*"]
    );
    assert_eq!(
        (flow.more_than, flow.within, flow.repeat_after),
        (5, Period::secs(3600), Period::secs(7200))
    );
    assert_eq!(flow.slower_than, Some(Period::secs(2)));
    assert_eq!(
        flow.to.webhook.as_ref().unwrap().0,
        "https://hooks.example.com/x"
    );
    assert_eq!(
        flow.to.secret.as_ref().unwrap().file(),
        Some(Path::new("/run/secrets/hook"))
    );
    assert_eq!(
        (stopped.more_than, stopped.within, stopped.repeat_after),
        (0, Period::secs(60), Period::secs(3600))
    );
    assert!(
        matches!(&stopped.to.slack, Some(ValueOrRef::Ref(SecretRef::FromEnv(name))) if name == "SLACK_HOOK")
    );
    assert_eq!(
        pins.to.alertmanager.as_ref().unwrap().0,
        "http://127.0.0.1:9093"
    );
    let syslog = Syslog::Udp("127.0.0.1:514".parse().unwrap());
    assert_eq!(faults.to.syslog, Some(syslog));
    assert_eq!(telemetry.metrics.unwrap().0.port(), 9808);
    let signals = [Signal::Traces, Signal::Metrics, Signal::Logs];
    assert!(signals.into_iter().all(|signal| telemetry.sends(signal)));
    assert_eq!(telemetry.otlp.unwrap().0, "http://127.0.0.1:4318");
    assert_eq!(telemetry.otlp_headers.len(), 1);
    assert_eq!(telemetry.otlp_interval, Period::secs(30));
    assert!(telemetry.sample.fraction() < 0.11);
    assert_eq!(
        telemetry.resource["deployment.environment.name"],
        "production"
    );
    let time = &servers["time"];
    assert_eq!(time.command.as_deref(), Some("mcp-server-time"));
    assert_eq!(time.args, ["--local-timezone", "UTC"]);
    assert_eq!(time.cwd, Some("work".into()));
    assert_eq!(
        (time.connect_timeout, time.request_timeout),
        (Period::secs(3), Period::secs(60))
    );
    assert_eq!(
        servers["crm"].url.as_ref().unwrap().0,
        "https://crm.example.com/mcp"
    );
    assert_eq!(
        servers["crm"].headers["Authorization"].file(),
        Some(Path::new("/run/secrets/crm"))
    );
    assert_eq!((time.max_concurrent, time.max_children), (7, 3));
    let everything = &servers["everything"];
    let package = everything.package.as_ref().map(ToString::to_string);
    assert_eq!(
        package.as_deref(),
        Some("npm:@modelcontextprotocol/server-everything@2026.8.31")
    );
    assert_eq!(everything.bin.as_deref(), Some("mcp-server-everything"));
    let notes = &servers["notes"];
    let image = notes.source().map(|image| image.to_string());
    assert_eq!(
        image.as_deref(),
        Some("image:ghcr.io/example/notes-server:1.4.0")
    );
    let signed = notes.signed_by.as_ref().unwrap();
    let identity = signed.identity.as_ref().unwrap();
    assert!(identity.0.ends_with("release.yml@refs/tags/*"));
    assert_eq!(signed.files().count(), 1);
    let mounts = notes.contain.as_ref().and_then(Contain::wanted).unwrap();
    let access = |at: &str| mounts.mounts[at].access;
    assert_eq!(
        (access("/data"), access("/zones")),
        (Access::Rw, Access::Ro)
    );
    assert_eq!(time.share, Sharing::Principal);
    let contain = time.contain.as_ref().and_then(Contain::wanted).unwrap();
    assert_eq!(
        (contain.with, contain.network),
        (Some(Containing::Landlock), ServerNetwork::Host)
    );
    assert_eq!(
        (&contain.read[..], &contain.write[..], &contain.cache),
        (
            &["zones".into()][..],
            &["work".into()][..],
            &Some("packages".into())
        )
    );
    assert_eq!(contain.environment, ["LANG"]);
    assert_eq!(
        (contain.memory, contain.file_size, contain.tmp),
        (Size::mib(256), Size::mib(1), Size::mib(16))
    );
    assert_eq!(
        (contain.processes, contain.cpus, contain.files),
        (64, 1, 256)
    );
    let tickets = &servers["tickets"].secrets;
    let key = &tickets["TICKETS_KEY"];
    assert_eq!((key.give, key.ttl), (Give::Inject, Some(Period::secs(900))));
    assert_eq!(
        (key.header.as_deref(), key.format.as_deref()),
        (Some("Authorization"), Some("Bearer {}"))
    );
    let hosts = key.hosts.as_ref().unwrap();
    assert_eq!(
        (hosts.len(), hosts[0].host.to_string(), hosts[0].port),
        (1, "api.example.com".to_owned(), 443)
    );
    assert_eq!(key.methods.as_ref().unwrap().len(), 2);
    assert_eq!(key.paths.as_ref().unwrap()[..], ["/v1/*"]);
    assert_eq!(key.ca, Some("tls/tickets.pem".into()));
    let vault = key.from_vault.as_ref().unwrap();
    assert_eq!(vault.address.0.host(), Some("vault.internal"));
    assert_eq!(
        (&*vault.mount, &*vault.path, &*vault.key),
        ("kv", "mcp/tickets", "token")
    );
    assert_eq!(
        (vault.namespace.as_deref(), &vault.ca),
        (Some("desk"), &Some("tls/vault.pem".into()))
    );
    assert_eq!(
        vault.token.one(),
        Some(SecretRef::FromEnv("VAULT_TOKEN".into()))
    );
    let user = &tickets["TICKETS_USER"];
    assert_eq!(
        (user.from_env.as_deref(), user.give),
        (Some("TICKETS_USER"), Give::Env)
    );
    let certificate = &tickets["TICKETS_CERT"];
    assert_eq!(
        (&certificate.from_file, certificate.give),
        (&Some("tickets.key".into()), Give::File)
    );
    let seed = tickets["TICKETS_SEED"].from_command.as_ref().unwrap();
    assert_eq!(seed[..], ["pass", "mcp/tickets"]);
    let salt = tickets["TICKETS_SALT"].from_age.as_ref().unwrap();
    assert_eq!(
        (&salt.file, &salt.key, &*salt.name),
        (&"all.age".into(), &"all.key".into(), "salt")
    );
    let crm = &servers["crm"];
    assert_eq!(
        (crm.keep_alive, crm.ca.as_deref(), crm.forward_authorization),
        (Period::secs(2), Some(Path::new("tls/authority.pem")), false)
    );
    let exchange = servers["erp"].exchange.as_ref().unwrap();
    assert_eq!(exchange.token_endpoint.0, "https://id.example.com/token");
    assert_eq!(
        (&*exchange.client_id, &*exchange.audience),
        ("gateway", "erp")
    );
    assert!(
        matches!(&exchange.client_secret, ValueOrRef::Ref(SecretRef::FromEnv(name)) if name == "EXCHANGE_SECRET")
    );
    assert_eq!(exchange.scope.as_deref(), Some("erp.read erp.write"));
    assert_eq!(exchange.ca.as_deref(), Some(Path::new("tls/issuer.pem")));
    assert!(exchange.loopback_http);
    let scrub = &interceptors[0];
    assert_eq!(scrub.plugin, PluginSource::Builtin("pii-scrubber".into()));
    assert_eq!(scrub.digest.unwrap().0, [0; 32]);
    assert_eq!(
        (&scrub.hooks[..], &scrub.directions[..]),
        (&[Hook::PostCall][..], &[Direction::ClientToServer][..])
    );
    let globs = [
        &scrub.events,
        &scrub.servers,
        &scrub.targets,
        &scrub.principals,
        &scrub.groups,
    ];
    assert_eq!(
        globs.map(|globs| globs[0].as_str()),
        ["tools/call", "c*", "lookup_*", "alice@*", "support"]
    );
    assert_eq!(
        (scrub.mode, scrub.fail_open, scrub.fault_detail, scrub.sees),
        (Mode::Audit, true, true, Sees::Raw)
    );
    assert_eq!(
        (scrub.timeout, scrub.memory),
        (Some(Period::millis(50)), Some(Size::mib(16)))
    );
    assert_eq!(
        (scrub.max_concurrent, scrub.refusal),
        (4, Some(RefusalStyle::Result))
    );
    assert_eq!(scrub.grants.http[1].0, "private:*.internal");
    assert_eq!(
        (scrub.grants.state, scrub.grants.dirs["/rules"].access),
        (true, Access::Rw)
    );
    assert_eq!(scrub.grants.env, ["REGION"]);
    let candidate = scrub.candidate.as_ref().unwrap();
    assert_eq!((candidate.share.fraction(), candidate.queue), (0.125, 16));
    let promoted = scrub.promoted().unwrap();
    assert_eq!(promoted.plugin, PluginSource::File("scrub.wasm".into()));
    assert_eq!(promoted.digest.unwrap().0, [0x11; 32]);
    assert_eq!(
        serde_json::to_value(&promoted.settings).unwrap(),
        json!({ "entities": ["iban"] })
    );
    assert!(promoted.grants.state && promoted.grants.env.is_empty());
    assert_eq!((promoted.mode, promoted.max_concurrent), (Mode::Audit, 4));
}

#[test]
fn the_right_files_use_every_key_that_there_is() {
    let text = std::fs::read_to_string(folder("right").join("all.toml")).unwrap();
    for key in keys(sandgate_config::schema::value()) {
        assert!(
            text.contains(&format!("{key} =")) || text.contains(&format!("{key}]")),
            "{key}"
        );
    }
}

#[test]
fn the_file_that_the_debian_package_brings_is_right() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/packaging/debian");
    let loaded = Loaded::read(&packaging.join("sandgate.toml"));
    assert!(loaded.is_ok(), "{}", loaded.unwrap_err().render(false));
}

#[test]
fn a_file_that_says_the_least_gets_every_default() {
    let config = parse_right("least.toml").config;
    assert_eq!(config.gateway.listen.0.to_string(), "127.0.0.1:8808");
    assert!(config.gateway.watch);
    assert_eq!(config.call_log.on_failure, OnFailure::Refuse);
    assert!(!config.call_log.payloads);
    let config =
        parse("[servers.a]\ncommand = 'a'\n[[interceptors]]\nname = 'a'\nplugin = 'a.wasm'")
            .unwrap()
            .config;
    let a = &config.interceptors[0];
    assert_eq!(
        (a.mode, a.fail_open, a.sees),
        (Mode::Active, false, Sees::Final)
    );
    assert_eq!(a.grants, Default::default());
}

#[test]
fn the_schema_has_no_null_and_is_closed() {
    let schema = sandgate_config::schema::value();
    assert!(!sandgate_config::schema::text().contains("null"));
    assert_eq!(schema["additionalProperties"], false);
    for name in [
        "Gateway",
        "Limits",
        "CallLog",
        "Client",
        "Tls",
        "Server",
        "Interceptor",
        "Grants",
        "DirGrant",
    ] {
        assert_eq!(
            schema["$defs"][name]["additionalProperties"], false,
            "{name}"
        );
    }
    golden(&folder("schema.json"), &sandgate_config::schema::text());
}

#[test]
fn what_likely_is_not_meant_is_a_warning() {
    let text = "[gateway]\nlisten = '0.0.0.0:80'\n[servers.crm]\ncommand = 'a'\n\
                [[interceptors]]\nname = 'a'\nplugin = 'builtin:a'\nservers = ['cmr', 'c*']";
    let loaded = parse(text).unwrap();
    let messages: Vec<_> = loaded
        .warnings
        .iter()
        .map(|issue| issue.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`gateway.listen` lets other machines in",
            "`interceptors[0].servers`: no server fits \"cmr\""
        ]
    );
    assert!(
        loaded
            .report(loaded.warnings.clone())
            .render(false)
            .contains("did you mean `crm`?")
    );
    assert!(
        parse("").unwrap().warnings[0]
            .message
            .contains("has no server")
    );
}

#[test]
fn other_machines_are_let_in_only_where_somebody_asks_who_they_are() {
    let at = |address: &str, more: &str| {
        let text = format!("{more}\n[servers.a]\ncommand = 'a'");
        let loaded = parse(&text).unwrap();
        loaded.check_exposure(address.parse().unwrap(), false)
    };
    let client = format!("[clients.ada]\ntoken-sha256 = '{}'", "1".repeat(64));
    let messages = |issues: &[sandgate_config::Issue]| -> Vec<String> {
        issues.iter().map(|issue| issue.message.clone()).collect()
    };
    for address in ["127.0.0.1:1", "[::1]:1", "127.3.2.1:1"] {
        assert!(at(address, "").unwrap().is_empty(), "{address}");
    }
    for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:127.0.0.1]:1"] {
        let report = at(address, "[gateway]\nlisten = '0.0.0.0:1'").unwrap_err();
        let text = report.render(false);
        assert!(text.contains("nobody asks who they are"), "{text}");
        assert!(text.contains("sandgate token") && text.contains("allow-unauthenticated"));
        assert_eq!(report.position(&report.issues[0]).unwrap().line, 2);
        let allowed = at(address, "[gateway]\nallow-unauthenticated = true").unwrap();
        assert!(allowed.is_empty());
        let in_the_clear = messages(&at(address, &client).unwrap());
        assert!(in_the_clear[0].contains("in the clear"), "{in_the_clear:?}");
        let tls = "[gateway]\ntls = { cert = 'c', key = 'k' }";
        let by_tls = at(address, &format!("{tls}\n{client}")).unwrap();
        assert!(by_tls.is_empty());
    }
}

#[test]
fn certificates_are_files_of_the_configuration() {
    let text = "[gateway]\ntls = { cert = 'c.pem', key = 'k.pem' }\n[servers.a]\nurl = 'https://a/'\nca = 'a.pem'";
    let loaded = parse(text).unwrap();
    let names = ["c.pem", "k.pem", "a.pem"].map(|name| Path::new(".").join(name));
    assert_eq!(loaded.other_files(), names);
}

#[test]
fn what_says_whose_signatures_count_is_a_file_of_the_configuration() {
    let image = "image = 'ghcr.io/example/time:1'\n";
    let text = format!(
        "[servers.a]\n{image}signed-by = {{ key = 'k.pub' }}\n[servers.b]\n{image}signed-by = \
         {{ identity = 'ada@example.com', issuer = 'https://a', trusted-root = 'r.json' }}"
    );
    let names = ["sandgate.lock", "k.pub", "r.json"].map(|name| Path::new(".").join(name));
    assert_eq!(parse(&text).unwrap().other_files(), names);
}

#[test]
fn a_missing_file_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let report = Loaded::read(&folder.path().join("sandgate.toml")).unwrap_err();
    assert!(
        report
            .to_string()
            .contains("sandgate.toml cannot be opened"),
        "{report}"
    );
    assert!(report.to_string().contains("--config FILE"));
    std::fs::write(folder.path().join("sandgate.toml"), [b'a', 0xff]).unwrap();
    assert!(
        Loaded::read(&folder.path().join("sandgate.toml"))
            .unwrap_err()
            .to_string()
            .contains("byte 1")
    );
}

#[test]
fn values_from_outside_are_fetched_and_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "canary-file\n").unwrap();
    std::fs::write(
        folder.path().join("sandgate.toml"),
        "[servers.a]\nurl = 'http://a/'\nheaders = { Authorization = { from-file = 'token' }, X = 'plain' }\n\
         [[interceptors]]\nname = 'a'\nplugin = 'builtin:a'\nsettings = { salt = { from-env = 'SALT' } }\n\
         grants = { env = ['REGION', 'NOT_SET'] }",
    )
    .unwrap();
    let loaded = Loaded::read(&folder.path().join("sandgate.toml")).unwrap();
    let environment: Environment = [("SALT", "canary-env"), ("REGION", "eu")]
        .into_iter()
        .collect();
    let resolved = loaded.resolve(&environment).unwrap();
    let headers = &resolved.servers["a"].headers;
    assert_eq!(
        (headers[0].1.expose(), headers[0].1.is_outside()),
        ("canary-file", true)
    );
    assert_eq!(
        (headers[1].1.expose(), headers[1].1.is_outside()),
        ("plain", false)
    );
    assert_eq!(
        resolved.interceptors[0].settings.value,
        json!({ "salt": "canary-env" })
    );
    assert_eq!(resolved.interceptors[0].settings.outside, ["/salt"]);
    assert_eq!(
        resolved.interceptors[0].env,
        [("REGION".to_owned(), "eu".to_owned())]
    );
    assert!(resolved.warnings[0].message.contains("NOT_SET"));
    assert_eq!(loaded.other_files(), [folder.path().join("token")]);
    assert!(!format!("{loaded:?}{resolved:?}").contains("canary"));
}

#[test]
fn every_value_that_is_not_there_is_named_with_its_place() {
    let text = "[servers.a]\ncommand = 'a'\nenv = { K = { from-env = 'NO_SUCH' } }\n\
                [[interceptors]]\nname = 'a'\nplugin = 'builtin:a'\nsettings = { keys = [{ from-file = '/no/such' }] }";
    let loaded = parse(text).unwrap();
    let report = loaded.resolve(&Environment::default()).unwrap_err();
    golden(&folder("missing-values.txt"), &report.render(false));
}

#[test]
fn a_header_fetched_from_outside_is_checked_too() {
    let text = "[servers.a]\nurl = 'http://a/'\nheaders = { X = { from-env = 'K' } }";
    let environment: Environment = [("K", "canary\r\nY: 1")].into_iter().collect();
    let report = parse(text).unwrap().resolve(&environment).unwrap_err();
    assert!(report.to_string().contains("line end"));
    assert!(!report.to_string().contains("canary"));
}

const STRAY: &str = "[servers.a]\ncommand = 'a'\n\n[[interceptors]]\nname = 'a'\nplugin = 'builtin:a'\n\n\
                     [interceptors.settings]\nentities = ['emial']\nsalt = { from-env = 'SALT' }\ntimeout = '50ms'\n";

fn stray_schema() -> Value {
    json!({ "type": "object", "properties": { "entities": {}, "salt": {} }, "additionalProperties": false })
}

#[test]
fn a_plugins_issues_point_at_the_keys_and_a_key_that_fell_into_the_settings_is_told_so() {
    let loaded = parse(STRAY).unwrap();
    let environment: Environment = [("SALT", "canary")].into_iter().collect();
    let settings = &loaded.resolve(&environment).unwrap().interceptors[0].settings;
    let found = [
        (
            "/entities/0".to_owned(),
            "\"emial\" is not one of \"email\", \"phone\"".to_owned(),
        ),
        (
            "/salt".to_owned(),
            "\"canary\" is shorter than 8 characters".to_owned(),
        ),
        (String::new(), "'timeout' was unexpected".to_owned()),
    ];
    let issues = loaded.settings_issues("/interceptors/0", &found, &stray_schema(), settings);
    let report = loaded.report(issues);
    assert!(!report.to_string().contains("canary"));
    golden(&folder("settings.txt"), &report.render(false));
}

#[test]
fn a_setting_that_the_plugin_knows_is_no_stray() {
    let loaded = parse(STRAY).unwrap();
    let environment: Environment = [("SALT", "canary")].into_iter().collect();
    let settings = &loaded.resolve(&environment).unwrap().interceptors[0].settings;
    let mut schema = stray_schema();
    schema["properties"]["timeout"] = json!({});
    assert!(
        loaded
            .settings_issues("/interceptors/0", &[], &schema, settings)
            .is_empty()
    );
    schema["additionalProperties"] = json!(true);
    schema["properties"]
        .as_object_mut()
        .unwrap()
        .remove("timeout");
    assert_eq!(
        loaded
            .settings_issues("/interceptors/0", &[], &schema, settings)
            .len(),
        1
    );
}

#[test]
fn a_place_is_found_by_its_pointer() {
    let loaded = parse(STRAY).unwrap();
    let at = |pointer: &str, side| {
        let span = loaded.source.locate(pointer, side).unwrap();
        loaded.source.text()[span].to_owned()
    };
    assert_eq!(at("/interceptors/0/plugin", Side::Value), "'builtin:a'");
    assert_eq!(at("/interceptors/0/plugin", Side::Key), "plugin");
    assert_eq!(
        at("/interceptors/0/settings/entities/0", Side::Value),
        "'emial'"
    );
    assert_eq!(
        at("/interceptors/0/settings/entities/7/x", Side::Value),
        "['emial']"
    );
    assert_eq!(
        at("/interceptors/0/digest", Side::Value),
        "[[interceptors]]"
    );
    assert_eq!(loaded.source.locate("/nothing", Side::Value), None);
    let span = loaded
        .locate_setting("/interceptors/0", "/timeout")
        .unwrap();
    let position = loaded.source.position(span.start);
    assert_eq!((position.line, position.column), (11, 11));
}

#[test]
fn with_stdio_the_call_log_stays_off_stdout() {
    let to = |log: &str, stdio| {
        parse(&format!("{log}\n[servers.a]\ncommand = 'a'"))
            .unwrap()
            .call_log_destination(stdio)
    };
    assert_eq!(to("", false).unwrap(), Destination::Stdout);
    assert_eq!(to("", true).unwrap(), Destination::Stderr);
    assert_eq!(
        to("[call-log]\nto = 'a.jsonl'", true).unwrap(),
        Destination::File("a.jsonl".into())
    );
    let report = to("[call-log]\nto = 'stdout'", true).unwrap_err();
    assert_eq!(
        report.summary(),
        "sandgate.toml:2:6: `call-log.to`: with --stdio, stdout belongs to the client"
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let report = parse("[gateway]\n\"\\u001b[31mx\" = 1").unwrap_err();
    assert!(!report.render(false).contains('\u{1b}'));
}

#[test]
fn the_reference_has_every_key_with_its_default() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let schema = sandgate_config::schema::value();
    let tables = schema["$defs"].as_object().unwrap().iter();
    for (table, definition) in tables {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let row = format!("| `{key}` |");
            let mut rows = page
                .lines()
                .filter(|line| line.starts_with(&row))
                .peekable();
            let header = page.contains(&format!("`[gateway.{key}]`"));
            assert!(
                header || rows.peek().is_some(),
                "docs/configuration.md has no row for {table}'s {key}"
            );
            let default = match &property["default"] {
                Value::Object(_) if !header => "`{}`".to_owned(),
                Value::Null | Value::Object(_) => continue,
                scalar => format!("`{scalar}`"),
            };
            assert!(
                rows.any(|row| row.contains(&default)),
                "{table}'s {key}: its default is {default}"
            );
        }
    }
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(
            page.contains(&format!("## `[{key}")) || page.contains(&format!("## `[[{key}")),
            "{key}"
        );
    }
    for key in ["from-env", "from-file"] {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn the_examples_of_the_reference_are_right() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut count = 0;
    for block in page.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let loaded = parse(block).unwrap_or_else(|report| panic!("{block}\n{report}"));
        assert!(
            loaded
                .config
                .interceptors
                .iter()
                .all(|i| i.max_concurrent > 0)
        );
        count += 1;
    }
    assert!(count >= 4, "{count} examples");
}

/// Every key of every table in the schema.
fn keys(schema: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    let definitions = schema["$defs"].as_object().unwrap().values();
    for table in definitions.chain([schema]) {
        keys.extend(
            table["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key.clone()),
        );
    }
    assert!(keys.len() > 40);
    keys
}

#[test]
fn files_are_looked_for_beside_the_configuration() {
    assert_eq!(
        Files::beside(Path::new("/etc/sandgate/sandgate.toml")).path(Path::new("rules")),
        Path::new("/etc/sandgate/rules")
    );
    assert_eq!(
        Files::beside(Path::new("sandgate.toml")).path(Path::new("/abs")),
        Path::new("/abs")
    );
}

#[test]
fn the_page_of_limits_has_every_bound_that_can_be_set() {
    let page = include_str!("../../../docs/limits.md");
    let schema = sandgate_config::schema::value();
    let is_bound = |key: &&String| key.starts_with("max-") || key.ends_with("-timeout");
    for name in ["Limits", "Server"] {
        let keys = schema["$defs"][name]["properties"].as_object().unwrap();
        for key in keys.keys().filter(is_bound) {
            assert!(page.contains(&format!("`{key}`")), "{key} is missing");
        }
    }
}

#[test]
fn a_package_is_contained_and_so_may_have_egress_without_a_further_word() {
    let server = |rest: &str| {
        parse(&format!(
            "[servers.a]\n{rest}\negress = [\"api.github.com\"]\n"
        ))
    };
    assert!(server("package = \"npm:server@1.2.3\"").is_ok());
    for uncontained in [
        "package = \"npm:server@1.2.3\"\ncontain = false",
        "command = \"server\"",
    ] {
        let report = server(uncontained).unwrap_err().render(false);
        assert!(report.contains("is not contained"), "{report}");
    }
}
