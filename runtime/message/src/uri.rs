//! Canonical forms of URIs: all spellings that a server may take for the same resource have one form.
//!
//! Canonical forms are for matching only; a server always gets the bytes that the client sent. URIs of WHATWG's special
//! schemes are parsed as browsers parse them, then percent-decoded until nothing changes. Every other scheme is opaque
//! text, except for what parsers change in any URI: the scheme's case, blanks around the URI, tabs and line ends,
//! escaped characters that need no escape, and dot segments.

use std::borrow::Cow;

use url::Url;

use crate::percent::{Escapes, settled, shown};

/// The schemes that WHATWG's URL standard calls special.
const SPECIAL: [&str; 6] = ["file", "ftp", "http", "https", "ws", "wss"];

/// The canonical form of a URI. `None` if the URI is escaped more often than anybody decodes, or its scheme's own
/// parser refuses it.
///
/// ```
/// # use sandgate_message::canonical_uri;
/// for spelling in ["FILE:///shut/x", "file:/shut/./x", "file:///open/%252e%252e/shut/x", "file:///open\\..\\shut/x"] {
///     assert_eq!(canonical_uri(spelling).as_deref(), Some("file:///shut/x"));
/// }
/// ```
pub fn canonical_uri(uri: &str) -> Option<Cow<'_, str>> {
    if is_plain(uri) {
        return Some(Cow::Borrowed(uri));
    }
    let read = as_read(uri);
    match scheme(&read) {
        Some(scheme) if is_special(scheme) => special(&Url::parse(&read).ok()?).map(Cow::Owned),
        scheme => opaque(&read, scheme.map_or(0, str::len)).map(Cow::Owned),
    }
}

/// Whether a URI is spelt as its canonical form, apart from escapes of characters that a URI must or may escape. Nobody
/// reads such a URI as another resource than its text says.
pub fn is_canonical_uri(uri: &str) -> bool {
    if is_plain(uri) {
        return true;
    }
    if uri.contains(char::is_control) {
        return false;
    }
    let Some(canonical) = canonical_uri(uri) else {
        return false;
    };
    let shown = match scheme(uri) {
        Some(scheme) if SPECIAL.contains(&scheme) => shown(uri),
        _ => Cow::Borrowed(uri),
    };
    // A URL without a path has the path `/`.
    *canonical == *shown || canonical.strip_suffix('/') == Some(&*shown) && !shown.ends_with('/')
}

/// Every form in which an operator may have written a URI in a glob: the URI itself, its canonical form, and for a file
/// also the form without a host (most servers read the path alone) and the form without a trailing slash. `None` if the
/// forms cannot be told.
pub fn forms_of_uri(uri: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let canonical = canonical_uri(uri)?;
    let mut more = Vec::new();
    if let Some(path) = canonical.strip_prefix("file://") {
        let local = path.find('/').map_or("", |at| &path[at..]);
        for path in [local, local.trim_end_matches('/')] {
            let form = format!("file://{path}");
            if *form != *canonical {
                more.push(Cow::Owned(form));
            }
        }
    }
    Some([Cow::Borrowed(uri), canonical].into_iter().chain(more))
}

/// Whether the URI is surely canonical, told without parsing. Nearly all URIs are.
fn is_plain(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    let is_lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/:@!$&'()*+,;=".contains(&b);
    if !(scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(is_lower)
        && rest.bytes().all(is_plain)
        && !has_dots(rest))
    {
        return false;
    }
    match scheme {
        "file" => rest
            .strip_prefix("///")
            .is_some_and(|path| !path.starts_with('/') && !path.contains("//")),
        scheme => !is_special(scheme),
    }
}

/// The URI as parsers read it: without surrounding blanks, tabs and line ends.
fn as_read(uri: &str) -> Cow<'_, str> {
    let trimmed = uri.trim_matches(|c: char| c <= ' ');
    if trimmed.contains(['\t', '\r', '\n']) {
        return Cow::Owned(without_breaks(trimmed));
    }
    Cow::Borrowed(trimmed)
}

fn without_breaks(text: &str) -> String {
    text.replace(['\t', '\r', '\n'], "")
}

/// The scheme as it is written. `None` if the URI has none.
fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some(scheme)
}

fn is_special(scheme: &str) -> bool {
    SPECIAL
        .iter()
        .any(|special| scheme.eq_ignore_ascii_case(special))
}

fn special(url: &Url) -> Option<String> {
    let is_file = url.scheme() == "file";
    let host = url.host_str().unwrap_or_default();
    // The final dot of a host name, the root of the DNS, is optional.
    let host = match host.strip_suffix('.') {
        Some(host) if !host.is_empty() => host,
        _ => host,
    };
    // A name with an empty label is not valid in the DNS. Without its last dot it may be read as an address.
    if host.ends_with('.') || host.contains("..") {
        return None;
    }
    let mut canonical = format!("{}://{host}", url.scheme());
    if let Some(port) = url.port() {
        canonical.push_str(&format!(":{port}"));
    }
    // Decoding may produce characters that parsers leave out or take for a slash.
    let path = without_breaks(&settled(url.path(), Escapes::All)?).replace('\\', "/");
    let path = without_dots(&path, is_file);
    match path.as_bytes() {
        // A drive of Windows, which Node reads as `/C:`.
        [b'/', drive, b'|', rest @ ..]
            if is_file && drive.is_ascii_alphabetic() && matches!(rest, [] | [b'/', ..]) =>
        {
            canonical.push_str(&path.replacen('|', ":", 1));
        }
        _ => canonical.push_str(&path),
    }
    // A file has no query, and fragments are never sent.
    if let (Some(query), false) = (url.query().filter(|query| !query.is_empty()), is_file) {
        canonical.push('?');
        canonical.push_str(&settled(query, Escapes::All)?);
    }
    Some(canonical)
}

/// Canonicalizes an opaque URI. `scheme` is the length of the scheme in bytes.
fn opaque(uri: &str, scheme: usize) -> Option<String> {
    let (scheme, rest) = uri.split_at(scheme);
    let rest = without_breaks(&settled(rest, Escapes::Needless)?);
    let mut canonical = scheme.to_ascii_lowercase();
    if !has_dots(&rest) {
        canonical.push_str(&rest);
        return Some(canonical);
    }
    let rest = rest.replace('\\', "/");
    let name = rest.find(|c| !matches!(c, ':' | '/')).unwrap_or(rest.len());
    canonical.push_str(&rest[..name]);
    canonical.push_str(without_dots(&rest[name..], false).trim_start_matches('/'));
    Some(canonical)
}

/// Whether some segment of the text is `.` or `..`.
fn has_dots(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b".").is_some()
        && text
            .split(['/', '\\', '?', '#', ':'])
            .any(|segment| matches!(segment, "." | ".."))
}

/// Resolves the path's dot segments (RFC 3986, 5.2.4). The result begins with a slash. With `once`, several slashes
/// count as one.
fn without_dots(path: &str, once: bool) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            ".." => {
                kept.pop();
            }
            "." => {}
            "" if once && !is_last => {}
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last && !segment.is_empty() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;
