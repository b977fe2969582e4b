//! Digests for people.

/// A digest shortened to twelve hexadecimal digits, enough to tell one from another.
pub fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}
