//! Finds URLs that a server should not ask, or that lead a reader elsewhere than they seem to.

use super::address::{self, Reach};
use super::{Class, Doubt, Hit, Level};
use crate::reading::{Reading, natural_words};
use crate::role::Role;

const METADATA: &str = "An address of a machine's own services";
const SPELLING: &str = "An address in an odd spelling";
const SCHEME: &str = "A scheme that reads or runs something of the server";
const ELSEWHERE: &str = "A URL that leads elsewhere than it seems to";
const PORT: &str = "A URL of a service of this machine that does not speak HTTP";
const PRIVATE: &str = "An address of this machine or of a private network";

/// What is wrong with the value as a target of a request.
pub(crate) fn found(reading: &Reading, role: Role, level: Level) -> Option<Hit> {
    let value = reading.value.trim();
    let is_url = role == Role::Url;
    if value.contains(' ') && natural_words(value) > 2 || value.len() > 4_000 {
        return None;
    }
    let sure = |what| {
        Some(Hit {
            class: Class::Target,
            what,
            doubt: Doubt::None,
        })
    };
    let small = reading
        .text
        .trim_matches(|it: char| it.is_whitespace() || it == '"' || it == '\'');
    let small = small.trim_start_matches(['<', '>']);
    let small = small
        .strip_prefix("url=")
        .or_else(|| small.strip_prefix("url:"))
        .unwrap_or(small);
    if has_reading_scheme(small) {
        return sure(SCHEME);
    }
    if level == Level::Prose && value.contains(char::is_whitespace) {
        return None;
    }
    // A path of the site that tells it where to go next.
    let leads = |mark: &str| small.matches(mark).count();
    let is_relative = small.starts_with(['/', '?']) && small.contains('?');
    if is_relative && (leads("=//") + leads("=/\\") > 0 || leads("=http:") + leads("=https:") > 1) {
        return sure(ELSEWHERE);
    }
    if is_url && (small.starts_with('@') || small.starts_with(";@")) && small.contains('.') {
        return sure(ELSEWHERE);
    }
    if let Some(after) = relative(value, small, role) {
        // A host where a path was expected.
        let after = after.trim_start_matches(['/', '\\', '\t']);
        let is_without_slashes = small.starts_with("http") && value.contains(['.', '@']);
        let host = after
            .split(['/', '\\', '?', '#'])
            .next()
            .unwrap_or_default();
        let is_host = host.contains('.')
            && host
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b".-_:@[]%&;".contains(&it) || it >= 0x80)
            && host
                .rsplit('.')
                .next()
                .is_some_and(|top| top.len() > 1 && !is_ending(top))
            || is_without_slashes
            || after.starts_with("http")
            || host.contains(|it: char| !it.is_ascii())
            || host.contains('@')
            || address::parse(host.split(':').next().unwrap_or(host))
                .is_some_and(|it| it.is_ok_and(|it| host.contains('.') || it.bits > 0xFFFF));
        return if is_host { sure(ELSEWHERE) } else { None };
    }
    let authority = authority(small)?;
    // `https://good.example#@evil.example`, and letters that are written as codes.
    let is_marked = authority.is_web
        && ["#@", "?@", "#\\@", "\\@"]
            .iter()
            .any(|mark| small.contains(mark));
    let is_coded_host = value
        .get(
            ..value
                .find("://")
                .map_or(0, |at| at + 3 + authority.whole.len() * 3),
        )
        .unwrap_or(value);
    if is_marked || is_url && super::traversal::coded_letters(is_coded_host) > 2 {
        return sure(ELSEWHERE);
    }
    let raw = authority.whole;
    if authority.is_odd {
        return sure(ELSEWHERE);
    }
    let (user, host_and_port) = match raw.rfind('@') {
        Some(at) => (Some(&raw[..at]), &raw[at + 1..]),
        None => (None, raw),
    };
    if user.is_some_and(is_like_a_host) {
        return sure(ELSEWHERE);
    }
    let (host, port) = host_and_port_of(host_and_port);
    let is_template = host.contains(['{', '}', '$', '<', '>']);
    if !is_template
        && host.contains([
            ',', '&', ';', '\'', '"', '|', '(', ')', '!', '*', '`', '^', '\0', '~', '=', '+',
        ])
        && authority.is_web
    {
        return sure(ELSEWHERE);
    }
    if host.contains(['。', '．', '｡', '〱', '〵', '／', 'ゝ', 'ー']) && !host.contains("xn--") && host.contains(['。', '．', '｡', '〱', '〵', '／'])
        || host.chars().any(|it| matches!(it, '\u{2460}'..='\u{24FF}' | '\u{FF00}'..='\u{FFEF}' | '\u{1D400}'..='\u{1D7FF}' | '\u{2070}'..='\u{209F}'))
    {
        return sure(SPELLING);
    }
    let (reach, is_odd) = reach(host);
    match reach {
        Some(Reach::Metadata) => sure(METADATA),
        None => sure(SPELLING),
        Some(_) if is_odd => sure(SPELLING),
        Some(Reach::Private) if port.is_some_and(is_of_another_protocol) && authority.is_web => {
            sure(PORT)
        }
        Some(Reach::Private) if authority.is_web => Some(Hit {
            class: Class::PrivateUrls,
            what: PRIVATE,
            doubt: Doubt::None,
        }),
        Some(_) => leads_on(small).then_some(()).and_then(|()| sure(ELSEWHERE)),
    }
}

