//! Images whose signers the configuration names. The registry is a stand-in on loopback, the engine a script, and the
//! signers are the tests' own.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use harness::Ended;
use harness::authority::{
    Authority, Certify, IDENTITY, ISSUER, KeySigner, digest, payload, statement,
};
use serde_json::{Value, json};

use super::images::{Images, Pushed};
use super::stand::said;

const KEY: &str = "signed-by = { key = \"cosign.pub\" }\n";

/// An image with the tag `1` that nobody signed, and a key that the configuration names.
fn stand() -> (Images, KeySigner) {
    let (images, signer) = (Images::new(), KeySigner::new());
    images.write("cosign.pub", &signer.public());
    images.configure(&format!("{}:1", images.name()), KEY);
    (images, signer)
}

fn by_key(signer: &KeySigner, digest: &str) -> (String, Value) {
    let payload = payload(digest);
    let annotations = signer.annotations(&payload);
    (payload, annotations)
}

fn lock(images: &Images) -> Ended {
    let _ = std::fs::remove_file(images.path("sandgate.lock"));
    images.sandgate(&["lock"])
}

#[test]
fn an_image_that_its_key_signed_is_locked_and_verified_again_without_a_network() {
    let (mut images, signer) = stand();
    let pushed = images.push("1", "one");
    images.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    let by = format!("key sha256:{}", signer.fingerprint());
    said(
        &lock(&images),
        0,
        &[&format!("desk: it is signed by {by}."), "is written"],
    );
    let locked = std::fs::read_to_string(images.path("sandgate.lock")).unwrap();
    assert!(
        locked.contains(&format!("\nsigner = \"{by}\"\n")),
        "{locked}"
    );
    images.end_registry();
    said(&images.sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(&images.sandgate(&["install"]), 0, &["is here"]);
    said(
        &images.sandgate(&["check"]),
        0,
        &["locked, installed", &format!("signed by  {by}")],
    );
    // Another key, and nothing is signed.
    images.write("cosign.pub", &KeySigner::new().public());
    let update = "sandgate lock --update desk";
    for verb in [&["check"][..], &["run"]] {
        said(
            &images.sandgate(verb),
            2,
            &[
                "`servers.desk.signed-by`",
                "does not run: it is not signed with the key",
                update,
            ],
        );
    }
    said(
        &images.sandgate(&["lock", "--check"]),
        1,
        &["not signed with the key", update],
    );
    said(
        &images.sandgate(&["install"]),
        2,
        &["not signed with the key"],
    );
}

#[test]
fn signatures_are_found_wherever_registries_keep_them() {
    let (images, signer) = stand();
    for (words, on_index, listed) in [
        ("one", true, true),
        ("two", true, false),
        ("three", false, true),
        ("four", false, false),
    ] {
        let pushed = images.push("1", words);
        said(
            &lock(&images),
            2,
            &[
                "it is not signed: the registry has no signature of",
                &pushed.index,
                &pushed.manifest,
            ],
        );
        let signed = if on_index {
            &pushed.index
        } else {
            &pushed.manifest
        };
        let bundles = [signer.bundle(&statement(signed))];
        images.refer(signed, &bundles, listed);
        said(&lock(&images), 0, &["it is signed by key", "is written"]);
        said(&images.sandgate(&["lock", "--check"]), 0, &["agree"]);
    }
}

#[test]
fn a_signature_that_does_not_count_is_told_with_its_reason_and_the_next_one_is_looked_at() {
    let (images, signer) = stand();
    let other = images.push("0", "other");
    let pushed = images.push("1", "one");
    let good = by_key(&signer, &pushed.index);
    let own = payload(&pushed.index);
    let tampered = (own.replace("\"\"", "\"evil\""), signer.annotations(&own));
    let malformed = (
        own.clone(),
        json!({ "dev.cosignproject.cosign/signature": "???" }),
    );
    for (signatures, words) in [
        (
            vec![by_key(&KeySigner::new(), &pushed.index)],
            "it is not signed with the key sha256:",
        ),
        (vec![tampered], "or what it signs was changed"),
        (vec![malformed], "signature in base64 cannot be read"),
        // Replayed: a good signature of another image of the same signer.
        (
            vec![by_key(&signer, &other.index)],
            "it is a signature of sha256:",
        ),
        (
            vec![(own.clone(), json!({}))],
            "it is not signed with the key",
        ),
    ] {
        images.sign(&pushed.index, &signatures);
        said(
            &lock(&images),
            2,
            &["none of its 1 signatures counts", words],
        );
        let behind: Vec<_> = signatures.into_iter().chain([good.clone()]).collect();
        images.sign(&pushed.index, &behind);
        said(&lock(&images), 0, &["it is signed by key"]);
    }
    // What a signature says steers no terminal.
    images.sign(
        &pushed.index,
        &[by_key(&signer, "sha256:\u{1b}[2K\u{202e}\r\nall is well")],
    );
    let steered = lock(&images);
    said(&steered, 2, &["it is a signature of sha256:"]);
    assert!(
        !steered.log.contains(['\u{1b}', '\u{202e}', '\r']),
        "{:?}",
        steered.log
    );
    assert!(!steered.log.lines().any(|line| line.starts_with("all")));
    images.refer(
        &pushed.index,
        &[json!({ "mediaType": "\u{1b}[2K\u{202e}\r\nall is well", "verificationMaterial": {} })],
        true,
    );
    let steered = lock(&images);
    said(&steered, 2, &["its `mediaType` is"]);
    assert!(
        !steered.log.contains(['\u{1b}', '\u{202e}', '\r']),
        "{:?}",
        steered.log
    );
    images.refer(&pushed.index, &[], true);
    let wrong = by_key(&KeySigner::new(), &pushed.index);
    let many: Vec<_> = vec![wrong; 33].into_iter().chain([good]).collect();
    images.sign(&pushed.index, &many);
    said(&lock(&images), 2, &["more than 32 signatures do not count"]);
    let huge = format!("{}{own}", " ".repeat(64 << 10));
    let annotations = signer.annotations(&huge);
    images.sign(&pushed.index, &[(huge, annotations)]);
    said(&lock(&images), 2, &["it has more than 65536 bytes"]);
    // A payload under the digest of another.
    let blob = format!("registry/v2/notes/blobs/{}", digest(own.as_bytes()));
    images.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    images.write(&blob, &payload(&other.index));
    said(&lock(&images), 2, &["what came has sha256:"]);
}

#[test]
fn what_the_engine_has_is_what_was_signed_and_nothing_else() {
    let (images, signer) = stand();
    let other = images.push("0", "other");
    let pushed = images.push("1", "one");
    images.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    images.sign(&other.index, &[by_key(&signer, &other.index)]);
    // The tag was moved between the engine's question and the gateway's.
    images.engine_has(&other, "amd64");
    said(
        &lock(&images),
        2,
        &[
            "an index without it",
            &format!("another image than {}, which the engine has", other.id),
        ],
    );
    images.engine_has(&pushed, "amd64");
    // A registry that has another manifest under the digest that is asked for.
    let swapped = format!("registry/v2/notes/manifests/{}", pushed.manifest);
    let good = std::fs::read_to_string(images.path(&swapped)).unwrap();
    images.write(&swapped, &good.replace("layers", "Layers"));
    said(&lock(&images), 2, &["what came has sha256:"]);
    images.write(&swapped, &good);
    // By digest: the one of the reference is the one that is signed.
    images.configure(&format!("{}:1@{}", images.name(), pushed.index), KEY);
    said(&lock(&images), 0, &["it is signed by key"]);
    images.write("registry/huge", "");
    said(&lock(&images), 2, &["it has more than 4194304 bytes"]);
}

/// An engine that calls an image by its index chooses one of the manifests by itself.
#[test]
fn a_signed_manifest_says_nothing_of_the_index_that_has_it() {
    let (images, signer) = stand();
    let pushed = images.push("1", "one");
    let (index, manifest) = (pushed.index.clone(), pushed.manifest.clone());
    let called = |id: &str| {
        let (index, manifest) = (index.clone(), manifest.clone());
        let id = id.to_owned();
        images.engine_has(
            &Pushed {
                index,
                manifest,
                id,
            },
            "amd64",
        );
    };
    images.sign(&manifest, &[by_key(&signer, &manifest)]);
    for id in [&pushed.id, &manifest] {
        called(id);
        said(&lock(&images), 0, &["it is signed by key"]);
    }
    called(&index);
    let words = format!("what is signed is {manifest}, and the image is {index}");
    said(&lock(&images), 2, &[&words]);
    images.sign(&index, &[by_key(&signer, &index)]);
    said(&lock(&images), 0, &["it is signed by key"]);
    said(&images.sandgate(&["check"]), 0, &["signed by"]);
}

/// What is kept is covered by the lock's own digest; here somebody made that anew, too.
#[test]
fn a_lock_that_was_written_anew_by_somebody_else_is_verified_all_the_same() {
    let (images, signer) = stand();
    let other = images.push("1", "other");
    images.sign(&other.index, &[by_key(&signer, &other.index)]);
    said(&lock(&images), 0, &["signed by key"]);
    let kept = "sandgate.lock.d/desk.image.json";
    let before: Value =
        serde_json::from_str(&std::fs::read_to_string(images.path(kept)).unwrap()).unwrap();
    let pushed = images.push("1", "one");
    images.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    said(&lock(&images), 0, &["signed by key"]);
    let good: Value =
        serde_json::from_str(&std::fs::read_to_string(images.path(kept)).unwrap()).unwrap();
    let signature = "/signature/evidence/simple-signing/signature";
    let old = |place: &str| before.pointer(place).unwrap().clone();
    for (place, value, words) in [
        ("/id", old("/id"), "the image is sha256:"),
        (
            "/signature/evidence",
            old("/signature/evidence"),
            "it is a signature of sha256:",
        ),
        (
            "/signature/manifest",
            old("/signature/manifest"),
            "what is signed is sha256:",
        ),
        (
            "/signature/index",
            old("/signature/index"),
            "what is signed is sha256:",
        ),
        (
            "/signature/digest",
            old("/signature/digest"),
            "what is signed is sha256:",
        ),
        (signature, old(signature), "it is not signed with the key"),
        ("/signature", Value::Null, "no signature of it is kept"),
        ("/signature", old("/signature"), "what is signed is sha256:"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value;
        rewrite(&images, &changed.to_string());
        let ended = images.sandgate(&["check"]);
        said(&ended, 2, &["does not run", words]);
        said(&images.sandgate(&["lock", "--check"]), 1, &[words]);
    }
    rewrite(&images, &good.to_string());
    said(&images.sandgate(&["check"]), 0, &["signed by"]);
}

/// Writes what is kept, and the entry with the digest over it, as the gateway itself would.
fn rewrite(images: &Images, kept: &str) {
    images.write("sandgate.lock.d/desk.image.json", kept);
    let path = images.path("sandgate.lock");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    let entry = table["servers"]["desk"].as_table_mut().unwrap();
    let tools: Vec<&str> = entry["tools"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let tools = tools.join("\n");
    let part = |name: &str| entry[name].as_str().unwrap();
    let mut hashed = Vec::new();
    for part in [
        part("package"),
        part("registry"),
        &tools,
        kept,
        part("signer"),
    ] {
        hashed.extend_from_slice(&part.len().to_le_bytes());
        hashed.extend_from_slice(part.as_bytes());
    }
    let now = digest(&hashed);
    let before = part("digest").to_owned();
    std::fs::write(&path, text.replace(&before, &now)).unwrap();
}

#[test]
fn an_identity_signs_and_another_identity_or_root_does_not() {
    let (images, _) = stand();
    let (authority, pushed) = (Authority::new(), images.push("1", "one"));
    images.write("root.json", &authority.trusted_root().to_string());
    let reference = format!("{}:1", images.name());
    let with = |identity: &str, issuer: &str, root: &str| {
        let by = format!("signed-by = {{ identity = {identity:?}, issuer = {issuer:?}{root} }}\n");
        images.configure(&reference, &by);
        lock(&images)
    };
    let own = ", trusted-root = \"root.json\"";
    let certified = authority.certify(IDENTITY, ISSUER, Certify::Well);
    let workflow = IDENTITY.rsplit_once('@').unwrap().0;
    // As cosign signs since version 3, and as it did before.
    images.refer(
        &pushed.index,
        &[authority.bundle(&certified, &statement(&pushed.index))],
        true,
    );
    let by = format!("{IDENTITY} ({ISSUER})");
    said(
        &with(IDENTITY, ISSUER, own),
        0,
        &[&format!("it is signed by {by}.")],
    );
    images.refer(&pushed.index, &[], true);
    let text = payload(&pushed.index);
    images.sign(
        &pushed.index,
        &[(text.clone(), authority.annotations(&certified, &text))],
    );
    said(
        &with(&format!("{workflow}@*"), ISSUER, own),
        0,
        &[&format!("it is signed by {by}.")],
    );
    said(&images.sandgate(&["check"]), 0, &[&by]);
    for (identity, issuer, root, words) in [
        (
            "https://github.com/example/other/*",
            ISSUER,
            own,
            "and `identity` is",
        ),
        (workflow, ISSUER, own, "and `identity` is"),
        (
            IDENTITY,
            "https://accounts.example.com",
            own,
            "and `issuer` is",
        ),
        (IDENTITY, ISSUER, "", "the trusted root has no log"),
        (
            IDENTITY,
            ISSUER,
            ", trusted-root = \"absent.json\"",
            "absent.json",
        ),
        (
            IDENTITY,
            ISSUER,
            ", trusted-root = \"cosign.pub\"",
            "no trusted root of Sigstore",
        ),
    ] {
        said(&with(identity, issuer, root), 2, &[words]);
    }
    let annotations = |how: Certify| {
        let certified = authority.certify(IDENTITY, ISSUER, how);
        authority.annotations(&certified, &text)
    };
    let mut unlogged = annotations(Certify::Well);
    unlogged
        .as_object_mut()
        .unwrap()
        .remove("dev.sigstore.cosign/bundle");
    for (annotations, words) in [
        (unlogged, "it is in no transparency log"),
        (annotations(Certify::Unlogged), "in no log of certificates"),
        (
            annotations(Certify::ForServers),
            "does not lead to an authority",
        ),
    ] {
        images.sign(&pushed.index, &[(text.clone(), annotations)]);
        said(&with(IDENTITY, ISSUER, own), 2, &[words]);
    }
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
fn a_gateway_that_serves_tells_the_signer_and_takes_no_image_that_another_signed() {
    let (mut images, signer) = stand();
    let pushed = images.push("1", "one");
    images.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    let gateway = "\n[gateway]\nlisten = \"127.0.0.1:0\"\nadmin = \"admin.sock\"\nwatch = false\n";
    let reference = format!("{}:1", images.name());
    images.configure(&reference, &format!("{KEY}{gateway}"));
    said(&lock(&images), 0, &["signed by key"]);
    images.end_registry();
    let quiet = || Stdio::null();
    let mut command = images.command(&["run"]);
    let run = command.stdin(quiet()).stdout(quiet()).stderr(quiet());
    let _running = Running(run.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = images.sandgate(&["status"]);
        if status.code == Some(0) || Instant::now() > until {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let by = format!("desk: signed by key sha256:{}", signer.fingerprint());
    said(&status, 0, &[&by]);
    said(&images.sandgate(&["reload"]), 0, &[]);
    images.write("cosign.pub", &KeySigner::new().public());
    let refused = images.sandgate(&["reload"]);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(
        refused.output.contains("not signed with the key")
            || refused.log.contains("not signed with the key"),
        "{refused:?}"
    );
    said(&images.sandgate(&["status"]), 0, &[&by]);
}

#[test]
fn another_signer_is_shown_and_waits_for_a_yes() {
    let (images, signer) = stand();
    let next = KeySigner::new();
    let pushed = images.push("1", "one");
    images.sign(
        &pushed.index,
        &[by_key(&signer, &pushed.index), by_key(&next, &pushed.index)],
    );
    said(&lock(&images), 0, &["signed by key"]);
    images.write("cosign.pub", &next.public());
    said(
        &images.sandgate(&["lock"]),
        2,
        &["sandgate lock --update desk"],
    );
    let change = format!(
        "signed by: key sha256:{} -> key sha256:{}",
        signer.fingerprint(),
        next.fingerprint()
    );
    let update = ["lock", "--update", "desk"];
    said(
        &images.sandgate(&update),
        1,
        &[&change, "nothing was written"],
    );
    said(
        &images.sandgate(&["check"]),
        2,
        &["not signed with the key"],
    );
    said(
        &images.sandgate(&["lock", "--update", "desk", "--yes"]),
        0,
        &[&change, "is written"],
    );
    said(&images.sandgate(&["check"]), 0, &[&next.fingerprint()]);
    // Nobody asks any more: that is a change, too.
    images.configure(&format!("{}:1", images.name()), "");
    said(
        &images.sandgate(&["check"]),
        2,
        &["the configuration asks for no signature"],
    );
    said(
        &images.sandgate(&["lock", "--check"]),
        1,
        &["asks for no signature"],
    );
    let change = format!("{} -> nobody, or nobody was asked for", next.fingerprint());
    said(
        &images.sandgate(&["lock", "--update", "desk", "--yes"]),
        0,
        &[&change],
    );
    said(&images.sandgate(&["check"]), 0, &["not asked for"]);
    // And where every image must be signed, nothing without a signer is locked or run.
    let require = "\n[gateway]\nrequire-signatures = true\n";
    images.configure(&format!("{}:1", images.name()), require);
    let words = "`gateway.require-signatures` asks for images that are signed";
    said(
        &images.sandgate(&["check"]),
        2,
        &[words, "write `signed-by`"],
    );
    said(&lock(&images), 2, &[words]);
}

#[test]
fn a_login_is_for_its_registry_and_blobs_elsewhere_are_asked_for_without_it() {
    let (images, signer) = stand();
    let elsewhere = Images::new();
    let pushed = images.push("1", "one");
    for registry in [&images, &elsewhere] {
        registry.sign(&pushed.index, &[by_key(&signer, &pushed.index)]);
    }
    images.write("registry/token", "the-token ada:secret");
    said(&lock(&images), 2, &["it answered 401", "podman login"]);
    let login = |host: &str| {
        // `ada:secret`.
        let auths = json!({ "auths": { host: { "auth": "YWRhOnNlY3JldA==" } } });
        images.write("auth.json", &auths.to_string());
    };
    login("registry.example.com");
    said(&lock(&images), 2, &["podman login"]);
    let host = images.name().replace("/notes", "");
    login(&host);
    said(&lock(&images), 0, &["signed by key"]);
    let there = elsewhere.name().replace("/notes", "");
    images.write("registry/away", &format!("http://{there}"));
    said(&lock(&images), 0, &["signed by key"]);
    let asked = elsewhere.asked();
    assert!(asked.contains("/blobs/sha256:"), "{asked}");
    assert!(asked.lines().all(|line| line.ends_with(" -")), "{asked}");
    for (away, words) in [
        ("http://example.com", "it is not https"),
        ("https://10.0.0.1", "leads to a private address"),
        ("https://169.254.169.254", "leads to a private address"),
        (&format!("http://{host}"), "once too often"),
    ] {
        images.write("registry/away", away);
        said(&lock(&images), 2, &[words]);
    }
}
