#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use proptest::prelude::*;
use sandgate_message::{Account, Call, Id, Json, Limits, Message};

use super::*;
use crate::client_view::Verdict;
use crate::list::visible;
use crate::pattern::{Kind, ViewPattern};
use crate::stops::Stops;

fn pattern(text: &str) -> ViewPattern {
    let (left, name) = text.split_once('/').unwrap();
    let (kind, server) = match left.split_once(':') {
        Some(("prompt", server)) => (Kind::Prompt, server),
        Some(("resource", server)) => (Kind::Resource, server),
        _ => (Kind::Tool, left),
    };
    ViewPattern {
        text: text.into(),
        kind,
        server: server.into(),
        name: name.into(),
    }
}

fn view(name: &str, groups: &[&str], allow: &[&str], deny: &[&str]) -> View {
    View {
        name: name.into(),
        clients: Vec::new(),
        groups: groups.iter().map(|&group| group.into()).collect(),
        allow: allow.iter().map(|text| pattern(text)).collect(),
        deny: deny.iter().map(|text| pattern(text)).collect(),
        rate: None,
    }
}

/// A client of this name, whose groups are as configured.
fn known(name: Option<&str>) -> Viewer<'_> {
    Viewer { name, groups: &[] }
}

/// What the views say of a tool on `crm`, as text; `None` where there are no views.
fn said(views: &Views, client: Option<&str>, kind: Kind, name: &str) -> Option<String> {
    views.are_in_force().then(|| {
        let view = views.of_client(known(client));
        view.map_or(Verdict::NotAllowed.to_string(), |view| {
            view.judge("crm", kind, name).to_string()
        })
    })
}

fn servers() -> Vec<Arc<str>> {
    vec!["crm".into(), "time".into()]
}

/// The views of one client, `ada`, who is in all of them.
fn of_ada(views: Vec<View>) -> Views {
    let groups = ["g".to_owned()];
    Views::new(views, [("ada", &groups[..])], &servers()).unwrap()
}

fn allows(views: &Views, kind: Kind, name: &str) -> bool {
    let view = views.of_client(known(Some("ada"))).unwrap();
    view.judge("crm", kind, name).is_allowed()
}

#[test]
fn without_views_nothing_is_judged_and_with_one_who_is_in_none_sees_nothing() {
    let none = Views::default();
    assert!(said(&none, Some("ada"), Kind::Tool, "x").is_none() && none.show(known(None), "crm"));
    let views = of_ada(vec![view("other", &["h"], &["*/*"], &[])]);
    for client in [Some("ada"), Some("nobody"), None] {
        assert!(!views.show(known(client), "crm"));
        let said = said(&views, client, Kind::Tool, "x");
        assert_eq!(said.as_deref(), Some("no view allows it"));
    }
}

#[test]
fn what_any_view_allows_is_allowed_unless_one_denies_it() {
    let views = of_ada(vec![
        view("a", &["g"], &["crm/read_*"], &[]),
        view("b", &["g"], &["crm/write_*"], &["*/*_all"]),
    ]);
    for (name, allowed) in [
        ("read_x", true),
        ("write_x", true),
        ("read_all", false),
        ("write_all", false),
        ("drop", false),
        ("READ_x", false),
    ] {
        assert_eq!(allows(&views, Kind::Tool, name), allowed, "{name}");
    }
    let denied = said(&views, Some("ada"), Kind::Tool, "read_all");
    assert_eq!(denied.as_deref(), Some("view b denies \"*/*_all\""));
    let ada = known(Some("ada"));
    assert!(views.show(ada, "crm") && !views.show(ada, "time"));
}

#[test]
fn a_kind_is_allowed_by_patterns_of_its_own_alone() {
    let views = of_ada(vec![view(
        "a",
        &["g"],
        &["crm/*", "prompt:crm/greet", "resource:crm/file:///srv/*"],
        &["resource:crm/file:///srv/secret*"],
    )]);
    assert!(allows(&views, Kind::Tool, "greet") && allows(&views, Kind::Prompt, "greet"));
    assert!(!allows(&views, Kind::Prompt, "other"));
    assert!(allows(&views, Kind::Resource, "file:///srv/a"));
    assert!(!allows(&views, Kind::Resource, "file:///etc/a"));
    assert!(allows(&views, Kind::Resource, "file:///srv/{name}"));
}

