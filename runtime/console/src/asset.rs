//! The stylesheet, the script and the icon, with the hash of their content in their names.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::response::{Answer, asset};

/// A file of the binary.
pub(crate) struct Asset {
    /// Its path.
    pub(crate) path: String,
    kind: &'static str,
    content: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/console.css"),
    )
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "console",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/console.js"),
    )
});
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    )
});

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash = sandgate_text::hex::encode(&digest[..8]);
        Self {
            path: format!("/asset/{name}-{hash}.{ending}"),
            kind,
            content,
        }
    }
}

/// The file of this path.
pub(crate) fn find(path: &str) -> Option<Answer> {
    let all = [&STYLE, &SCRIPT, &ICON];
    let found = all.into_iter().find(|one| one.path == path)?;
    Some(asset(found.kind, found.content))
}
