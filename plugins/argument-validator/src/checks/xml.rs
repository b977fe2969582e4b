//! Finds XML that makes its reader fetch or expand something: entities, external definitions, inclusions.

use super::Level;
use crate::reading::{Reading, find};

/// What is wrong with the value as XML.
pub(crate) fn found(reading: &Reading, level: Level) -> Option<&'static str> {
    let text = reading.text.as_str();
    let mut at = 0;
    while let Some(next) = text[at..]
        .find('<')
        .filter(|next| at + next < reading.horizon)
    {
        let place = at + next;
        let rest = &text[place..];
        at = place + 1;
        let what = if rest.starts_with("<!entity")
            && rest[8..].starts_with([' ', '\t', '\n', '\r', '%'])
        {
            "An entity of XML"
        } else if rest.starts_with("<!doctype") && is_external(rest) {
            "A definition of XML from elsewhere"
        } else if rest.starts_with("<xi:include")
            || rest.starts_with("<xinclude")
            || is_namespace_of_inclusion(rest)
        {
            "An inclusion in XML"
        } else if (rest.starts_with("<?xml-stylesheet") || rest.starts_with("<?import"))
            && rest.contains("://")
        {
            "A style sheet of XML from elsewhere"
        } else if rest.starts_with("<xsl:")
            && [
                "document(",
                "php:function",
                "unparsed-text(",
                "system-property(",
                "<xsl:include",
                "<xsl:import",
                "<xsl:copy-of",
                "msxsl:script",
                "php.net/xsl",
            ]
            .iter()
            .any(|it| find(rest, it).is_some())
            && level != Level::Fragment
        {
            "A style sheet of XML that reads from elsewhere"
        } else {
            continue;
        };
        if level.allows(reading, place) {
            return Some(what);
        }
    }
    None
}

/// Whether a document type names another document. Those of HTML, SVG and property lists name public ones, which no
/// reader fetches.
fn is_external(doctype: &str) -> bool {
    let end = doctype.find(['[', '>']).unwrap_or(doctype.len());
    let head = &doctype[..end];
    let is_public = find(head, " public").is_some()
        && [
            "//w3.org",
            "//www.w3.org",
            "//www.apple.com",
            "-//w3c//",
            "-//apple",
        ]
        .iter()
        .any(|it| find(head, it).is_some());
    let is_system = find(head, " system").is_some() && !head.contains("about:legacy-compat");
    let subset = &doctype[end..];
    let has_parameters = subset.starts_with('[')
        && (subset.contains("%")
            || find(subset, "<!entity").is_some()
            || find(subset, "<!element").is_some() && find(subset, "system").is_some());
    is_system
        || has_parameters
        || find(head, " public").is_some() && !is_public && head.contains("://")
}

fn is_namespace_of_inclusion(text: &str) -> bool {
    let end = text.find('>').unwrap_or(text.len());
    find(&text[..end], "w3.org/2001/xinclude").is_some()
}