#[test]
fn no_other_spelling_of_what_is_denied_is_allowed() {
    let views = of_ada(vec![view(
        "a",
        &["g"],
        &[
            "crm/*",
            "resource:crm/file:///srv/*",
            "resource:crm/file://x/*",
            "resource:crm/https://h*",
        ],
        &[
            "crm/delete",
            "crm/drop_*",
            "crm/*wipe?",
            "resource:crm/file:///srv/secret*",
            "resource:crm/https://h/ä/*",
        ],
    )]);
    for name in [
        "delete",
        "Delete",
        "DELETE",
        "ｄelete",
        "de\u{200b}lete",
        "DROP_x",
        "drop_\u{200b}x",
        "a_Wipe1",
    ] {
        assert!(!allows(&views, Kind::Tool, name), "{name:?}");
    }
    for uri in [
        "file:///srv/secret",
        "file:///srv/%73ecret",
        "FILE:///srv/secret",
        "file://host/srv/secret",
        "file:///srv/a/../secret",
        "file:///srv/SECRET",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "file:///srv/../etc/passwd?{x}",
        "file:///srv/{/../../etc/passwd}",
        "file://x/srv/secret",
        "file://x/srv/secret/a{b",
        "file://x/srv/secret/{name}",
        "https://h/%C3%A4/x",
        "https://h/%C3%A4/x?q={",
        "https://h/%C3%A4/{x}",
    ] {
        assert!(!allows(&views, Kind::Resource, uri), "{uri:?}");
    }
    for uri in [
        "file:///srv/a",
        "file:///srv/a{b",
        "file:///srv/{dir}/{name}{?q}",
        "https://h/%C3%B6/x?q={",
        "https://h.{zone}/{x}",
    ] {
        assert!(allows(&views, Kind::Resource, uri), "{uri:?}");
    }
    assert!(allows(&views, Kind::Tool, "deleted"));
}

#[test]
fn a_change_of_views_is_told_to_whom_it_concerns() {
    let one = of_ada(vec![view("a", &["g"], &["crm/*"], &[])]);
    let same = of_ada(vec![view("a", &["g"], &["crm/*"], &[])]);
    let more = of_ada(vec![view("a", &["g"], &["crm/*", "time/*"], &[])]);
    assert!(!one.differ(&same, known(Some("ada")), None));
    assert!(
        one.differ(&more, known(Some("ada")), None)
            && one.differ(&more, known(Some("ada")), Some("time"))
    );
    assert!(
        !one.differ(&more, known(Some("ada")), Some("crm"))
            && !one.differ(&more, known(Some("bob")), None)
    );
    assert!(one.differ(&Views::default(), known(Some("bob")), Some("crm")));
}

#[test]
fn who_is_not_configured_has_the_views_of_its_groups_and_of_its_name() {
    let mut named = view("named", &[], &["time/*"], &[]);
    named.clients = vec!["eve".into()];
    let rated = View {
        rate: NonZeroU32::new(5),
        ..view("a", &["g"], &["crm/a*"], &[])
    };
    let views = of_ada(vec![rated, named, view("no", &["out"], &[], &["*/*"])]);
    let groups = |all: &[&str]| -> Vec<String> { all.iter().map(|&one| one.into()).collect() };
    let sees = |name, of: &[&str], server: &str, tool: &str| {
        let groups = groups(of);
        let view = views.of_client(Viewer {
            name: Some(name),
            groups: &groups,
        });
        view.unwrap().judge(server, Kind::Tool, tool).is_allowed()
    };
    assert!(sees("bob", &["g"], "crm", "a1") && !sees("bob", &["g"], "crm", "b"));
    assert!(!sees("bob", &[], "crm", "a1") && !sees("bob", &["g", "out"], "crm", "a1"));
    assert!(sees("eve", &[], "time", "now") && !sees("bob", &["g"], "time", "now"));
    // Whoever is configured has the groups of the configuration and no others.
    assert!(!sees("ada", &["out"], "crm", "b") && sees("ada", &["out"], "crm", "a1"));
    assert_eq!(views.rate_of("bob", &groups(&["g"])), NonZeroU32::new(5));
    assert_eq!(views.rate_of("bob", &[]), None);
}

fn call(principal: &str, method: &str) -> Call {
    Call {
        method: method.into(),
        target: None,
        principal: Some(principal.into()),
        account: Account::Client(principal.into()),
        ..Call::example()
    }
}

fn listed(views: &Views, client: &str, method: &str, result: &str) -> String {
    let limits = Limits::default();
    let json = Json::parse(result.to_owned(), &limits).unwrap();
    let reply = Message::result(&Id::number(1), &json);
    let shown = visible(
        views,
        &Stops::default(),
        &call(client, method),
        &limits,
        &reply,
    );
    shown
        .unwrap()
        .unwrap_or(reply)
        .payload()
        .as_str()
        .to_owned()
}

