//! The zoo, compiled: plugins that do what a plugin must not, one a file under `zoo/guests`.
//!
//! It answers for their being built and for none being forgotten. What must happen to each is the business of the tests
//! that run them.

include!(concat!(env!("OUT_DIR"), "/for_all_guests.rs"));

/// One plugin.
#[derive(Clone, Copy)]
pub struct Guest {
    /// Its file's name.
    pub name: &'static str,
    /// The component, its manifest in it.
    pub bytes: &'static [u8],
}

/// A plugin built once with version 0.1.0 of the contract and never again: every later 0.1.x host must run it. Its source
/// then was `zoo/guests/touches-everything.rs`.
pub const FROZEN: &[u8] = include_bytes!("../frozen/interceptor-0.1.0.wasm");

/// Every guest, by name.
pub fn all() -> &'static [Guest] {
    include!(concat!(env!("OUT_DIR"), "/guests.rs"))
}

/// The guest of that name.
pub fn find(name: &str) -> Option<Guest> {
    all().iter().find(|guest| guest.name == name).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_of_the_zoo_is_a_guest() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/zoo/guests");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.split_once('.').unwrap().0.to_owned()
            })
            .collect();
        files.sort();
        let mut guests: Vec<_> = all().iter().map(|guest| guest.name).collect();
        guests.sort();
        assert_eq!(guests, files);
    }

    #[test]
    fn a_guest_is_found_by_its_name() {
        assert!(find("noop").unwrap().bytes.starts_with(b"\0asm"));
        assert!(find("no-such-guest").is_none());
    }
}
