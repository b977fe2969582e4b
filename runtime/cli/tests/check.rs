//! What three sorts of operators get wrong, and what `check` says of it: somebody with a few programs on a laptop, a team
//! with keys and TLS, a platform with servers by HTTP and telemetry. It stands beside each file: `BLESS=1 cargo test`
//! writes it anew.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sandgate::check::{self, Verdict};
use sandgate_config::{Environment, Loaded};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for operator in ["laptop", "team", "platform"] {
        let entries = std::fs::read_dir(folder().join(operator)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.extension().is_some_and(|one| one == "toml"));
    files.sort();
    files
}

/// As it is said to somebody who works in the file's folder, on a machine that has `sh` and `true` alone.
async fn said(path: &Path, environment: &Environment) -> (Verdict, String) {
    let text = std::fs::read_to_string(path).unwrap();
    let report = match Loaded::parse(path, text) {
        Err(report) => report,
        Ok(loaded) => match check::check(&loaded, environment).await {
            Ok(checked) => checked.warnings,
            Err(report) => report,
        },
    };
    let folder = format!("{}/", path.parent().unwrap().display());
    (
        Verdict::of(&report),
        report.render(false).replace(&folder, ""),
    )
}

#[tokio::test]
async fn nothing_wrong_passes_silently() {
    let (programs, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["sh", "true"] {
        std::os::unix::fs::symlink("/bin/sh", programs.path().join(name)).unwrap();
    }
    let variables = [("PATH", programs.path()), ("XDG_CACHE_HOME", cache.path())];
    let environment: Environment = variables
        .into_iter()
        .map(|(name, path)| (name, path.display().to_string()))
        .collect();
    let files = files();
    assert!(files.len() >= 40, "{}", files.len());
    let mut differing = Vec::new();
    for path in files {
        let (verdict, said) = said(&path, &environment).await;
        assert_ne!(verdict.result, "good", "{}", path.display());
        for issue in &verdict.issues {
            let (told, name) = (&issue.message, path.display());
            assert!(issue.details.help.is_some(), "{name}: no remedy for {told}");
        }
        let golden = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if expected != said {
            differing.push(format!("{}\n{said}", golden.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "BLESS=1 writes them anew:\n{}",
        differing.join("\n")
    );
}

#[tokio::test]
async fn what_is_right_is_good() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let variables = [
        ("PATH", "/usr/bin:/bin".into()),
        ("XDG_CACHE_HOME", cache.path().display().to_string()),
    ];
    let environment: Environment = variables.into_iter().collect();
    let text = "[clients.ada]\n\
                token-sha256 = \"1111111111111111111111111111111111111111111111111111111111111111\"\n\
                groups = [\"support\"]\n\
                [servers.shell]\ncommand = \"sh\"\nargs = [\"-c\", \"exec server $HOME\"]\n\
                [servers.crm]\nurl = \"http://127.0.0.1:9000/mcp\"\n\
                [call-log]\nto = \"calls.jsonl\"\n\
                [telemetry]\nmetrics = \"127.0.0.1:9808\"\notlp = \"http://127.0.0.1:4318\"\n\
                [[interceptors]]\nname = \"allow\"\nplugin = \"builtin:allow-tools\"\n\
                settings = { rules = [{ who = [\"client:a*\", \"group:support\", \"*\"], allow = [\"c?m/*\", \"*\"] }] }\n";
    let path = folder.path().join("sandgate.toml");
    std::fs::write(&path, text).unwrap();
    let (verdict, said) = said(&path, &environment).await;
    assert_eq!(verdict.result, "good", "{said}");
}
