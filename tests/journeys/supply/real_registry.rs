//! The same with a real registry and Podman: what these say of an image is what the signature is tied to. By hand
//! (`make containers`).

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::authority::{KeySigner, digest, payload};
use harness::{Ended, binary};
use serde_json::{Value, json};

use super::stand::said;

/// The registry, which ends with it.
struct Registry(Child);

impl Registry {
    /// Starts it in a folder. Returns it with its host and port.
    fn start(folder: &Path) -> (Self, String) {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        let storage = folder.join("storage");
        let written = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {storage:?} }} }}\nhttp: {{ addr: {host:?} }}\n"
        );
        write("registry.yml", &written);
        write(
            "registries.conf",
            &format!("[[registry]]\nlocation = {host:?}\ninsecure = true\n"),
        );
        let registry = Command::new("docker-registry")
            .args(["serve", "registry.yml"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let registry = Self(registry.unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(&host).is_err() {
            assert!(Instant::now() < until, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        (registry, host)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, args: &[&str], folder: &Path) -> String {
    let done = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("CONTAINERS_REGISTRIES_CONF", folder.join("registries.conf"))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args:?}: {complaint}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
#[ignore = "needs Podman, skopeo and docker-registry: make containers"]
fn a_signature_in_a_real_registry_is_that_of_the_image_which_podman_has_for_containers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (registry, host) = Registry::start(folder);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let image = format!("{host}/notes:1");
    let made =
        format!("mkdir root && echo one > root/file && tar -C root -c . | podman import - {image}");
    run("sh", &["-c", &made], folder);
    run("podman", &["push", &image], folder);
    run("podman", &["rmi", &image], folder);
    let remote = format!("docker://{image}");
    let signed = digest(
        run(
            "skopeo",
            &["inspect", "--tls-verify=false", "--raw", &remote],
            folder,
        )
        .as_bytes(),
    );

    let signer = KeySigner::new();
    write("cosign.pub", &signer.public());
    write(
        "sandgate.toml",
        &format!("[servers.desk]\nimage = {image:?}\nsigned-by = {{ key = \"cosign.pub\" }}\n"),
    );
    let sandgate = |args: &[&str]| {
        let done = Command::new(binary("sandgate"))
            .args(args)
            .arg("--config")
            .arg(folder.join("sandgate.toml"))
            .env("NO_COLOR", "1")
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .env("CONTAINERS_REGISTRIES_CONF", folder.join("registries.conf"))
            .output()
            .unwrap();
        Ended {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            log: String::from_utf8(done.stderr).unwrap(),
        }
    };
    said(&sandgate(&["lock"]), 2, &["it is not signed", &signed]);
    let tag = format!("docker://{host}/notes:{}.sig", signed.replace(':', "-"));
    let other = payload(&digest(b"another"));
    push(
        folder,
        "replayed",
        &other,
        &signer.annotations(&other),
        &tag,
    );
    said(&sandgate(&["lock"]), 2, &["it is a signature of sha256:"]);
    let own = payload(&signed);
    push(folder, "own", &own, &signer.annotations(&own), &tag);
    said(
        &sandgate(&["lock"]),
        0,
        &["it is signed by key", "is written"],
    );
    drop(registry);
    said(&sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(&sandgate(&["check"]), 0, &[&signer.fingerprint()]);
    run("podman", &["rmi", &image], folder);
}

#[test]
#[ignore = "needs skopeo and docker-registry: make containers"]
fn a_plugin_is_pushed_to_a_real_registry_and_locked_from_it_for_containers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (registry, host) = Registry::start(folder);
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let sandgate = |args: &[&str]| {
        let done = Command::new(binary("sandgate"))
            .args(args)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .output()
            .unwrap();
        Ended {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            log: String::from_utf8(done.stderr).unwrap(),
        }
    };
    let reference = format!("oci://{host}/policies/mask:1");
    let push_guest = |name: &str| {
        write("mask.wasm", sandgate_guests::find(name).unwrap().bytes);
        sandgate(&["plugin", "push", "mask.wasm", &reference])
    };
    let pushed = push_guest("noop");
    said(&pushed, 0, &["pushed"]);
    said(&push_guest("noop"), 0, &["pushed"]);
    let remote = format!("docker://{host}/policies/mask");
    let tagged = format!("{remote}:1");
    let look = ["inspect", "--tls-verify=false", "--raw", &tagged];
    let signed = digest(run("skopeo", &look, folder).as_bytes());
    assert!(pushed.output.contains(&signed), "{}", pushed.output);
    let signer = KeySigner::new();
    write("cosign.pub", signer.public().as_bytes());
    let config = format!(
        "[servers.one]\ncommand = \"true\"\n[[interceptors]]\nname = \"mask\"\nplugin = {reference:?}\n\
         signed-by = {{ key = \"cosign.pub\" }}\n"
    );
    write("sandgate.toml", config.as_bytes());
    said(&sandgate(&["lock"]), 2, &["it is not signed", &signed]);
    let own = payload(&signed);
    let tag = format!("{remote}:{}.sig", signed.replace(':', "-"));
    push(folder, "own", &own, &signer.annotations(&own), &tag);
    said(&sandgate(&["lock"]), 0, &["signed by key", "is written"]);
    said(&push_guest("counter"), 0, &["before    sha256:"]);
    said(
        &sandgate(&["lock", "--update", "mask"]),
        2,
        &["it is not signed"],
    );
    drop(registry);
    said(&sandgate(&["lock", "--check"]), 0, &["agree"]);
    said(&sandgate(&["check"]), 0, &[&signed, &signer.fingerprint()]);
}

/// Pushes a signature as cosign does: an image whose layer is the payload.
fn push(folder: &Path, name: &str, payload: &str, annotations: &Value, to: &str) {
    let layout = folder.join(name);
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |text: &str, kind: &str| {
        let digest = digest(text.as_bytes());
        std::fs::write(blobs.join(&digest["sha256:".len()..]), text).unwrap();
        json!({ "mediaType": kind, "digest": digest, "size": text.len() })
    };
    let mut layer = put(payload, "application/vnd.dev.cosign.simplesigning.v1+json");
    let config = json!({
        "architecture": "", "os": "", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
    });
    let config = put(
        &config.to_string(),
        "application/vnd.oci.image.config.v1+json",
    );
    layer["annotations"] = annotations.clone();
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer] });
    let mut manifest = put(&manifest.to_string(), kind);
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "sig" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    std::fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .unwrap();
    run(
        "skopeo",
        &[
            "copy",
            "--dest-tls-verify=false",
            &format!("oci:{name}:sig"),
            to,
        ],
        folder,
    );
}
