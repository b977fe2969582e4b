//! Finds paths that leave their folder, and paths to secrets of the system.

use super::{Doubt, Level};
use crate::decoding::decoded;
use crate::reading::Reading;
use crate::role::Role;

const LEAVES: &str = "A path that leaves its folder";
const SECRETS: &str = "A path to a system's secrets";
pub(super) const SYSTEM: &str = "A path to a system's own files";
const NUL: &str = "A path with a NUL";
const SHARE: &str = "A path to another machine";

/// The most steps up in a plain value that may be a relative import or a configuration beside it.
const STEPS: usize = 2;

/// What is wrong with a value as a path, and how sure that is.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<(&'static str, Doubt)> {
    let value = reading.value;
    let is_path = role == Role::Path;
    // Elsewhere than at a path's own place, words around it make it a text about paths.
    if !is_path
        && (reading.words_before(value.len()) > 2 || level == Level::Prose && value.contains(' '))
    {
        return None;
    }
    let path = decoded(value);
    let is_coded = reading.is_coded && value.contains('%');
    if path.contains(&0) {
        let is_sure = is_path || is_coded || value.contains('\0');
        return Some((NUL, if is_sure { Doubt::None } else { Doubt::Some }));
    }
    // `../../` in Base64.
    if value.starts_with("Li4vLi4v") || value.starts_with("Li5cLi5c") {
        return Some((LEAVES, Doubt::None));
    }
    let steps = Steps::of(&path);
    if steps.up > 0 {
        let is_disguised = steps.is_odd || !value.contains("..") || is_coded && role != Role::Url;
        let is_sure = match role {
            // The parent folder by itself is where a person goes back to, and holds no file.
            Role::Path => steps.out > 0 && !matches!(value, ".." | "../") || is_disguised,
            Role::Url => steps.out > 1 || is_disguised && steps.out > 0 || steps.up > 4,
            _ => steps.out > STEPS || (steps.out > 0 || steps.up > 1) && is_disguised,
        };
        if is_sure {
            return Some((LEAVES, Doubt::None));
        }
    }
    if is_coded && coded_letters(value) > 2 {
        return Some((LEAVES, Doubt::None));
    }
    if is_path && is_share(value) {
        return Some((SHARE, Doubt::None));
    }
    let begins = |name: &[u8]| {
        path.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let is_pathlike = is_path
        || !value.contains(' ')
        || path.first() == Some(&b'/')
        || path.get(1) == Some(&b':')
        || begins(b"file:");
    if is_pathlike && names_one_of(&path, &SECRET) {
        let is_sure = level == Level::Plain || value.starts_with(['/', '~', '.']);
        return Some((SECRETS, if is_sure { Doubt::None } else { Doubt::Some }));
    }
    if is_path && names_one_of(&path, &OWN) {
        return Some((SYSTEM, Doubt::None));
    }
    (steps.out > 0).then_some((LEAVES, Doubt::Some))
}

/// How many letters, digits and dots are written as codes. No program writes them so.
pub(super) fn coded_letters(value: &str) -> usize {
    let bytes = value.as_bytes();
    (0..bytes.len())
        .filter(|at| {
            let digits = bytes
                .get(at + 1..at + 3)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            bytes[*at] == b'%'
                && code.is_some_and(|code| code.is_ascii_alphanumeric() || code == b'.')
        })
        .count()
}

/// How a path steps up.
#[derive(Default)]
struct Steps {
    /// How many segments mean the folder above.
    up: usize,
    /// How many of these lead out of the folder that the path begins in. For a rooted path: out of its first folder.
    out: usize,
    /// Whether a step is written as only an attacker writes it.
    is_odd: bool,
}

impl Steps {
    fn of(path: &[u8]) -> Self {
        let mut steps = Self::default();
        let mut depth = 0usize;
        let mut triple = 0;
        let is_rooted = path.first() == Some(&b'/');
        // What stands before is a scheme and a host.
        let path = match path.windows(3).position(|it| it == b"://") {
            Some(at) => path[at + 3..]
                .iter()
                .position(|it| *it == b'/')
                .map_or(&b""[..], |slash| &path[at + 3 + slash..]),
            None => path,
        };
        let end = path
            .iter()
            .position(|it| matches!(it, b'?' | b'#'))
            .filter(|at| *at > 0 && !path[*at..].contains(&b'/'));
        let path = &path[..end.unwrap_or(path.len())];
        if !path.contains(&b'/') && path != b".." {
            steps.count_joined(path);
            return steps;
        }
        for segment in path.split(|byte| *byte == b'/') {
            match Segment::of(segment) {
                Segment::Here => {}
                Segment::Down => depth += 1,
                Segment::Triple => {
                    triple += 1;
                    if triple > 1 {
                        steps.up += 1;
                        steps.out += 1;
                        steps.is_odd = true;
                    }
                }
                parent => {
                    steps.up += 1;
                    steps.is_odd |= parent == Segment::OddParent;
                    match depth.checked_sub(1) {
                        // A rooted path that comes back to its root may lead anywhere.
                        Some(0) if is_rooted => {
                            depth = 0;
                            steps.out += 1;
                        }
                        Some(less) => depth = less,
                        None => {
                            // Nothing is above a root.
                            steps.is_odd |= is_rooted;
                            steps.out += 1;
                        }
                    }
                }
            }
        }
        if steps.up == 0 {
            steps.count_joined(path);
        }
        steps
    }

