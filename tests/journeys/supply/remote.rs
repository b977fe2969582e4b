//! Plugins of registries: pushed, locked, signed, and run from what was kept. The registry is a stand-in on loopback.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::authority::{KeySigner, digest, payload};
use harness::{Ended, binary};
use serde_json::{Value, json};

use super::images::Images;
use super::stand::said;

const KEY: &str = "signed-by = { key = \"cosign.pub\" }\n";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";
const UPDATE: &str = "sandgate lock --update mask";

/// What is changed of a manifest.
type Change = Box<dyn Fn(&mut Value)>;

/// A server whose only tool tells a word.
const SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    replies = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
        "tools/list": {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]},
    }
    told = {"content": [{"type": "text", "text": "the word is canary"}]}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": replies.get(asked["method"], told)}), flush=True)
"#;

fn guest(name: &str) -> &'static [u8] {
    sandgate_guests::find(name).unwrap().bytes
}

/// A configuration with one plugin, `mask`.
fn configure(images: &Images, reference: &str, more: &str, gateway: &str) {
    images.write("server.py", SERVER);
    let text = format!(
        "[gateway]\n{gateway}\n[servers.desk]\ncommand = \"python3\"\nargs = [{:?}]\n\n\
         [[interceptors]]\nname = \"mask\"\nplugin = {reference:?}\n{more}",
        images.path("server.py")
    );
    images.write("sandgate.toml", &text);
}

/// A verb that takes no configuration.
fn bare(images: &Images, args: &[&str]) -> Ended {
    let mut command = Command::new(binary("sandgate"));
    command
        .args(args)
        .env("NO_COLOR", "1")
        .env("HOME", images.path(""))
        .env("REGISTRY_AUTH_FILE", images.path("auth.json"))
        .env_remove("XDG_RUNTIME_DIR");
    let done = command.stdin(Stdio::null()).output().unwrap();
    Ended {
        code: done.status.code(),
        output: String::from_utf8(done.stdout).unwrap(),
        log: String::from_utf8(done.stderr).unwrap(),
    }
}

fn push(images: &Images, component: &[u8], to: &str) -> Ended {
    let file = images.path("pushed.wasm");
    std::fs::write(&file, component).unwrap();
    bare(images, &["plugin", "push", file.to_str().unwrap(), to])
}

/// The digest that a push says.
fn pushed(ended: &Ended) -> String {
    said(ended, 0, &["pushed", "for the configuration:"]);
    let line = ended.output.lines().find(|line| line.starts_with("digest"));
    line.unwrap().split_whitespace().nth(1).unwrap().to_owned()
}

fn tag(images: &Images) -> String {
    format!("oci://{}:1", images.name())
}

fn sign(images: &Images, signer: &KeySigner, digest: &str) {
    let payload = payload(digest);
    let annotations = signer.annotations(&payload);
    images.sign(digest, &[(payload, annotations)]);
}

/// Puts a component under the tag `1`, with a manifest that was changed. Returns the manifest's digest.
fn put(images: &Images, component: &[u8], change: impl FnOnce(&mut Value)) -> String {
    let own = digest(component);
    put_bytes(images, &format!("blobs/{own}"), component);
    let mut manifest = json!({
        "schemaVersion": 2,
        "config": { "mediaType": CONFIG, "digest": digest(b"{}"), "size": 2 },
        "layers": [{ "mediaType": LAYER, "digest": own, "size": component.len() }],
    });
    change(&mut manifest);
    let text = manifest.to_string();
    let digest = digest(text.as_bytes());
    put_bytes(images, "manifests/1", text.as_bytes());
    put_bytes(images, &format!("manifests/{digest}"), text.as_bytes());
    digest
}

