//! Catalogs in each format, and the servers that their entries become.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use sandgate_catalog::{
    Contents, Entry, Format, Plan, PlanError, Wanted, difference, digest, fetch,
};
use sandgate_config::{Contain, Files, Give, Loaded, Scalar, Server, ValueOrRef};
use serde_json::{Value, json};

fn fixture(name: &str) -> Contents {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    Contents::read(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn entry<'a>(contents: &'a Contents, name: &str) -> &'a Entry {
    let found = contents.entries.iter().rev().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("{name}: {:?}", contents.refused))
}

fn plan(entry: &Entry, values: &[(&str, &str)]) -> Result<Plan, PlanError> {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let values: BTreeMap<String, String> = values.collect();
    Plan::of(&Wanted {
        server: "one",
        catalog: "company",
        entry,
        values: &values,
    })
}

/// The server as a configuration has it, which was written behind another one.
fn server(plan: &Plan) -> Server {
    let before = "# Ours.\n[servers.other]\ncommand = \"true\" # as ever";
    let loaded = Loaded::parse(Path::new("sandgate.toml"), before.into()).unwrap();
    let text = plan.written(&loaded, "one").unwrap();
    assert!(text.starts_with(before), "{text}");
    let mut loaded = Loaded::parse(Path::new("sandgate.toml"), text).unwrap();
    assert_eq!(loaded.config.servers.len(), 2);
    loaded.config.servers.remove("one").unwrap()
}

fn plain(values: &BTreeMap<String, ValueOrRef>) -> Value {
    serde_json::to_value(values).unwrap()
}

