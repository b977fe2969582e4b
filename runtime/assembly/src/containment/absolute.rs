//! Paths from the root.

use std::path::{Component, Path, PathBuf};

/// A path from the root, without `..`: a folder above one that is a link is where the link leads.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain = plain.canonicalize().unwrap_or(plain);
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_above_a_link_is_where_the_link_leads() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/below")).unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        std::os::unix::fs::symlink(root.join("real/below"), root.join("link")).unwrap();
        assert_eq!(absolute(&root.join("data/../data/.")), root.join("data"));
        assert_eq!(absolute(&root.join("link/../x")), root.join("real/x"));
        assert_eq!(absolute(&root.join("link/x")), root.join("link/x"));
    }
}