/// Schemes by which a library reads files, runs programs or speaks other protocols than the web's.
fn has_reading_scheme(small: &str) -> bool {
    const SCHEMES: [&str; 23] = [
        "gopher:",
        "dict:",
        "php:",
        "phar:",
        "expect:",
        "jar:",
        "netdoc:",
        "zip:",
        "glob:",
        "data:text/plain",
        "data://",
        "ogg:",
        "rar:",
        "ssh2.",
        "compress.zlib:",
        "compress.bzip2:",
        "zlib:",
        "input:",
        "local_file:",
        "tftp:",
        "ldap:",
        "ldaps:",
        "convert.",
    ];
    let first = small.as_bytes().first().copied().unwrap_or_default();
    if !first.is_ascii_lowercase() {
        return false;
    }
    SCHEMES.iter().any(|scheme| {
        small
            .strip_prefix(scheme)
            .is_some_and(|rest| match *scheme {
                "ldap:" | "ldaps:" => {
                    let host = rest
                        .trim_start_matches('/')
                        .split(['/', '?'])
                        .next()
                        .unwrap_or_default();
                    reach(host_and_port_of(host).0).0 != Some(Reach::Public)
                }
                "data:text/plain" => {
                    rest.contains(";base64") && rest.contains("PD9") || rest.contains("<?")
                }
                // A piece of a chain of PHP's filters.
                "convert." => rest.starts_with("iconv.") || rest.starts_with("base64-"),
                "jar:" => rest.contains("!/"),
                _ => {
                    rest.starts_with("//")
                        || rest.starts_with("filter")
                        || scheme.ends_with("//")
                        || *scheme == "ssh2."
                }
            })
    })
}

