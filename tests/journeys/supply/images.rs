//! A registry of images on loopback, an engine that has what it is told to have, and a configuration with one image.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::authority::digest;
use harness::{Ended, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An engine's program. It has the image of the file `engine.json`, whatever it is asked for, and writes down what
/// that was.
const ENGINE: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/asked"
case "$1 $2" in
    "--version "*) echo "podman version 5.4.2" ;;
    "info "*) echo "false [cpu memory pids]" ;;
    "pull "*) ;;
    "image inspect")
        if [ "$3" = --format ]; then sed -n 's/.*"Id":"\([^"]*\)".*/\1/p' "$here/engine.json"; else cat "$here/engine.json"; fi ;;
    *) ;;
esac
"#;

pub(super) struct Images {
    folder: TempDir,
    registry: Child,
    port: String,
}

/// What was pushed: digests of the index and of its manifest, and the image's id.
pub(super) struct Pushed {
    pub(super) index: String,
    pub(super) manifest: String,
    pub(super) id: String,
}

impl Images {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["registry", "bin"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/supply/oci.py");
        let mut registry = Command::new("python3")
            .arg(script)
            .current_dir(folder.path().join("registry"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let out = registry.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut port).unwrap();
        let engine = folder.path().join("bin/podman");
        std::fs::write(&engine, ENGINE).unwrap();
        std::fs::set_permissions(&engine, PermissionsExt::from_mode(0o755)).unwrap();
        Self {
            folder,
            registry,
            port: port.trim().to_owned(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The image's name in the registry.
    pub(super) fn name(&self) -> String {
        format!("127.0.0.1:{}/notes", self.port)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// What the registry was asked for, with what was shown to it.
    pub(super) fn asked(&self) -> String {
        std::fs::read_to_string(self.path("registry/asked")).unwrap_or_default()
    }

    fn put(&self, kind: &str, reference: &str, text: &str) {
        self.write(&format!("registry/v2/notes/{kind}/{reference}"), text);
    }

    /// Pushes an image of one platform among two, which differs by its words, under a tag; the engine has it.
    pub(super) fn push(&self, tag: &str, words: &str) -> Pushed {
        let machine = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            _ => "amd64",
        };
        let manifest = |words: &str| {
            let config = digest(words.as_bytes());
            let text = json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 7 },
                "layers": [],
            })
            .to_string();
            self.put("manifests", &digest(text.as_bytes()), &text);
            (digest(text.as_bytes()), config)
        };
        let (own, id) = manifest(words);
        let (other, _) = manifest(&format!("{words} elsewhere"));
        let one = |digest: &str, architecture: &str| {
            json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest,
                "size": 7,
                "platform": { "os": "linux", "architecture": architecture },
            })
        };
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [one(&other, "riscv64"), one(&own, machine)],
        })
        .to_string();
        let pushed = Pushed {
            index: digest(index.as_bytes()),
            manifest: own,
            id,
        };
        self.put("manifests", &pushed.index, &index);
        self.put("manifests", tag, &index);
        self.engine_has(&pushed, machine);
        pushed
    }

    pub(super) fn engine_has(&self, pushed: &Pushed, machine: &str) {
        let told = json!([{
            "Id": pushed.id,
            "RepoDigests": [format!("{}@{}", self.name(), pushed.index)],
            "Size": 7,
            "Architecture": machine,
            "Os": "linux",
        }]);
        self.write("bin/engine.json", &format!("{told}\n"));
    }

    /// Puts signatures under the tag `sha256-….sig`: payloads with their annotations.
    pub(super) fn sign(&self, signed: &str, signatures: &[(String, Value)]) {
        let layers: Vec<Value> = signatures
            .iter()
            .map(|(payload, annotations)| {
                let digest = digest(payload.as_bytes());
                self.put("blobs", &digest, payload);
                json!({
                    "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
                    "digest": digest,
                    "size": payload.len(),
                    "annotations": annotations,
                })
            })
            .collect();
        let manifest = json!({ "schemaVersion": 2, "layers": layers }).to_string();
        let tag = format!("{}.sig", signed.replace(':', "-"));
        self.put("manifests", &tag, &manifest);
    }

    /// Puts bundles that refer to a manifest: where the registry keeps a list of them, or under the tag that stands
    /// for it.
    pub(super) fn refer(&self, signed: &str, bundles: &[Value], listed: bool) {
        let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let manifests: Vec<Value> = bundles
            .iter()
            .map(|bundle| {
                let text = bundle.to_string();
                let blob = digest(text.as_bytes());
                self.put("blobs", &blob, &text);
                let manifest = json!({
                    "schemaVersion": 2,
                    "artifactType": kind,
                    "layers": [{ "mediaType": kind, "digest": blob, "size": text.len() }],
                })
                .to_string();
                let digest = digest(manifest.as_bytes());
                self.put("manifests", &digest, &manifest);
                json!({ "digest": digest, "artifactType": kind, "size": manifest.len() })
            })
            .collect();
        let list = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
        match listed {
            true => self.put("referrers", signed, &list),
            false => self.put("manifests", &signed.replace(':', "-"), &list),
        }
    }

    /// Writes a configuration with the server `desk`, of this reference.
    pub(super) fn configure(&self, reference: &str, more: &str) {
        let text = format!("[servers.desk]\nimage = {reference:?}\n{more}");
        self.write("sandgate.toml", &text);
    }

    pub(super) fn sandgate(&self, args: &[&str]) -> Ended {
        let done = self.command(args).stdin(Stdio::null()).output().unwrap();
        Ended {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            log: String::from_utf8(done.stderr).unwrap(),
        }
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let search = format!(
            "{}:{}",
            self.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new(binary("sandgate"));
        command
            .args(args)
            .arg("--config")
            .arg(self.path("sandgate.toml"))
            .env("NO_COLOR", "1")
            .env("PATH", search)
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("REGISTRY_AUTH_FILE", self.path("auth.json"))
            .env_remove("XDG_RUNTIME_DIR");
        command
    }

    pub(super) fn end_registry(&mut self) {
        self.registry.kill().unwrap();
        self.registry.wait().unwrap();
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let _ = self.registry.kill();
        let _ = self.registry.wait();
    }
}