fn put_bytes(images: &Images, name: &str, bytes: &[u8]) {
    let path = images.path(&format!("registry/v2/notes/{name}"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// What a client is told through the gateway.
fn look(images: &Images) -> String {
    let mut gateway = images
        .command(&["run", "--stdio", "--server", "desk"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = gateway.stdin.take().unwrap();
    let mut from = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let about = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let first = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about });
    writeln!(to, "{first}").unwrap();
    let _ = from.next();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "look", "arguments": {} } });
    writeln!(to, "{ready}\n{call}").unwrap();
    let answer = from.next().map(Result::unwrap).unwrap_or_default();
    drop(to);
    let ended = gateway.wait_with_output().unwrap();
    assert!(
        !answer.is_empty(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    answer
}

/// The component in the store.
fn kept(images: &Images) -> std::path::PathBuf {
    let folder = std::fs::read_dir(images.path("cache/sandgate/packages")).unwrap();
    let mut files = folder.map(|entry| entry.unwrap().path());
    files
        .find(|path| path.extension() == Some("wasm".as_ref()))
        .unwrap()
}

fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A gateway that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_plugin_is_pushed_locked_and_run_from_what_was_kept_whatever_its_tag_leads_to_later() {
    let (mut images, signer) = (Images::new(), KeySigner::new());
    images.write("cosign.pub", &signer.public());
    let first = pushed(&push(&images, guest("masks-a-word"), &tag(&images)));
    sign(&images, &signer, &first);
    let by = format!("key sha256:{}", signer.fingerprint());
    let more = format!("{KEY}settings = {{ word = \"canary\" }}\n");
    let gateway = "listen = \"127.0.0.1:0\"\nadmin = \"admin.sock\"\nwatch = false\n";
    configure(&images, &tag(&images), &more, gateway);
    for verb in [&["check"][..], &["run"]] {
        said(
            &images.sandgate(verb),
            2,
            &[
                "sandgate.lock has no entry for oci://",
                "run `sandgate lock`",
            ],
        );
    }
    said(
        &images.sandgate(&["lock"]),
        0,
        &[
            "+ asks for post-call: mutation of *",
            &format!("+ signed by {by}"),
            "is written",
        ],
    );
    let lock = std::fs::read_to_string(images.path("sandgate.lock")).unwrap();
    for line in [
        &format!("manifest = \"{first}\""),
        &format!("signer = \"{by}\""),
        &format!("digest = \"{}\"", digest(guest("masks-a-word"))),
    ] {
        assert!(lock.contains(line.as_str()), "{line} is not in {lock}");
    }
    said(&images.sandgate(&["lock"]), 0, &["is up to date"]);

    // The tag leads elsewhere, and nobody asks where.
    let moved = push(&images, guest("counter"), &tag(&images));
    said(&moved, 0, &[&format!("before    {first}")]);
    let second = pushed(&moved);
    let asked = images.asked();
    let reference = format!("{}@{first}", tag(&images));
    said(
        &images.sandgate(&["check"]),
        0,
        &[&reference, &format!("signed by {by}")],
    );
    said(&images.sandgate(&["lock", "--check"]), 0, &["agree"]);
    let told = look(&images);
    assert!(
        told.contains("[masked]") && !told.contains("canary"),
        "{told}"
    );
    let quiet = || Stdio::null();
    let mut command = images.command(&["run"]);
    let run = command.stdin(quiet()).stdout(quiet()).stderr(quiet());
    let running = Running(run.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = images.sandgate(&["status"]);
        if status.code == Some(0) || Instant::now() > until {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let words = format!("mask: {reference}, signed by {by}");
    said(&status, 0, &[&words]);
    said(&images.sandgate(&["reload"]), 0, &[]);
    drop(running);
    assert_eq!(images.asked(), asked, "the registry was asked");

    // The new one is not signed, then signed, and approved.
    let update = ["lock", "--update", "mask"];
    said(&images.sandgate(&update), 2, &["it is not signed", &second]);
    sign(&images, &signer, &second);
    let difference = ["+ asks for state", "- asks for post-call: mutation of *"];
    said(&images.sandgate(&update), 1, &difference);
    said(&images.sandgate(&update), 1, &["not approved"]);
    assert_eq!(
        std::fs::read_to_string(images.path("sandgate.lock")).unwrap(),
        lock
    );
    let approved = images.sandgate(&[&update[..], &["--yes"]].concat());
    said(&approved, 0, &difference);
    images.end_registry();
    configure(&images, &tag(&images), KEY, gateway);
    said(&images.sandgate(&["check"]), 0, &[&second, &by]);
    said(&images.sandgate(&["lock"]), 0, &["is up to date"]);
}

#[test]
fn what_is_no_plugin_of_one_layer_is_refused_with_its_reason() {
    let images = Images::new();
    let good = guest("noop");
    configure(&images, &tag(&images), "", "");
    let refused = |words: &str| {
        said(
            &images.sandgate(&["lock"]),
            2,
            &["mask: oci://", "is not locked", words],
        );
        assert!(!images.path("sandgate.lock").exists());
    };
    refused("the registry has no such manifest");
    let text = |to: &mut Value, place: &str, value: Value| *to.pointer_mut(place).unwrap() = value;
    let size = good.len();
    let at = |place: &'static str, value: Value| -> Change {
        Box::new(move |manifest| text(manifest, place, value.clone()))
    };
    let image = "application/vnd.oci.image.config.v1+json";
    let packed = "application/vnd.oci.image.layer.v1.tar+gzip";
    let layer = json!({ "mediaType": LAYER, "digest": digest(good), "size": size });
    for (change, words) in [
        (at("/config/mediaType", json!(image)), "it is no component"),
        (at("/layers/0/mediaType", json!(packed)), "its layer is of"),
        (at("/layers", json!([])), "it has 0 layers"),
        (at("/layers", json!([layer, layer])), "it has 2 layers"),
        (at("/layers/0/size", json!(size - 1)), "it has more than"),
        (at("/layers/0/size", json!(size + 1)), "bytes, and"),
        (at("/layers/0/size", json!(-1)), "cannot be read"),
        (
            at("/layers/0/size", json!(1_u64 << 40)),
            "a plugin may have 134217728",
        ),
        (
            at("/layers/0/digest", json!("sha256:../1")),
            "neither a tag nor a digest",
        ),
        (
            Box::new(|manifest| *manifest = json!({ "manifests": [] })),
            "it is an index",
        ),
        (
            Box::new(|manifest| *manifest = json!("x")),
            "cannot be read",
        ),
    ] {
        put(&images, good, change);
        refused(words);
    }
    put(&images, b"#!/bin/sh", |_| {});
    refused("is not locked: ");
    // Another component under the digest.
    put(&images, good, |_| {});
    let mut swapped = good.to_vec();
    *swapped.last_mut().unwrap() ^= 1;
    put_bytes(&images, &format!("blobs/{}", digest(good)), &swapped);
    refused("what came has sha256:");
    // By digest, another manifest under it.
    let own = put(&images, good, |_| {});
    let by_digest = format!("oci://{}@{own}", images.name());
    configure(&images, &by_digest, "", "");
    put_bytes(&images, &format!("manifests/{own}"), b"{}");
    refused("what came has sha256:");
    put(&images, good, |_| {});
    said(&images.sandgate(&["lock"]), 0, &["is written"]);
    said(&images.sandgate(&["check"]), 0, &[&by_digest]);
    images.write("registry/huge", "");
    std::fs::remove_file(images.path("sandgate.lock")).unwrap();
    refused("it has more than 4194304 bytes");
}

#[test]
fn a_plugin_that_is_not_signed_as_it_must_be_is_neither_locked_nor_loaded() {
    let (images, signer) = (Images::new(), KeySigner::new());
    images.write("cosign.pub", &signer.public());
    let other = put(&images, guest("counter"), |_| {});
    let own = put(&images, guest("noop"), |_| {});
    let lock = || images.sandgate(&["lock"]);
    let required = "`gateway.require-signatures` asks for plugins of registries that are signed";
    configure(&images, &tag(&images), "", "require-signatures = true\n");
    said(&lock(), 2, &[required]);
    configure(&images, &tag(&images), KEY, "require-signatures = true\n");
    said(&lock(), 2, &["it is not signed", &own]);
    sign(&images, &KeySigner::new(), &own);
    said(&lock(), 2, &["it is not signed with the key sha256:"]);
    // A good signature of another plugin of the same signer.
    let payload = payload(&other);
    let annotations = signer.annotations(&payload);
    images.sign(&own, &[(payload, annotations)]);
    said(&lock(), 2, &["it is a signature of sha256:"]);
    sign(&images, &signer, &own);
    said(&lock(), 0, &["signed by key", "is written"]);
    said(&images.sandgate(&["check"]), 0, &["signed by key"]);
    // Another key in the configuration; nobody; and nobody where somebody must be.
    images.write("cosign.pub", &KeySigner::new().public());
    for verb in [&["check"][..], &["run"], &["lock"], &["install"]] {
        let words = ["does not run: it is not signed with the key", UPDATE];
        said(&images.sandgate(verb), 2, &words);
    }
    configure(&images, &tag(&images), "", "");
    let words = ["the configuration asks for no signature", UPDATE];
    said(&images.sandgate(&["check"]), 2, &words);
    said(&images.sandgate(&["lock", "--check"]), 1, &words);
    configure(&images, &tag(&images), "", "require-signatures = true\n");
    said(&images.sandgate(&["check"]), 2, &[required]);
}

#[test]
fn what_was_edited_or_is_not_here_is_not_loaded_and_nothing_is_fetched_at_a_start() {
    let mut images = Images::new();
    put(&images, guest("noop"), |_| {});
    configure(&images, &tag(&images), "fail-open = true\n", "");
    said(&images.sandgate(&["lock"]), 0, &["is written"]);
    said(&images.sandgate(&["check"]), 0, &["oci://"]);
    let path = images.path("sandgate.lock");
    let good = std::fs::read_to_string(&path).unwrap();
    let own = digest(guest("noop"));
    for (from, to, words) in [
        (
            "    \"",
            "    \"state\",\n    \"",
            "says more than the component asks for",
        ),
        ("validation", "mutation", "asks for"),
        ("version = \"", "version = \"9", "is of version"),
        (
            &*own,
            &*digest(guest("counter")),
            "the component has sha256:",
        ),
        (
            "manifest = \"sha256:",
            "manifest = \"sha256:0",
            "the manifest has sha256:",
        ),
        (
            "version = \"",
            "signer = \"key sha256:00\"\nversion = \"",
            "signed by key sha256:00",
        ),
        (":1\"", ":2\"", "sandgate.lock has oci://"),
        ("[plugins.", "[other.", "unknown field"),
    ] {
        let edited = good.replace(from, to);
        assert_ne!(edited, good, "{from}");
        std::fs::write(&path, edited).unwrap();
        // `fail-open` is about calls, and does not let it through.
        said(&images.sandgate(&["check"]), 2, &[words]);
    }
    std::fs::write(&path, &good).unwrap();
    let beside = images.path("sandgate.lock.d/mask.plugin.json");
    let text = std::fs::read_to_string(&beside).unwrap();
    std::fs::write(&beside, text.replace(LAYER, "application/wasn")).unwrap();
    said(&images.sandgate(&["check"]), 2, &["was edited", UPDATE]);
    std::fs::write(&beside, text).unwrap();

    // One that asks for more in its place; then none.
    let asked = images.asked();
    let component = kept(&images);
    replace(&component, guest("counter"));
    let other = ["is not the component that it was", "sandgate install"];
    said(&images.sandgate(&["check"]), 2, &other);
    said(&images.sandgate(&["run"]), 2, &other);
    std::fs::remove_file(&component).unwrap();
    std::os::unix::fs::symlink(images.path("pushed.wasm"), &component).unwrap();
    said(&images.sandgate(&["check"]), 2, &["cannot be used"]);
    std::fs::remove_file(&component).unwrap();
    let absent = ["is locked and not here", "sandgate install"];
    said(&images.sandgate(&["check"]), 2, &absent);
    said(&images.sandgate(&["run"]), 2, &absent);
    assert_eq!(images.asked(), asked, "the registry was asked");
    // What is locked is fetched by its digest, whatever has the tag.
    put(&images, guest("counter"), |_| {});
    said(&images.sandgate(&["install"]), 0, &["is here"]);
    assert_eq!(std::fs::read(&component).unwrap(), guest("noop"));
    replace(&component, guest("counter"));
    said(&images.sandgate(&["lock"]), 0, &["is up to date"]);
    assert_eq!(std::fs::read(&component).unwrap(), guest("noop"));
    images.end_registry();
    said(&images.sandgate(&["check"]), 0, &["oci://"]);
}

#[test]
fn a_candidate_is_locked_by_its_own_name_and_keeps_its_approval_where_it_is_promoted() {
    let images = Images::new();
    let own = put(&images, guest("noop"), |_| {});
    let reference = format!("oci://{}@{own}", images.name());
    let candidate = format!("candidate = {{ plugin = {reference:?} }}\n");
    configure(&images, "builtin:pii-scrubber", &candidate, "");
    said(
        &images.sandgate(&["check"]),
        2,
        &["candidate.plugin", "sandgate.lock has no entry"],
    );
    said(
        &images.sandgate(&["lock"]),
        0,
        &["mask.candidate: the plugin oci://", "is written"],
    );
    said(&images.sandgate(&["check"]), 0, &[&reference]);
    configure(&images, &reference, "", "");
    let asked = images.asked();
    said(&images.sandgate(&["check"]), 0, &[&reference]);
    said(
        &images.sandgate(&["lock", "--check"]),
        1,
        &["mask.candidate: is locked, and not in the configuration"],
    );
    said(&images.sandgate(&["lock"]), 0, &["is written"]);
    said(&images.sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(&images.sandgate(&["check"]), 0, &[&reference]);
    assert_eq!(images.asked(), asked, "the registry was asked");
}

#[test]
fn a_candidate_that_asks_for_something_else_waits_for_a_yes_and_the_next_one_leaves_it_locked() {
    let images = Images::new();
    let annotated = |to: &mut Value| to["annotations"] = json!({ "of": "the next one" });
    let [live, tried, next] = [
        put(&images, guest("noop"), |_| {}),
        put(&images, guest("counter"), |_| {}),
        put(&images, guest("noop"), annotated),
    ]
    .map(|digest| format!("oci://{}@{digest}", images.name()));
    let beside = |live: &str, tried: &str| {
        let candidate = format!("candidate = {{ plugin = {tried:?} }}\n");
        configure(&images, live, &candidate, "");
    };
    let lock = || images.sandgate(&["lock"]);
    configure(&images, &live, "", "");
    said(&lock(), 0, &["is written"]);
    let text = || std::fs::read_to_string(images.path("sandgate.lock")).unwrap();
    let before = text();
    // It would be locked for everybody as soon as it is promoted.
    beside(&live, &tried);
    let difference = ["mask.candidate", "+ asks for state"];
    let update = ["lock", "--update", "mask.candidate"];
    let verb = update.join(" ");
    let words = ["asks for something else", &*verb];
    said(&lock(), 2, &[difference, words].concat());
    said(&images.sandgate(&update), 1, &difference);
    said(&images.sandgate(&update), 1, &["not approved"]);
    assert_eq!(text(), before);
    configure(&images, &tried, "", "");
    said(&images.sandgate(&["check"]), 2, &["sandgate.lock has"]);
    // One that asks for the same waits for nobody.
    beside(&live, &next);
    said(&lock(), 0, &["the manifest is another", "is written"]);

    beside(&live, &tried);
    let yes = [&update[..], &["--yes"]].concat();
    said(&images.sandgate(&yes), 0, &difference);
    // Promoted, and another one is tried beside it.
    beside(&tried, &next);
    said(&lock(), 2, &[&verb]);
    said(&images.sandgate(&yes), 0, &["- asks for state"]);
    said(&images.sandgate(&["check"]), 0, &[&tried, &next]);
    said(&images.sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(&lock(), 0, &["is up to date"]);
}

#[test]
fn only_a_whole_plugin_for_operators_is_pushed_and_credentials_go_to_its_registry_alone() {
    let (images, elsewhere) = (Images::new(), Images::new());
    let good = guest("noop");
    let name = images.name();
    for (to, words) in [
        (format!("oci://{name}"), "neither a tag nor a digest"),
        (format!("oci://{name}@{}", digest(good)), "name a tag"),
        (format!("{name}:1"), "is of no registry"),
        ("oci://notes:1".into(), "names no registry"),
        ("oci://127.0.0.1:1/notes:1".into(), "127.0.0.1:1"),
    ] {
        said(&push(&images, good, &to), 2, &[words]);
    }
    let mut development = good.to_vec();
    let section = b"\x0fsandgate:source{}";
    development.extend([0, u8::try_from(section.len()).unwrap()]);
    development.extend(section);
    for (component, words) in [
        (development, "a build of `sandgate plugin dev`"),
        (b"\0asm\x0d\0\x01\0".to_vec(), "pushed.wasm"),
        (b"hello".to_vec(), "pushed.wasm"),
    ] {
        said(&push(&images, &component, &tag(&images)), 2, &[words]);
    }
    let builtin = ["plugin", "push", "builtin:pii-scrubber", &tag(&images)];
    said(&bare(&images, &builtin), 2, &["part of the program"]);
    assert!(!images.asked().contains("PUT"), "{}", images.asked());

    images.write("registry/token", "secret-token ada:sesame");
    said(
        &push(&images, good, &tag(&images)),
        2,
        &["log in to it (`podman login`)"],
    );
    let auth = json!({ "auths": { (name): { "auth": "YWRhOnNlc2FtZQ==" } } });
    images.write("auth.json", &auth.to_string());
    let there = elsewhere.name().replace("/notes", "");
    images.write("registry/upload", &format!("http://{there}"));
    let first = pushed(&push(&images, good, &tag(&images)));
    let asked = elsewhere.asked();
    assert!(asked.contains("PUT /v2/notes/blobs/uploads/1"), "{asked}");
    assert!(asked.lines().all(|line| line.ends_with(" -")), "{asked}");
    for (upload, words) in [
        ("http://example.com", "it is not https"),
        ("https://169.254.169.254", "leads to a private address"),
    ] {
        images.write("registry/upload", upload);
        said(&push(&images, guest("counter"), &tag(&images)), 2, &[words]);
    }
    images.write("registry/closed", "");
    std::fs::remove_file(images.path("registry/upload")).unwrap();
    said(&push(&images, good, &tag(&images)), 2, &["it answered 403"]);
    std::fs::remove_file(images.path("registry/closed")).unwrap();
    // The same plugin has the same digest, and what is there is not sent again.
    assert_eq!(pushed(&push(&images, good, &tag(&images))), first);
    let before = images.asked();
    assert_eq!(pushed(&push(&images, good, &tag(&images))), first);
    let asked = images.asked().replace(&before, "");
    assert!(!asked.contains("POST"), "{asked}");
}
