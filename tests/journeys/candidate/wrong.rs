//! Candidates that cannot be tried.

use harness::Gateway;

use crate::candidate::{ask, desk, text};

#[test]
fn a_mistake_in_it_is_a_mistake_of_the_configuration() {
    let server = desk();
    let folder = tempfile::tempdir().unwrap();
    let noop = folder.path().join("traps.wasm");
    std::fs::write(&noop, sandgate_guests::find("traps").unwrap().bytes).unwrap();
    let with = |candidate: &str| {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n{}[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\n\
             timeout = \"20s\"\nfail-open = true\nsettings = {{ entities = [\"email\"] }}\ncandidate = {candidate}\n",
            server.config("desk")
        )
    };
    let lacks = format!("{{ plugin = {noop:?}, settings = {{}} }}");
    for (candidate, words) in [
        (
            "{ settings = { entities = [\"shoe-size\"] } }",
            &["interceptors[0].candidate.settings.entities", "shoe-size"][..],
        ),
        (
            "{ plugin = \"builtin:nothing\" }",
            &[
                "interceptors[0].candidate.plugin",
                "there is no builtin:nothing",
            ],
        ),
        (
            "{ plugin = \"missing.wasm\" }",
            &["interceptors[0].candidate.plugin", "missing.wasm"],
        ),
        (
            &lacks,
            &[
                "interceptors[0].candidate",
                "its candidate has no post-call hook",
                "narrow `hooks`",
            ],
        ),
        (
            "{ plugin = \"builtin:allow-tools\" }",
            &["interceptors[0].settings", "says its candidate"],
        ),
        (
            "{ settings = {}, grants = { http = [\"a.example\"] } }",
            &[
                "interceptors[0].candidate.grants.http",
                "does not ask for a.example",
            ],
        ),
        ("{}", &["names nothing to try", "add `plugin`"]),
    ] {
        let (code, said) = Gateway::refused(&with(candidate));
        assert_eq!(code, Some(2), "{candidate}: {said}");
        for words in words {
            assert!(said.contains(words), "{candidate}: no {words:?} in\n{said}");
        }
    }
    let gateway = Gateway::start(&with("{ settings = { entities = [\"phone\"] } }"));
    std::fs::write(
        gateway.config_file(),
        with("{ plugin = \"builtin:nothing\" }"),
    )
    .unwrap();
    let said = gateway.await_reload_error();
    assert!(said.contains("no builtin:nothing"), "{said}");
    let answer = text(&ask(&gateway, "mail"));
    assert!(!answer.contains("anna@example.org"), "{answer}");
}

#[test]
fn promote_names_what_could_be_promoted() {
    let server = desk();
    let gateway = Gateway::start(&format!(
        "{}[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ncandidate = {{ settings = {{ entities = [\"phone\"] }} }}\n",
        server.config("desk")
    ));
    let said = gateway.command(&["promote", "scrap"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for words in ["there is no interceptor \"scrap\"", "these have: scrub"] {
        assert!(said.log.contains(words), "{words}: {said:?}");
    }
}
