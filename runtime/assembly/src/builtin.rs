//! The plugins inside the binary, named `builtin:NAME` in the configuration.

use bytes::Bytes;
use miniz_oxide::inflate::decompress_slice_iter_to_slice;

/// A builtin plugin: a component with its manifest in it, exactly like one from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    /// The plugin's name, which follows `builtin:`.
    pub name: &'static str,
    /// The component, as the build script compressed it.
    deflated: &'static [u8],
    /// How many bytes the component has.
    length: usize,
}

impl Builtin {
    /// The component's bytes. Each call inflates them anew, which takes milliseconds and is not for the way of a call.
    pub fn bytes(&self) -> Bytes {
        let mut bytes = vec![0; self.length];
        let inflated =
            decompress_slice_iter_to_slice(&mut bytes, [self.deflated].into_iter(), false, true);
        // Anything else is a program whose file is damaged.
        assert_eq!(
            inflated,
            Ok(self.length),
            "builtin:{} in the program is damaged",
            self.name
        );
        bytes.into()
    }
}

/// A static, since a constant would be in the program once for each part of it that names it.
static ALL: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// All builtin plugins, in alphabetical order.
pub fn all() -> &'static [Builtin] {
    ALL
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
            let bytes = builtin.bytes();
            assert_eq!(
                bytes[..8],
                *b"\0asm\x0d\0\x01\0",
                "{} is no component",
                builtin.name
            );
            let manifest = format!("\"name\":\"{}\"", builtin.name);
            let found = bytes
                .windows(manifest.len())
                .any(|window| window == manifest.as_bytes());
            assert!(found, "{} does not say its name", builtin.name);
        }
    }

    #[test]
    fn the_program_holds_the_builtins_compressed() {
        let whole: usize = all().iter().map(|builtin| builtin.bytes().len()).sum();
        let held: usize = all().iter().map(|builtin| builtin.deflated.len()).sum();
        assert!(held < whole / 2, "{held} of {whole} bytes");
    }

    #[test]
    fn a_builtin_is_found_by_its_name_alone() {
        assert_eq!(find("allow-tools").unwrap().name, "allow-tools");
        assert_eq!(find("allow"), None);
        assert_eq!(find(""), None);
    }
}