#[test]
fn a_package_of_the_official_registry_is_pinned_and_contained() {
    let contents = fixture("page.json");
    assert_eq!(
        (contents.format, contents.entries.len()),
        (Format::Registry, 4)
    );
    let weather = entry(&contents, "io.github.acme/weather");
    let made = plan(weather, &[]).unwrap();
    let one = server(&made);
    assert_eq!(
        one.package.as_ref().unwrap().to_string(),
        "pypi:acme-weather==2.0.0"
    );
    assert_eq!(
        one.args,
        ["serve", "--units", "metric", "--city", "<fill in: --city>"]
    );
    assert_eq!(one.contain, Some(Contain::Switch(true)));
    assert!(one.egress.is_none());
    assert_eq!(
        plain(&one.env),
        json!({ "WEATHER_URL": "https://eu.acme.example" })
    );
    let origin = one.catalog.as_ref().unwrap();
    assert_eq!(
        (&*origin.name, &*origin.entry),
        ("company", "io.github.acme/weather")
    );
    assert_eq!(origin.version.as_deref(), Some("2.0.0"));
    let secret = &one.secrets["WEATHER_KEY"];
    assert_eq!(secret.give, Give::Env);
    assert_eq!(secret.from_age.as_ref().unwrap().name, "one.WEATHER_KEY");
    assert_eq!(made.secrets, ["one.WEATHER_KEY"]);
    assert_eq!(
        made.left,
        [("--city".to_owned(), "Where you are.".to_owned())]
    );
    for words in [
        "# Of your account.; whole: Key {key}",
        "# WEATHER_LOG = \"\"",
        "--verbose",
        "audit-until",
    ] {
        assert!(made.table.contains(words), "{words}: {}", made.table);
    }
    let given = plan(
        weather,
        &[
            ("--city", "Paris"),
            ("--units", "imperial"),
            ("WEATHER_LOG", "debug"),
            ("region", "us"),
        ],
    );
    let one = server(&given.unwrap());
    assert_eq!(one.args[2..], ["imperial", "--city", "Paris"]);
    assert_eq!(
        plain(&one.env),
        json!({ "WEATHER_LOG": "debug", "WEATHER_URL": "https://us.acme.example" })
    );
    for (values, why) in [
        ([("--city", "-rf")], "option"),
        ([("--units", "miles")], "one of"),
        ([("--city", "a\nb")], "not seen"),
        ([("WEATHER_KEY", "value")], "is a secret"),
        ([("PATH", "/x")], "nothing that it asks for"),
    ] {
        let said = plan(weather, &values).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_is_a_secret_by_its_name_or_its_value_is_one_and_is_not_written() {
    let variables = json!([
        { "name": "A_TOKEN" },
        { "name": "DB_URL", "default": "postgres://user:word@db.example/x" },
        { "name": "OTHER", "value": "ghp_0123456789abcdef0123" },
        { "name": "USE_AUTH", "value": "true" },
    ]);
    let package = json!({ "registryType": "npm", "identifier": "x", "version": "1.0.0", "environmentVariables": variables });
    let read =
        Contents::read(&json!({ "name": "a/b", "packages": [package] }).to_string()).unwrap();
    let made = plan(&read.entries[0], &[]).unwrap();
    let one = server(&made);
    assert_eq!(
        one.secrets.keys().collect::<Vec<_>>(),
        ["A_TOKEN", "DB_URL", "OTHER"]
    );
    assert_eq!(plain(&one.env), json!({ "USE_AUTH": "true" }));
    assert!(
        !made.table.contains("user:word") && !made.table.contains("ghp_"),
        "{}",
        made.table
    );
}

#[test]
fn a_version_of_an_entry_is_one_of_its_own() {
    let contents = fixture("page.json");
    let old = contents
        .entries
        .iter()
        .find(|it| it.version.as_deref() == Some("1.0.0"))
        .unwrap();
    let made = plan(old, &[]).unwrap();
    assert_eq!(
        server(&made).package.unwrap().to_string(),
        "npm:@acme/weather@1.0.0"
    );
    assert!(made.notes.iter().any(|note| note.contains("deprecated")));
    assert!(!old.is_latest);
}

#[test]
fn a_remote_server_is_an_endpoint_whose_secrets_are_headers() {
    let contents = fixture("page.json");
    let crm = entry(&contents, "com.example/crm");
    let said = plan(crm, &[]).unwrap_err().to_string();
    assert!(said.contains("--set tenant=VALUE"), "{said}");
    for tenant in [
        "a@evil.example/",
        "evil.example/x?",
        "evil.example:443/",
        "127.0.0.1:1/#",
        "a b",
        "x\\",
    ] {
        let said = plan(crm, &[("tenant", tenant)]);
        let is_elsewhere = said.as_ref().is_ok_and(|made| {
            !server(made)
                .url
                .unwrap()
                .write()
                .contains("crm.example.com")
        });
        assert!(said.is_err() && !is_elsewhere, "{tenant}: {said:?}");
    }
    let made = plan(crm, &[("tenant", "acme")]).unwrap();
    let one = server(&made);
    assert_eq!(one.url.unwrap().write(), "https://acme.crm.example.com/mcp");
    assert_eq!(
        plain(&one.headers),
        json!({ "Authorization": { "from-env": "ONE_AUTHORIZATION" }, "X-Region": "eu" })
    );
    assert_eq!(made.variables, ["ONE_AUTHORIZATION"]);
    assert!(made.table.contains("whole: Bearer {token}") && !made.is_locked);
}

#[test]
fn an_image_of_the_official_registry_has_a_version_and_no_flags_of_an_engine() {
    let contents = fixture("page.json");
    let made = plan(entry(&contents, "com.example/db"), &[("kind", "mysql")]).unwrap();
    let one = server(&made);
    assert_eq!(one.image.unwrap().0, "docker.io/example/db:3.1.0");
    assert_eq!(plain(&one.env), json!({ "DB_TYPE": "mysql" }));
}

#[test]
fn an_entry_of_dockers_is_an_image_with_what_it_declares() {
    let contents = fixture("docker.yaml");
    assert_eq!(
        (contents.format, contents.entries.len()),
        (Format::Docker, 3)
    );
    let search = entry(&contents, "search");
    let made = plan(search, &[("search.region", "eu"), ("cache", "cache")]).unwrap();
    let one = server(&made);
    assert!(
        one.image
            .unwrap()
            .0
            .starts_with("docker.io/example/search@sha256:0a")
    );
    assert_eq!(one.args, ["--region=eu", "--safe"]);
    assert_eq!(
        plain(&one.env),
        json!({ "SEARCH_MODE": "stdio", "SEARCH_REGION": "eu" })
    );
    assert_eq!(made.reaches, ["api.search.example"]);
    assert!(made.table.contains("# SEARCH_DEPTH = \"\""));
    for (name, in_env) in [
        ("search.depth", true),
        ("SEARCH_DEPTH", true),
        ("SEARCH_MODE", false),
    ] {
        let given = plan(search, &[("search.region", "eu"), (name, "9")]);
        match in_env {
            true => assert_eq!(
                plain(&server(&given.unwrap()).env)["SEARCH_DEPTH"],
                "9",
                "{name}"
            ),
            false => assert!(
                given
                    .unwrap_err()
                    .to_string()
                    .contains("that the entry gives")
            ),
        }
    }
    assert_eq!(one.secrets["SEARCH_KEY"].give, Give::File);
    let Some(Contain::Table(contain)) = one.contain else {
        panic!()
    };
    let mounts = serde_json::to_value(&contain.mounts).unwrap();
    // A catalog chooses no folder of this machine, whatever it calls the default.
    assert_eq!(
        mounts,
        json!({
            "/data": { "path": "<fill in: search.folder>", "access": "ro" },
            "/var/cache/search": { "path": "cache", "access": "rw" },
        })
    );
    let tickets = server(&plan(entry(&contents, "tickets"), &[]).unwrap());
    assert_eq!(
        plain(&tickets.headers),
        json!({ "Authorization": { "from-env": "ONE_AUTHORIZATION" } })
    );
    let old = plan(entry(&contents, "old"), &[]).unwrap_err().to_string();
    assert!(old.contains("sse"), "{old}");
}

#[test]
fn a_server_yaml_of_dockers_is_an_entry() {
    let contents = fixture("server.yaml");
    let made = plan(entry(&contents, "paint"), &[]).unwrap();
    let one = server(&made);
    assert_eq!(one.image.unwrap().0, "docker.io/example/paint:latest");
    assert_eq!(
        plain(&one.env),
        json!({ "PAINT_URL": "https://paint.example" })
    );
    assert!(made.notes.iter().any(|note| note.contains("no digest")));
}

#[test]
fn an_organisations_own_says_which_header_a_secret_goes_into() {
    let contents = fixture("own.toml");
    assert_eq!((contents.format, contents.entries.len()), (Format::Own, 3));
    let made = plan(entry(&contents, "notes"), &[("folder", "/srv/notes")]).unwrap();
    let one = server(&made);
    assert_eq!(one.args, ["--folder", "/srv/notes"]);
    let secret = &one.secrets["NOTES_TOKEN"];
    assert_eq!(
        (secret.give, secret.header.as_deref()),
        (Give::Inject, Some("Authorization"))
    );
    assert_eq!(made.reaches, ["notes.example.com"]);
    let wiki = server(&plan(entry(&contents, "wiki"), &[]).unwrap());
    assert_eq!(plain(&wiki.headers), json!({ "X-Team": "desk" }));
    let archive = plan(entry(&contents, "archive"), &[]).unwrap();
    assert!(archive.table.contains("<fill in: archive>"));
    // The same as JSON.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/own.toml");
    let value: Value = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let json = Contents::read(&value.to_string()).unwrap();
    assert!(difference(&contents, &json).is_empty());
    // A key that is unknown is not passed over.
    let text = "format = \"sandgate-catalog/1\"\n[servers.a]\npackage = \"npm:a@1.0.0\"\ncontain = false\n";
    let read = Contents::read(text).unwrap();
    assert!(
        read.entries.is_empty() && read.refused[0].0.contains("contain"),
        "{read:?}"
    );
}

fn own(lines: &str) -> Contents {
    let text = format!("format = \"sandgate-catalog/1\"\n[servers.a]\n{lines}\n");
    Contents::read(&text).unwrap()
}

#[test]
fn an_entry_of_ones_own_is_judged_as_any_other() {
    let package = "package = \"npm:a@1.0.0\"\n";
    for (lines, words) in [
        ("bin = \"a\\u009b2J\"", "no name of a program"),
        ("bin = \"../sh\"", "no name of a program"),
        (
            "args = [\"{a}\", \"-c\", \"x\"]\ninputs.a.default = \"sh\"",
            "another program",
        ),
        (
            "args = [\"{a}\", \"{b}\", \"x\"]\ninputs.a.default = \"node\"\ninputs.b.default = \"-e\"",
            "code that an interpreter runs",
        ),
        (
            "args = [\"--api-key\", \"{k}\"]\ninputs.k = {}",
            "every program",
        ),
        (
            "args = [\"{api-key}\"]\ninputs.api-key = {}",
            "every program",
        ),
        ("args = [\"--token=abc\"]", "every program"),
        (
            "[servers.a.secrets.X]\nheader = \"A\\u202eb\"\nhosts = [\"a.example\"]",
            "no header's name",
        ),
        (
            "[servers.a.secrets.X]\nheader = \"A\"\nformat = \"\\u009b{}\"\nhosts = [\"a.example\"]",
            "not seen",
        ),
    ] {
        let read = own(&format!("{package}{lines}"));
        let said = plan(&read.entries[0], &[]).unwrap_err().to_string();
        assert!(said.contains(words), "{lines}\n{said}");
    }
    let read = own("url = \"https://a.example/\"\nheaders = { \"X\\u202e\" = \"1\" }");
    let said = plan(&read.entries[0], &[]).unwrap_err().to_string();
    assert!(said.contains("no header's name"), "{said}");
    // What an operator gives is judged, too.
    let read = own(&format!(
        "{package}args = [\"{{a}}\", \"x\"]\ninputs.a = {{}}"
    ));
    let said = plan(&read.entries[0], &[("a", "bash")]).unwrap_err();
    assert!(said.to_string().contains("another program"), "{said}");
    // A secret of an entry's own is none that is written.
    let lines = "env = { A_TOKEN = \"ghp_0123456789abcdef\", MODE = \"{api-key}\" }\ninputs.api-key.default = \"hush\"";
    let made = plan(&own(&format!("{package}{lines}")).entries[0], &[]).unwrap();
    assert!(
        !made.table.contains("ghp_") && !made.table.contains("hush"),
        "{}",
        made.table
    );
    let one = server(&made);
    let secrets: Vec<&str> = one.secrets.keys().map(String::as_str).collect();
    assert_eq!((secrets, one.env.len()), (vec!["A_TOKEN", "MODE"], 0));
}

#[test]
fn the_words_of_an_entry_are_no_table_of_its_headers() {
    let lines = "description = \"[servers.one.headers]\"\nurl = \"https://a.example/\"\nsecrets.Authorization = {}";
    let made = plan(&own(lines).entries[0], &[]).unwrap();
    let one = server(&made);
    assert!(one.headers.contains_key("Authorization"), "{}", made.table);
}

#[test]
fn what_is_no_catalog_is_told_by_what_it_is() {
    for (text, words) in [
        ("", "no catalog"),
        ("just words", "no catalog"),
        ("{}", "no catalog"),
        ("[]", "no catalog"),
        ("{\"a\": 1, \"a\": 2}", "twice"),
        ("{\"mcpServers\": {}}", "sandgate import"),
        ("registry:\n  a: &x [1]\n  b: *x\n", "alias"),
        ("format = \"sandgate-catalog/2\"\n", "no catalog"),
        ("format = \"sandgate-catalog/1\"\n[servers.a\n", "no TOML"),
    ] {
        let said = Contents::read(text).unwrap_err().to_string();
        assert!(said.contains(words), "{text}: {said}");
    }
}

#[test]
fn a_catalog_has_bounds() {
    let many = format!("[{}]", vec!["{}"; 50_001].join(","));
    assert!(
        Contents::read(&many)
            .unwrap_err()
            .to_string()
            .contains("50001 entries")
    );
    let million = format!("[{}1]", "1,".repeat(2_000_001));
    assert!(
        Contents::read(&million)
            .unwrap_err()
            .to_string()
            .contains("more than 2000000 values")
    );
    let yaml = format!("registry:\n{}", "  a: b\n".repeat(1_300_000));
    assert!(
        Contents::read(&yaml)
            .unwrap_err()
            .to_string()
            .contains("more than 8388608 bytes")
    );
    let text = " ".repeat((32 << 20) + 1);
    assert!(
        Contents::read(&text)
            .unwrap_err()
            .to_string()
            .contains("more than 33554432 bytes")
    );
}

#[test]
fn an_entry_that_is_there_twice_is_none() {
    let one = json!({ "name": "a/b", "version": "1.0.0", "remotes": [] });
    let text = json!([one, one, { "name": "a/c", "version": "1.0.0", "remotes": [] }]);
    let read = Contents::read(&text.to_string()).unwrap();
    assert_eq!(read.entries.len(), 1);
    assert!(read.refused[0].0.contains("is there twice"));
}

#[test]
fn what_differs_from_the_former_copy_is_shown() {
    let now = fixture("docker.yaml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/docker.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let other = text
        .replace("@sha256:0a", "@sha256:0b")
        .replace("\n  old:", "\n  new:")
        .replace("tickets.example.com", "x.example.com");
    let other = Contents::read(&other).unwrap();
    let lines = difference(&now, &other);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines[0].starts_with("+ new") && lines[3] == "- old",
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("~ search: image docker.io/example/search@sha256:0a"),
        "{lines:?}"
    );
    assert!(difference(&now, &now).is_empty());
}

#[test]
fn a_file_is_fetched_relative_to_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "x").unwrap();
    let files = Files::in_folder(folder.path());
    assert_eq!(fetch("a.toml", &files).unwrap(), "x");
    assert!(fetch("b.toml", &files).is_err());
    assert!(
        fetch("http://example.com/", &files)
            .unwrap_err()
            .to_string()
            .contains("https")
    );
    assert!(digest("x").starts_with("sha256:2d711642b726b044"));
}