/// What follows the slashes, where the value is a path that a browser reads as a host, or hides a URL.
fn relative<'v>(value: &'v str, small: &'v str, role: Role) -> Option<&'v str> {
    if role == Role::Path {
        return None;
    }
    let is_url = role == Role::Url;
    let slashes = small.len() - small.trim_start_matches(['/', '\\']).len();
    let rest = &small[slashes..];
    if slashes == 0 {
        // `https:evil.example`, `http:/evil.example`, `https:///evil.example`: a scheme without its two slashes.
        for scheme in ["http:", "https:"] {
            if let Some(rest) = small.strip_prefix(scheme) {
                let slashes = rest.len() - rest.trim_start_matches('/').len();
                let is_odd = slashes != 2;
                let behind = &rest[slashes..];
                return (is_odd && !behind.is_empty() && !value.contains(' ')).then_some(behind);
            }
        }
        return None;
    }
    let lead = &small[..slashes];
    let is_decoded = !value.starts_with(lead);
    // `/http://evil.example`, `/%09/evil.example`
    if slashes == 1 {
        let hidden = rest.trim_start_matches([
            '\t', '\n', '\r', '\0', '\u{b}', '.', ';', '@', '<', '>', '(', ')', ' ', '%',
        ]);
        let is_hidden = hidden.starts_with("http:")
            || hidden.starts_with("https:")
            || hidden.len() < rest.len()
                && hidden.starts_with(['/', '\\'])
                && (!rest.starts_with('.') || hidden.starts_with("//"));
        // These characters look like slashes.
        let is_lookalike = is_url && rest.starts_with(['〱', '〵', 'ゝ', 'ー', 'ｰ']);
        let is_sure = is_url
            || hidden.starts_with("http") && hidden.contains("://")
            || is_decoded
            || value.len() > small.len()
            || reading_is_coded(value, small);
        return (is_hidden && is_sure || is_lookalike).then_some(hidden);
    }
    let rest = if value.contains('%') {
        rest.trim_start_matches(['\t', '\n', '\r', '/', '\\'])
    } else {
        rest
    };
    if slashes > 1 && rest.contains(char::is_whitespace) {
        return None;
    }
    // UNC paths and escaped backslashes are judged elsewhere.
    let is_backslashed = lead.bytes().all(|it| it == b'\\');
    if slashes > 1
        && (is_url || !is_backslashed)
        && (is_url || is_decoded || lead.contains('\\') || rest.contains(['.', '。']))
    {
        return Some(rest);
    }
    None
}

fn reading_is_coded(value: &str, small: &str) -> bool {
    !value.eq_ignore_ascii_case(small)
}

/// Endings of files, which a path without a scheme may end with.
fn is_ending(top: &str) -> bool {
    matches!(
        top,
        "md" | "txt"
            | "json"
            | "js"
            | "ts"
            | "html"
            | "htm"
            | "css"
            | "py"
            | "rs"
            | "xml"
            | "yml"
            | "yaml"
            | "png"
            | "jpg"
            | "svg"
            | "csv"
            | "log"
            | "php"
            | "ini"
            | "toml"
            | "lock"
            | "conf"
            | "cfg"
            | "exe"
            | "dll"
            | "sh"
    )
}

struct Authority<'v> {
    whole: &'v str,
    /// Whether a backslash, a blank or a doubled scheme hides where it ends.
    is_odd: bool,
    is_web: bool,
}

fn authority(small: &str) -> Option<Authority<'_>> {
    let at = small.find(":/").or_else(|| small.find(":\\"))?;
    let scheme = &small[..at];
    if scheme.is_empty()
        || scheme.len() > 12
        || !scheme
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+.-".contains(&it))
    {
        return None;
    }
    let is_web = matches!(scheme, "http" | "https" | "ftp" | "ws" | "wss");
    let rest = &small[at + 1..];
    let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    let after = &rest[slashes..];
    if !is_web && !rest.starts_with("//") {
        return None;
    }
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let whole = &after[..end];
    let is_backslashed = rest[..slashes].contains('\\') || whole.contains('\\');
    let is_blank = whole.contains(['\t', '\n', '\r', ' ']);
    Some(Authority {
        whole,
        is_odd: is_web
            && (is_backslashed
                || is_blank
                || slashes > 2
                || after.starts_with("http:")
                || after.starts_with("https:")),
        is_web,
    })
}

fn host_and_port_of(text: &str) -> (&str, Option<u32>) {
    if let Some(end) = text.strip_prefix('[').and_then(|_| text.find(']')) {
        let port = text[end + 1..]
            .strip_prefix(':')
            .and_then(|port| port.parse().ok());
        return (&text[..=end], port);
    }
    match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, None),
    }
}

/// Whether a user's name looks like the host that the URL pretends to lead to.
fn is_like_a_host(user: &str) -> bool {
    if user.contains(['/', '#', '?', '\\', '@', '[']) {
        return true;
    }
    let (name, password) = user
        .split_once(':')
        .map_or((user, None), |(name, password)| (name, Some(password)));
    let top = name.rsplit('.').next().unwrap_or_default();
    let is_host =
        name.contains('.') && top.len() > 1 && top.bytes().all(|it| it.is_ascii_alphanumeric());
    is_host && password.is_none_or(|it| it.is_empty() || it.bytes().all(|it| it.is_ascii_digit()))
}