    /// Steps whose separator is written in a way that is not known: pairs of dots with the same few bytes between.
    fn count_joined(&mut self, path: &[u8]) {
        let mut pairs = 0;
        let mut at = 0;
        while at + 1 < path.len() {
            let is_pair = path[at..].starts_with(b"..")
                && path.get(at + 2).is_some_and(|next| {
                    !next.is_ascii_alphanumeric() && *next != b'.' && !next.is_ascii_whitespace()
                })
                && (at == 0 || path[at - 1] != b'.');
            let is_spelled = path[at..].starts_with(b"..")
                && [&b"2f"[..], b"5c", b"2F", b"5C", b"u22"]
                    .iter()
                    .any(|it| path[at + 2..].starts_with(it));
            let is_pair = is_pair || is_spelled;
            // A code that no decoder knows, and some servers take for a separator.
            let is_malformed = path[at..].starts_with(b"..")
                && path
                    .get(at + 2)
                    .is_some_and(|next| matches!(next, b'%' | 0xC0 | 0xC1));
            pairs += if is_malformed {
                3
            } else {
                usize::from(is_pair)
            };
            at += if is_pair { 2 } else { 1 };
        }
        if pairs > 2 {
            *self = Self {
                up: pairs,
                out: pairs,
                is_odd: true,
            };
        }
    }
}

#[derive(PartialEq)]
enum Segment {
    Here,
    Down,
    Parent,
    /// `..` with what lax programs cut off (`..;x`, `.. `), or a row of dots that some take for it.
    OddParent,
    /// Three dots: a wildcard, but several in a row are none.
    Triple,
}

impl Segment {
    fn of(segment: &[u8]) -> Self {
        if segment == b".." {
            return Self::Parent;
        }
        if segment == b".?" || segment == b"?." {
            return Self::OddParent;
        }
        let cut = segment
            .iter()
            .position(|byte| matches!(byte, b';' | b'%' | b'\r' | b'\n'));
        let cut = cut.map_or(segment, |end| &segment[..end]).trim_ascii();
        let is_dots = cut.iter().all(|byte| *byte == b'.');
        match cut.len() {
            0 => Self::Here,
            1 if is_dots => Self::Here,
            3 if is_dots => Self::Triple,
            _ if is_dots => Self::OddParent,
            // `AAAA..` before a separator, and `..=`: what a filter leaves over.
            _ => Self::Down,
        }
    }
}

/// `\\host\share` and `//?/C:`, not an escaped backslash.
fn is_share(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("\\\\") else {
        return false;
    };
    let host = rest.split('\\').next().unwrap_or_default();
    host.len() < rest.len()
        && !host.is_empty()
        && host
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b".-_?$".contains(&it))
}

/// Files with passwords, keys or the memory of a process. No user of a tool asks for these by accident. `*` stands for
/// one segment.
const SECRET: [&str; 76] = [
    "etc/passwd",
    "etc/passwd-",
    "etc/shadow",
    "etc/shadow-",
    "etc/sudoers",
    "etc/gshadow",
    "etc/group",
    "etc/master.passwd",
    "etc/security/passwd",
    "etc/security/group",
    "etc/issue",
    "etc/ssh/ssh_host_*",
    "etc/krb5.keytab",
    "etc/kubernetes/admin.conf",
    "proc/self",
    "proc/*/environ",
    "proc/*/cmdline",
    "proc/*/mem",
    "proc/*/maps",
    "proc/*/fd",
    "proc/sched_debug",
    "proc/kcore",
    "proc/version",
    "proc/net",
    ".ssh/id_*",
    ".ssh/authorized_keys",
    ".ssh/known_hosts",
    ".ssh/config",
    ".ssh",
    ".aws/credentials",
    ".kube/config",
    ".docker/config.json",
    ".gnupg",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".pypirc",
    ".git-credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".azure/accesstokens.json",
    ".azure/msal_token_cache*",
    ".config/gcloud",
    ".config/gh/hosts.yml",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".mysql_history",
    ".psql_history",
    ".htpasswd",
    "var/run/secrets",
    "run/secrets/kubernetes.io",
    "root/.bashrc",
    "root/.profile",
    "secrets/initialadminpassword",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "boot.ini",
    "win.ini",
    "windows/system.ini",
    "windows/system32/config",
    "winnt/system32/config",
    "windows/repair",
    "winnt/repair",
    "windows/system32/drivers/etc/hosts",
    "windows/panther",
    // Servers whose configuration holds passwords, or tells where they are.
    "tomcat-users.xml",
    "filezilla server.xml",
    "phpmyadmin/config.inc",
    "phpmyadmin/config.inc.php",
    "etc/mysql/debian.cnf",
    "etc/my.cnf",
    "etc/php.ini",
    "global.asa",
];

