#![allow(clippy::unwrap_used)]
use super::*;

fn stop(kind: StopKind, name: &str) -> Stop {
    Stop {
        kind,
        name: name.into(),
        why: "a trial".into(),
        by: 0,
        since: SystemTime::UNIX_EPOCH,
        until: None,
    }
}

fn stops(all: &[(StopKind, &str)]) -> Stops {
    Stops::new(all.iter().map(|(kind, name)| stop(*kind, name)).collect()).unwrap()
}

#[test]
fn a_tool_is_stopped_in_every_spelling_that_may_be_taken_for_it() {
    let stops = stops(&[
        (StopKind::Tool, "crm/send_mail"),
        (StopKind::Tool, "crm/delete_*"),
    ]);
    for name in [
        "send_mail",
        "SEND_mail",
        "send_mail\u{200b}",
        "\u{ff53}end_mail",
        "delete_all",
        "Delete_One",
        "\u{ff44}elete_x",
    ] {
        assert!(stops.tool("crm", name).is_some(), "{name:?}");
    }
    for (server, name) in [
        ("crm", "send"),
        ("crm", "send_mail2"),
        ("desk", "send_mail"),
    ] {
        assert!(stops.tool(server, name).is_none(), "{server}/{name}");
    }
    assert!(stops.stops_tools_of("crm") && !stops.stops_tools_of("desk"));
}

#[test]
fn each_kind_has_its_own_names() {
    let stops = stops(&[(StopKind::Client, "crm"), (StopKind::Plugin, "pii")]);
    assert!(stops.client(Some("crm")).is_some());
    assert!(stops.client(Some("CRM")).is_none() && stops.client(None).is_none());
    assert!(stops.server("crm").is_none());
    assert_eq!(stops.plugins(), [Arc::from("pii")]);
}

#[test]
fn a_tool_without_its_server_or_with_what_is_no_glob_is_an_error() {
    for name in ["send_mail", "/x", "crm/", "crm/[", "crm/{a"] {
        let stop = stop(StopKind::Tool, name);
        assert!(Stops::new(vec![stop]).is_err(), "{name}");
    }
}

#[test]
fn lists_differ_where_a_server_or_its_tools_are_stopped() {
    let none = Stops::default();
    let tool = stops(&[(StopKind::Tool, "crm/x")]);
    let client = stops(&[(StopKind::Client, "crm")]);
    assert!(tool.differ(&none, None) && none.differ(&tool, Some("crm")));
    assert!(!tool.differ(&none, Some("desk")) && !client.differ(&none, None));
    assert!(!tool.differ(&tool, None));
}