/// What no entry may do: each is refused, and says why.
#[test]
fn nothing_is_taken_that_asks_for_more_than_it_shows() {
    let package = |more: Value| {
        let mut package = json!({ "registryType": "npm", "identifier": "x", "version": "1.0.0", "transport": { "type": "stdio" } });
        package
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "name": "a/b", "version": "1.0.0", "packages": [package] })
    };
    let image = |more: Value| {
        let mut value = package(
            json!({ "registryType": "oci", "identifier": "docker.io/a/b:1", "version": null }),
        );
        value["packages"][0]
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        value
    };
    let run = |name: &str, value: &str| json!({ "runtimeArguments": [{ "type": "named", "name": name, "value": value }] });
    let env = |name: &str| json!({ "environmentVariables": [{ "name": name, "value": "x" }] });
    let arg =
        |value: &str| json!({ "packageArguments": [{ "type": "positional", "value": value }] });
    let cases = [
        (package(json!({ "version": null })), "no version"),
        (package(json!({ "version": "latest" })), "range or a tag"),
        (package(json!({ "version": "^1.0.0" })), "range or a tag"),
        (package(json!({ "identifier": "../x" })), "no name"),
        (
            package(json!({ "registryBaseUrl": "https://npm.evil.example" })),
            "registry",
        ),
        (
            package(json!({ "registryType": "nuget" })),
            "npm, pypi and oci",
        ),
        (
            package(json!({ "registryType": "mcpb" })),
            "npm, pypi and oci",
        ),
        (package(json!({ "runtimeHint": "bash" })), "unknown here"),
        (
            package(json!({ "transport": { "type": "sse" } })),
            "not stdio",
        ),
        (
            package(run("--node-options", "--require=/x")),
            "to what runs it",
        ),
        (
            package(run("--registry", "https://evil.example")),
            "to what runs it",
        ),
        (package(env("LD_PRELOAD")), "loads, starts, trusts"),
        (package(env("NODE_OPTIONS")), "loads, starts, trusts"),
        (package(env("PATH")), "loads, starts, trusts"),
        (package(env("A=B")), "no variable's name"),
        (package(arg("--eval=x")), "option"),
        (package(arg("$(id)")), "word of a shell"),
        (package(arg("bash")), "another program"),
        (
            package(
                json!({ "packageArguments": [{ "type": "positional", "valueHint": "mode", "default": "sh" }, { "type": "positional", "value": "-c" }] }),
            ),
            "option",
        ),
        (
            package(
                json!({ "packageArguments": [{ "type": "positional", "valueHint": "mode", "default": "sh" }, { "type": "positional", "value": "x" }] }),
            ),
            "another program",
        ),
        (
            package(
                json!({ "packageArguments": [{ "type": "named", "name": "--api-key", "isRequired": true }] }),
            ),
            "every program of the machine",
        ),
        (
            package(
                json!({ "packageArguments": [{ "type": "named", "name": "--auth", "default": "x" }] }),
            ),
            "every program of the machine",
        ),
        (
            package(
                json!({ "environmentVariables": [{ "name": "MODE", "value": "<fill in: x>" }] }),
            ),
            "still to write",
        ),
        (image(json!({ "version": "2" })), "another than its version"),
        (
            image(json!({ "registryBaseUrl": "https://ghcr.io" })),
            "would not ask",
        ),
        (
            image(json!({ "identifier": "10.0.0.1:5000/a/b:1" })),
            "a private network",
        ),
        (package(arg("a\u{202e}b")), "not seen"),
        (
            package(
                json!({ "packageArguments": [{ "type": "named", "name": "--key", "value": "{k}", "variables": { "k": { "isSecret": true } } }] }),
            ),
            "every program of the machine",
        ),
        (
            image(json!({ "identifier": "docker.io/a/b:latest" })),
            "latest",
        ),
        (
            image(json!({ "identifier": "docker.io/a/b" })),
            "neither a tag nor a digest",
        ),
        (
            image(json!({ "identifier": "localhost:5000/a/b:1" })),
            "this machine",
        ),
        (image(run("-v", "/:/host")), "to what runs it"),
        (
            image(run("--volume", "/var/run/docker.sock:/var/run/docker.sock")),
            "to what runs it",
        ),
        (image(run("--privileged", "")), "to what runs it"),
        (image(run("--network", "host")), "to what runs it"),
        (image(run("--cap-add", "SYS_ADMIN")), "to what runs it"),
        (image(run("--entrypoint", "sh")), "to what runs it"),
        (image(run("-e", "LD_PRELOAD=/x")), "loads, starts, trusts"),
        (
            json!({ "name": "a/b", "remotes": [{ "type": "sse", "url": "https://x.example/" }] }),
            "sse",
        ),
        (
            json!({ "name": "a/b", "remotes": [{ "type": "streamable-http", "url": "http://x.example/" }] }),
            "not https",
        ),
        (
            json!({ "name": "a/b", "remotes": [{ "type": "streamable-http", "url": "https://169.254.169.254/" }] }),
            "not public",
        ),
        (json!({ "name": "a/b" }), "neither a package"),
    ];
    for (value, words) in cases {
        let read = Contents::read(&value.to_string()).unwrap();
        let said = plan(&read.entries[0], &[]).unwrap_err().to_string();
        assert!(said.contains(words), "{value}\n{said}");
    }
    for (lines, words) in [
        (
            "image: a/b:1\n    volumes: ['/var/run/docker.sock:/var/run/docker.sock']",
            "nobody chose",
        ),
        (
            "image: a/b:1\n    volumes: ['~/.ssh:/keys']",
            "nobody chose",
        ),
        ("image: a/b:1\n    volumes: ['/:/host']", "nobody chose"),
        (
            "image: a/b:1\n    volumes: ['x:/proc/sys']",
            "no place for one",
        ),
        (
            "image: a/b:1\n    volumes: ['x:/data:rw,exec']",
            "unknown here",
        ),
        ("image: a/b:1\n    command: [sh, -c, id]", "another program"),
        ("image: a/b:1\n    allowHosts: ['*:443']", "every host"),
        (
            "image: a/b:1\n    allowHosts: ['private:10.0.0.1']",
            "private",
        ),
        ("image: a/b:1\n    extraHosts: ['x:1.2.3.4']", "extraHosts"),
        (
            "image: a/b:1\n    env: [{name: NODE_OPTIONS, value: --require=x}]",
            "loads, starts, trusts",
        ),
        ("image: --privileged\n", "image"),
        ("type: poci", "poci"),
        (
            "remote: {url: 'https://127.0.0.1/', transport_type: streamable-http}",
            "not public",
        ),
    ] {
        let read = Contents::read(&format!("registry:\n  a:\n    {lines}\n")).unwrap();
        let said = plan(&read.entries[0], &[]).unwrap_err().to_string();
        assert!(said.contains(words), "{lines}\n{said}");
    }
}