/// Files of a system's servers: configuration and logs. Tools that look after servers read them rightly.
const OWN: [&str; 17] = [
    "etc/httpd",
    "etc/apache2",
    "etc/apache",
    "etc/nginx",
    "etc/mysql",
    "etc/crontab",
    "etc/fstab",
    "var/log/apache2",
    "var/log/apache",
    "var/log/httpd",
    "var/log/nginx",
    "access_log",
    "error_log",
    "access.log",
    "error.log",
    "httpd-access.log",
    "httpd-error.log",
];

/// Whether the path has the segments of one of the names one after another, the last ones perhaps with more behind.
fn names_one_of(path: &[u8], names: &[&str]) -> bool {
    let end = path
        .iter()
        .position(|it| matches!(it, 0 | b'?' | b'#' | b';'))
        .unwrap_or(path.len());
    let segments: Vec<&[u8]> = path[..end]
        .split(|byte| matches!(byte, b'/' | b':'))
        .filter(|it| !it.is_empty() && *it != b".")
        .collect();
    let fits = |name: &str, segment: &[u8]| match name.strip_suffix('*') {
        Some(start) => segment
            .get(..start.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(start.as_bytes())),
        None => segment.eq_ignore_ascii_case(name.as_bytes()),
    };
    for (at, segment) in segments.iter().enumerate() {
        let Some(first) = segment.first().map(u8::to_ascii_lowercase) else {
            continue;
        };
        for name in names {
            if name.as_bytes().first() != Some(&first) {
                continue;
            }
            // A name of one segment is the file itself, unless it is a folder of secrets.
            let depth = name.split('/').count();
            if depth == 1 && at + 1 < segments.len() && !name.starts_with('.') {
                continue;
            }
            // `etc` is the system's own where the path begins with it or has stepped up to it.
            let is_system = matches!(
                name.split('/').next(),
                Some("etc" | "proc" | "root" | "var" | "run")
            );
            let before = at
                .checked_sub(1)
                .map_or(&b""[..], |before| segments[before]);
            let is_begun = at == 0
                || !before.iter().any(u8::is_ascii_alphanumeric)
                || before.eq_ignore_ascii_case(b"file")
                || before.eq_ignore_ascii_case(b"localhost")
                || before.contains(&b'=')
                || before.len() == 1
                || before.eq_ignore_ascii_case(b"private")
                || before.eq_ignore_ascii_case(b"php");
            if is_system && !is_begun {
                continue;
            }
            let mut rest = segments[at..].iter();
            if name
                .split('/')
                .all(|part| rest.next().is_some_and(|segment| fits(part, segment)))
            {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_many_segments_takes_no_longer_than_its_length() {
        let path = "e/".repeat(100_000);
        let began = std::time::Instant::now();
        assert!(!names_one_of(path.as_bytes(), &SECRET));
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        assert!(names_one_of(b"/a/../etc/passwd", &SECRET));
        assert!(names_one_of(b"proc/7/environ/x", &SECRET));
        assert!(!names_one_of(b"src/etc/passwd", &SECRET));
        assert!(names_one_of(b"/root/.cargo/credentials.toml", &SECRET));
        assert!(names_one_of(b"/home/ada/.git-credentials", &SECRET));
    }

    #[test]
    fn what_root_keeps_at_home_is_no_secret_of_the_system() {
        for path in [
            "/root/.cargo/registry/src/a.rs",
            "/root/.config/app.toml",
            "/root/.local/share/notes.md",
        ] {
            assert!(!names_one_of(path.as_bytes(), &SECRET), "{path}");
        }
    }
}