/// What the host is, and whether it is written oddly. `None`: numbers that are no address.
fn reach(host: &str) -> (Option<Reach>, bool) {
    let host = host.trim_end_matches('.');
    if let Some(inner) = host.strip_prefix('[') {
        return of_version_6(inner.trim_end_matches(']'));
    }
    match address::parse(host) {
        Some(Ok(address)) => (Some(address.reach()), address.is_odd),
        Some(Err(())) => (None, true),
        None => (Some(of_name(host)), false),
    }
}

fn of_name(host: &str) -> Reach {
    const METADATA: [&str; 6] = [
        "metadata.google.internal",
        "metadata",
        "instance-data",
        "metadata.goog",
        "metadata.azure.internal",
        "instance-data.ec2.internal",
    ];
    const WILDCARDS: [&str; 5] = [".nip.io", ".sslip.io", ".xip.io", ".1u.ms", ".rbndr.us"];
    if METADATA.contains(&host) {
        return Reach::Metadata;
    }
    if let Some(inner) = WILDCARDS.iter().find_map(|end| host.strip_suffix(end)) {
        let dashed = inner.rsplit('.').next().unwrap_or(inner).replace('-', ".");
        let parts: Vec<&str> = inner.rsplitn(5, '.').take(4).collect();
        let dotted: Vec<&str> = parts.into_iter().rev().collect();
        let is_inside = |text: &str| matches!(address::parse(text), Some(Ok(address)) if address.reach() != Reach::Public);
        return if is_inside(&dotted.join(".")) || is_inside(&dashed) {
            Reach::Metadata
        } else {
            Reach::Public
        };
    }
    if host == "localhost"
        || host.ends_with(".localhost")
        || host == "localhost.localdomain"
        || host == "localtest.me"
        || host.ends_with(".localtest.me")
        || host.ends_with(".internal")
        || host.ends_with(".svc.cluster.local")
        || host == "kubernetes.default.svc"
    {
        return Reach::Private;
    }
    Reach::Public
}

fn of_version_6(inner: &str) -> (Option<Reach>, bool) {
    let inner = inner.split('%').next().unwrap_or(inner);
    let Ok(address) = inner.parse::<std::net::Ipv6Addr>() else {
        return (Some(Reach::Public), false);
    };
    let segments = address.segments();
    // An address of version 4 in one of version 6: mapped, compatible, translated.
    let four = match segments {
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low]
            if (high, low) != (0, 0) && (high, low) != (0, 1) =>
        {
            Some((high, low))
        }
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => Some((high, low)),
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = four {
        let bits = u32::from(high) << 16 | u32::from(low);
        let reach = address::Address { bits, is_odd: true }.reach();
        return (Some(reach), true);
    }
    let reach = match segments[0] {
        0xFE80..=0xFEBF => Reach::Metadata,
        0xFD00 if segments[1] == 0x0EC2 => Reach::Metadata,
        0xFC00..=0xFDFF => Reach::Private,
        0 if address.is_loopback() => Reach::Private,
        0 if address.is_unspecified() => return (Some(Reach::Private), true),
        _ => Reach::Public,
    };
    // `[0:0:0:0:0:0:0:1]` is a spelling that hides `[::1]`.
    (
        Some(reach),
        reach == Reach::Private && inner.len() > 4 && address.is_loopback(),
    )
}

/// Ports of services that speak no HTTP: shells, mail, directories, databases, caches.
fn is_of_another_protocol(port: u32) -> bool {
    matches!(
        port,
        21..=25
            | 110
            | 111
            | 135
            | 139
            | 143
            | 389
            | 445
            | 465
            | 587
            | 636
            | 873
            | 1433
            | 1521
            | 2049
            | 3306
            | 3389
            | 5432
            | 5900
            | 6379
            | 11211
            | 27017
    )
}

/// A URL whose path sends its reader on: `https://good.example//evil.example/%2f..`.
fn leads_on(small: &str) -> bool {
    let Some(at) = small.find("://") else {
        return false;
    };
    let path = small[at + 3..]
        .find('/')
        .map_or("", |slash| &small[at + 3 + slash..]);
    path.contains("/\\/") || path.starts_with("//") && path.ends_with("/..")
}
