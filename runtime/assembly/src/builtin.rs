//! The plugins inside the binary, named `builtin:NAME` in the configuration.

/// A builtin plugin: a component with its manifest in it, exactly like one from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The plugin's name, which follows `builtin:`.
    pub name: &'static str,
    /// The component's bytes.
    pub bytes: &'static [u8],
}

/// All builtin plugins, in alphabetical order.
pub fn all() -> &'static [Builtin] {
    include!(concat!(env!("OUT_DIR"), "/builtins.rs"))
}

/// The builtin plugin of that name.
pub fn find(name: &str) -> Option<Builtin> {
    all().iter().find(|builtin| builtin.name == name).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_builtin_is_a_component_with_its_manifest() {
        assert!(!all().is_empty());
        for builtin in all() {
            assert_eq!(
                builtin.bytes[..8],
                *b"\0asm\x0d\0\x01\0",
                "{} is no component",
                builtin.name
            );
            let manifest = format!("\"name\":\"{}\"", builtin.name);
            let found = builtin
                .bytes
                .windows(manifest.len())
                .any(|window| window == manifest.as_bytes());
            assert!(found, "{} does not say its name", builtin.name);
        }
    }

    #[test]
    fn a_builtin_is_found_by_its_name_alone() {
        assert_eq!(find("allow-tools").unwrap().name, "allow-tools");
        assert_eq!(find("allow"), None);
        assert_eq!(find(""), None);
    }
}
