//! The machine code of the built-in plugins that a package brings: where it lies, and how the program knows it again. It is
//! made by the finished program, so the program's file has a slot into which the digest is written then.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use memchr::memmem;
use sandgate_host::{PackageDigest, Packaged, PackagedError, ProgramFile};

/// Where packages put it, from the folder of the program: beside `bin`, or beside the program of an unpacked archive.
const PLACES: [&[&str]; 2] = [
    &["..", "lib", "sandgate", "compiled"],
    &["sandgate-compiled"],
];

/// Bytes of the mark by which the slot is found in the program's file.
const MARK: usize = 32;

/// The mark, and behind it the digest. A program that was not packaged has zeros there.
#[used]
static SLOT: [u8; MARK + 32] = {
    let mark = *b"\x7fsandgate: packaged code, sha256";
    let mut slot = [0; MARK + 32];
    let mut at = 0;
    while at < MARK {
        slot[at] = mark[at];
        at += 1;
    }
    slot
};

/// The digest of what this program was packaged with. `None`: it was not packaged.
fn digest() -> Option<PackageDigest> {
    // The slot is written after the compiler is done, so the compiler must not know what is in it. If it did, zeros would
    // be found here, and nothing packaged be used.
    let (_, digest) = black_box(&SLOT).split_last_chunk()?;
    (*digest != [0; 32]).then_some(PackageDigest(*digest))
}

/// What this program was packaged with. `None`: nothing, or nothing that can be trusted, which is logged.
pub fn packaged() -> Option<Packaged> {
    match find(digest()?) {
        Ok(packaged) => Some(packaged),
        Err(error) if error.is_missing() => {
            tracing::debug!(
                "plugins are compiled here, since the program came without its package: {error}"
            );
            None
        }
        Err(error) => {
            tracing::warn!(
                "packaged machine code is not used, and plugins are compiled here: {error}"
            );
            None
        }
    }
}

/// Looks from where the program's file really is, which neither a variable nor a link nor the working folder changes.
fn find(digest: PackageDigest) -> Result<Packaged, PackagedError> {
    let failed = |error| PackagedError::Io("the program's own file".into(), error);
    let program = std::env::current_exe().map_err(failed)?;
    let file = ProgramFile::new(&fs::metadata(&program).map_err(failed)?);
    let folder = program.parent().unwrap_or(Path::new("/"));
    let folder = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
    let mut missing = None;
    for place in PLACES {
        match Packaged::open(&folder, place, file, digest) {
            Err(error) if error.is_missing() => missing = Some(error),
            found => return found,
        }
    }
    Err(missing.unwrap_or_else(|| PackagedError::Missing("its folder".into())))
}

/// A program's bytes with the digest in its slot. `None`: it has no slot, or something else looks like one.
pub(crate) fn with_digest(mut program: Vec<u8>, digest: PackageDigest) -> Option<Vec<u8>> {
    let (mark, _) = black_box(&SLOT).split_at(MARK);
    let mut found = memmem::find_iter(&program, mark);
    let (at, None) = (found.next()?, found.next()) else {
        return None;
    };
    let slot = program.get_mut(at + MARK..at + MARK + 32)?;
    slot.copy_from_slice(&digest.0);
    Some(program)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_that_was_not_packaged_looks_nowhere() {
        assert_eq!(digest(), None);
        assert!(packaged().is_none());
    }

    #[test]
    fn the_digest_is_written_where_the_program_reads_it() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        let digest = PackageDigest([0xa5; 32]);
        let length = own.len();
        let packaged = with_digest(own, digest).unwrap();
        assert_eq!(packaged.len(), length);
        let written = [&SLOT[..MARK], &digest.0].concat();
        assert_eq!(memmem::find_iter(&packaged, &written).count(), 1);
        // Once more, with another digest.
        assert!(with_digest(packaged, PackageDigest([0x5a; 32])).is_some());
    }

    #[test]
    fn what_is_no_program_of_this_build_is_not_written() {
        let digest = PackageDigest([1; 32]);
        let hostile = [
            Vec::new(),
            b"#!/bin/sh\n".to_vec(),
            SLOT[..MARK].to_vec(),
            SLOT[..MARK + 31].to_vec(),
            [SLOT, SLOT].concat(),
        ];
        for bytes in hostile {
            assert_eq!(with_digest(bytes, digest), None);
        }
    }
}
