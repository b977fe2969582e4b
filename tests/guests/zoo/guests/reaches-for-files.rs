//! Does with files what the params say (`{op, path, to, text}`), and answers with what came of it.
//!
//! ```toml
//! [asks]
//! dirs = { "/rules" = { access = "ro", why = "the rules" }, "/work" = { access = "rw", why = "what it makes of them" } }
//! ```

use std::fs;

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};

struct ReachesForFiles;

#[derive(serde::Deserialize)]
struct Order {
    op: String,
    path: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    text: String,
}

impl Interceptor for ReachesForFiles {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let Ok(Order { op, path, to, text }) = serde_json::from_str(&params.json()) else {
            return Ok(PreDecision::Proceed);
        };
        let done = match op.as_str() {
            "read" => fs::read_to_string(&path),
            "write" => fs::write(&path, text).map(|()| "written".into()),
            "append" => fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .and_then(|mut file| {
                    std::io::Write::write_all(&mut file, text.as_bytes()).map(|()| "written".into())
                }),
            "create-dir" => fs::create_dir(&path).map(|()| "made".into()),
            "remove" => fs::remove_file(&path).map(|()| "removed".into()),
            "rename" => fs::rename(&path, &to).map(|()| "renamed".into()),
            "hard-link" => fs::hard_link(&path, &to).map(|()| "linked".into()),
            "symlink" => symlink(&path, &to).map(|()| "linked".into()),
            "list" => fs::read_dir(&path).and_then(|entries| {
                let mut names = entries
                    .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                    .collect::<std::io::Result<Vec<_>>>()?;
                names.sort();
                Ok(names.join(" "))
            }),
            other => return Err(Error::new(format!("no such operation: {other}"))),
        };
        let answer = match done {
            Ok(text) => serde_json::json!({ "ok": text }),
            Err(error) => serde_json::json!({ "error": error.to_string() }),
        };
        Ok(PreDecision::Answer(answer.to_string()))
    }
}

/// The standard library has it behind an unstable feature only: a link in `/work` to anywhere.
fn symlink(target: &str, link: &str) -> std::io::Result<()> {
    let link = link
        .strip_prefix("/work/")
        .ok_or(std::io::ErrorKind::InvalidInput)?;
    for (dir, name) in wasip2::filesystem::preopens::get_directories() {
        if name == "/work" {
            return dir
                .symlink_at(target, link)
                .map_err(|code| std::io::Error::other(format!("{code:?}")));
        }
    }
    Err(std::io::ErrorKind::NotFound.into())
}

export!(ReachesForFiles: pre_call);
