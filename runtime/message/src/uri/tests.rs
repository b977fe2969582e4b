#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

#[test]
fn every_spelling_of_a_file_has_one_form() {
    for spelling in [
        "file:///shut/payroll",
        "FILE:///shut/payroll",
        "file:/shut/payroll",
        "file:////shut/payroll",
        "file:///shut//payroll",
        "file://localhost/shut/payroll",
        "file:///./shut/payroll",
        "file:///open/../shut/payroll",
        "file:///open/%2e%2e/shut/payroll",
        "file:///open/.%2E/shut/payroll",
        "file:///open/..%2fshut/payroll",
        "file:///open/..%252fshut/payroll",
        "file:///open\\..\\shut\\payroll",
        "file:///open/..%5cshut/payroll",
        "file:///open/.\t./shut/payroll",
        "file:///open/.%09./shut/payroll",
        "file:///%73hut/payroll",
        "file:///%2573hut/payroll",
        " file:///shut/payroll",
        "file:///shut/payroll\n",
        "\u{0}file:///shut/payroll",
        "fi\tle:///shut/payroll",
        "file:\\\\\\shut\\payroll",
        "file:///shut/payroll#part",
        "file:///shut/payroll?query",
    ] {
        assert_eq!(
            canonical_uri(spelling).as_deref(),
            Some("file:///shut/payroll"),
            "{spelling:?}"
        );
        assert_eq!(
            is_canonical_uri(spelling),
            spelling == "file:///shut/payroll",
            "{spelling:?}"
        );
    }
}

#[test]
fn what_has_to_be_escaped_may_be() {
    for uri in [
        "file:///my%20files/caf%C3%A9",
        "file:///my files/café",
        "file:///a%5Bb%5D",
        "https://example.com",
        "https://example.com/a?b=c%20d",
        "https://example.com:8443/",
        "note://My File",
        "note://My%20File",
        "urn:isbn:0451450523",
        "mailto:jane@example.com",
        "db://{table}/rows/{id}",
        "file:///{path}",
        "postgres://db/public/users",
        "test://static-text",
    ] {
        assert!(is_canonical_uri(uri), "{uri}");
    }
    assert_eq!(
        canonical_uri("file:///my%20files/caf%C3%A9").as_deref(),
        Some("file:///my files/café")
    );
}

#[test]
fn what_can_be_read_as_another_resource_is_not_canonical() {
    for uri in [
        "file:///open/x%00.txt",
        "file:///open/secret%3F.txt",
        "file:///open/%c0%ae%c0%ae/shut",
        "file://elsewhere/shut/../open/x",
        "HTTPS://example.com/",
        "https://example.com:443/",
        "https://user@example.com/",
        "https://example.com./",
        "https://example.com/#part",
        "http://[bad",
        "NOTE://x",
        " note://x",
        "note://x ",
        "note://x\u{0}",
        "note:///open/../shut",
        "note:///open/%2e%2e/shut",
        "note:///open/%252e%252e/shut",
        "note:///%73hut",
        "note:a/../b",
        "open/../shut",
        "%66ile:///shut",
    ] {
        assert!(!is_canonical_uri(uri), "{uri}");
    }
    assert_eq!(
        canonical_uri("note:///open/..%2Fshut/x").as_deref(),
        Some("note:///shut/x")
    );
    assert_eq!(canonical_uri("http://[bad"), None);
}

#[test]
fn what_is_escaped_without_end_is_no_uri() {
    let deep = format!("file:///%{}2e", "25".repeat(40));
    assert_eq!(canonical_uri(&deep), None);
    assert!(!is_canonical_uri(&deep));
    assert!(forms_of_uri(&deep).is_none());
}

#[test]
fn a_file_is_compared_without_its_host_and_its_last_slash_too() {
    let forms: Vec<_> = forms_of_uri("file://there/shut/").unwrap().collect();
    assert_eq!(
        forms,
        [
            "file://there/shut/",
            "file://there/shut/",
            "file:///shut/",
            "file:///shut"
        ]
    );
}

#[test]
fn a_host_with_an_empty_label_has_no_canonical_form() {
    for uri in [
        "https://5../",
        "https://a..b/",
        "https://./",
        "https://.../x",
    ] {
        assert_eq!(canonical_uri(uri), None, "{uri}");
    }
    assert_eq!(canonical_uri("https://a./").as_deref(), Some("https://a/"));
}

proptest! {
    #[test]
    fn a_canonical_form_is_its_own(uri in "(file|FILE|https|note)://?/?[a-c./%25eEfF\\\\ ?#-]{0,24}") {
        if let Some(form) = canonical_uri(&uri) {
            // A decoded `?` or `#`, or a blank at the end, has another meaning when it is parsed again.
            prop_assume!(!form.contains(['?', '#', '%']) && !form.ends_with(' '));
            prop_assert_eq!(canonical_uri(&form).map(Cow::into_owned), Some(form.into_owned()), "{}", uri);
        }
    }

    #[test]
    fn what_is_told_without_parsing_is_canonical(uri in "(file:///|note:|https://h/)[a-c./~-]{0,16}") {
        if is_plain(&uri) {
            let read = as_read(&uri);
            let parsed = match scheme(&read) {
                Some(scheme) if is_special(scheme) => special(&Url::parse(&read).unwrap()),
                scheme => opaque(&read, scheme.map_or(0, str::len)),
            };
            prop_assert_eq!(parsed, Some(uri));
        }
    }
}

#[test]
fn a_drive_letter_before_a_bar_is_read_by_some_as_before_a_colon() {
    for uri in ["file:///C|/x|y", "file:///l|", "file:///e|/"] {
        assert!(!is_canonical_uri(uri), "{uri} {:?}", canonical_uri(uri));
    }
    assert!(is_canonical_uri("file:///C:/x|y"));
}
