//! Finds paths that leave their folder, and paths to secrets of the system.

use crate::decoding::decoded;
use crate::role::Role;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The finding is sure.
    None,
    /// The value may be harmless.
    Some,
}

/// What is wrong with a value as a path, in words that do not repeat the value, and how sure that is. `None` where
/// nothing is found. The roles `text` and `command` are not judged.
pub fn traversal(role: Role, value: &str) -> Option<(&'static str, Doubt)> {
    if matches!(role, Role::Text | Role::Command) {
        return None;
    }
    // Nearly every value returns here.
    if !value.bytes().any(is_suspicious) {
        return None;
    }
    let path = decoded(value);
    let is_path = role == Role::Path;
    if path.contains(&0) {
        return Some((
            "A path with a NUL",
            if is_path { Doubt::None } else { Doubt::Some },
        ));
    }
    let parents = path
        .split(|byte| *byte == b'/')
        .filter(|segment| is_parent(segment))
        .count();
    if parents > 0 && (path.contains(&b'/') || *path == *b"..") {
        let is_disguised = !value.contains("..");
        // In a name or a URL a single step up may be harmless. In a name, two steps or a disguised one are an attack;
        // in a URL, three.
        let sure = is_path || (role == Role::Plain && (parents > 1 || is_disguised)) || parents > 2;
        return Some((
            "A path that leaves its folder",
            if sure { Doubt::None } else { Doubt::Some },
        ));
    }
    names_secrets(&path).then_some((
        "A path to a system's secrets",
        if is_path || role == Role::Plain {
            Doubt::None
        } else {
            Doubt::Some
        },
    ))
}

/// Whether the byte occurs in paths that lead elsewhere. A value without such a byte is not judged.
pub(crate) fn is_suspicious(byte: u8) -> bool {
    matches!(byte, b'.' | b'/' | b'\\' | b'%' | b'~' | 0) || byte >= 0x80
}

/// Whether the segment is `..`, also with an ending that lax decoders cut off (`..;x`, `.. `), or a row of dots that
/// some take for it. Three dots are a wildcard (`./...`).
fn is_parent(segment: &[u8]) -> bool {
    let cut = segment
        .iter()
        .position(|byte| *byte == b';')
        .map_or(segment, |end| &segment[..end]);
    let cut = cut.trim_ascii();
    cut.len() >= 2 && cut.len() != 3 && cut.iter().all(|byte| *byte == b'.')
}

/// Whether the path names a file with passwords, keys or the memory of a process. No user of a tool asks for these by
/// accident.
fn names_secrets(path: &[u8]) -> bool {
    const FILES: [&str; 16] = [
        "etc/passwd",
        "etc/shadow",
        "etc/sudoers",
        "etc/gshadow",
        "etc/master.passwd",
        "proc/self",
        "proc/1",
        ".ssh",
        ".aws/credentials",
        ".kube/config",
        ".docker/config.json",
        "id_rsa",
        "id_ed25519",
        "boot.ini",
        "windows/win.ini",
        "windows/system32/config",
    ];
    // `/./` and `//` do not change a path.
    let mut segments = path
        .split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty() && *segment != b".");
    loop {
        let begins_with = |file: &str| {
            let mut segments = segments.clone();
            file.split('/').all(|name| {
                segments
                    .next()
                    .is_some_and(|segment| segment.eq_ignore_ascii_case(name.as_bytes()))
            })
        };
        if FILES.iter().any(|file| begins_with(file)) {
            return true;
        }
        if segments.next().is_none() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_not_leave_its_folder() {
        for value in [
            "../x",
            "a/../../b",
            "..",
            "a/..",
            "..\\..\\x",
            "%2e%2e/%2e%2e/x",
            "/..;/manager",
            "....//x",
            "a\0.txt",
            "a%00.txt",
        ] {
            assert!(
                matches!(traversal(Role::Path, value), Some((_, Doubt::None))),
                "{value}"
            );
        }
        for value in [
            "a/b.txt",
            "/srv/data/x..y",
            "./...",
            "a...",
            "v1.2..v1.3",
            "C:\\data\\x.csv",
            "Zürich/über.md",
            "100%",
        ] {
            assert_eq!(traversal(Role::Path, value), None, "{value}");
        }
    }

    #[test]
    fn secrets_are_told_by_their_names() {
        for value in [
            "/etc/passwd",
            "/./etc//passwd",
            "~/.ssh/id_rsa",
            "C:\\boot.ini",
            "/proc/self/environ",
        ] {
            assert!(
                matches!(traversal(Role::Path, value), Some((_, Doubt::None))),
                "{value}"
            );
        }
        assert_eq!(traversal(Role::Path, "/etc/hosts"), None);
        assert_eq!(traversal(Role::Path, "docs/etc/passwd.md"), None);
    }

    #[test]
    fn in_a_name_one_step_up_is_only_noted() {
        assert!(matches!(
            traversal(Role::Plain, "../x"),
            Some((_, Doubt::Some))
        ));
        assert!(matches!(
            traversal(Role::Plain, "../../x"),
            Some((_, Doubt::None))
        ));
        assert_eq!(traversal(Role::Plain, "wait..."), None);
        assert_eq!(traversal(Role::Text, "see ../../etc/passwd"), None);
    }
}