#[test]
fn a_list_keeps_what_is_allowed_byte_for_byte_and_nothing_without_a_name() {
    let views = of_ada(vec![view("a", &["g"], &["crm/a*"], &[])]);
    let all = r#"{"tools":[{"name" : "a1", "x":1.0},{"name":"b"},{"title":"a"},7,{"name":"a2"}],"nextCursor":"n"}"#;
    assert_eq!(
        listed(&views, "ada", "tools/list", all),
        r#"{"tools":[{"name" : "a1", "x":1.0},{"name":"a2"}],"nextCursor":"n"}"#
    );
    assert_eq!(
        listed(&views, "bob", "tools/list", r#"{"tools":[{"name":"a1"}]}"#),
        r#"{"tools":[]}"#
    );
    assert_eq!(
        listed(&views, "ada", "tools/list", r#"{"tools":{"name":"b"}}"#),
        r#"{"tools":[]}"#
    );
    assert_eq!(listed(&Views::default(), "ada", "tools/list", all), all);
}

/// A thousand clients in some of ten groups, fifty views, and two thousand tools.
fn crowd(seed: u64) -> (Views, Vec<String>) {
    let mut state = seed | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let views = (0..50)
        .map(|n| {
            let mut some = |count: u64| -> Vec<ViewPattern> {
                (0..count)
                    .map(|_| {
                        let server = ["crm", "time", "*"][random(3) as usize];
                        let name = match random(4) {
                            0 => format!("t{}", random(2000)),
                            1 => format!("t{}*", random(20)),
                            2 => format!("*{}", random(50)),
                            _ => format!("t?{}*", random(10)),
                        };
                        pattern(&format!("{server}/{name}"))
                    })
                    .collect()
            };
            View {
                allow: some(8),
                deny: some(1),
                ..view(&format!("v{n}"), &[&format!("g{}", n % 10)], &[], &[])
            }
        })
        .collect();
    let names: Vec<String> = (0..1000).map(|n| format!("c{n}")).collect();
    let groups: Vec<Vec<String>> = (0..1000)
        .map(|n| {
            (0..10)
                .filter(|g| (n >> g) & 1 == 1)
                .map(|g| format!("g{g}"))
                .collect()
        })
        .collect();
    let clients = names
        .iter()
        .map(String::as_str)
        .zip(groups.iter().map(Vec::as_slice));
    (Views::new(views, clients, &servers()).unwrap(), names)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_listed_is_what_may_be_called(
        seed in any::<u64>(),
        clients in proptest::collection::vec(0_usize..1000, 8),
        tools in proptest::collection::vec(0_u32..2000, 40),
    ) {
        let (views, names) = crowd(seed);
        let items: Vec<String> = tools.iter().map(|n| format!(r#"{{"name":"t{n}"}}"#)).collect();
        let all = format!(r#"{{"tools":[{}]}}"#, items.join(","));
        for client in clients {
            let client = &names[client];
            let callable: Vec<&str> = tools
                .iter()
                .zip(&items)
                .filter(|(n, _)| {
                    let name = format!("t{n}");
                    let view = views.of_client(known(Some(client))).unwrap();
                    view.judge("crm", Kind::Tool, &name).is_allowed()
                })
                .map(|(_, item)| item.as_str())
                .collect();
            let expected = format!(r#"{{"tools":[{}]}}"#, callable.join(","));
            prop_assert_eq!(listed(&views, client, "tools/list", &all), expected);
        }
    }
}

#[test]
fn a_decision_costs_microseconds_at_the_most_timed() {
    let (views, names) = crowd(7);
    let tools: Vec<String> = (0..2000).map(|n| format!("t{n}")).collect();
    let round = || {
        let begun = std::time::Instant::now();
        let (mut allowed, mut asked) = (0_u32, 0_u32);
        for name in &names {
            for tool in tools.iter().step_by(20) {
                let view = views.of_client(known(Some(name))).unwrap();
                allowed += u32::from(view.judge("crm", Kind::Tool, tool).is_allowed());
                asked += 1;
            }
        }
        assert!(
            allowed > 0 && allowed < asked,
            "{allowed} of {asked} allowed"
        );
        begun.elapsed() / asked
    };
    // The best of some: the machine may be busy.
    let each = (0..5).map(|_| round()).min().unwrap();
    assert!(
        each < std::time::Duration::from_micros(5),
        "{each:?} a decision"
    );
}
