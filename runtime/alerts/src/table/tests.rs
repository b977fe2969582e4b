#![allow(clippy::unwrap_used)]
use super::*;
use crate::event::Detail;

const MINUTE: u64 = 60_000;

fn table(more_than: u64) -> Table {
    Table::new(Bounds {
        more_than,
        within: MINUTE,
        repeat_after: 60 * MINUTE,
    })
}

fn refusal(client: &str) -> Event<'_> {
    Event {
        client: Some(client),
        ..Event::of(AlertKind::Refusals, "view.denied", client)
    }
}

fn finding<'a>(client: &'a str, code: &'a str) -> Event<'a> {
    Event {
        client: Some(client),
        ..Event::of(AlertKind::Finding, code, client)
    }
}

fn at(now: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(now)
}

fn happens(table: &mut Table, event: &Event<'_>, now: u64) -> Option<Notice> {
    table.happened(event, now, at(now))
}

#[test]
fn the_first_is_an_alert_and_the_rest_a_number() {
    let mut table = table(0);
    let first = happens(&mut table, &refusal("ada"), 5).unwrap();
    assert_eq!(
        (first.status, first.count, first.more),
        (NoticeStatus::Firing, 1, 0)
    );
    for n in 0..37 {
        assert_eq!(happens(&mut table, &refusal("ada"), 100 + n), None);
    }
    assert!(table.tick(MINUTE, at(MINUTE)).is_empty());
    let over = table.tick(136 + MINUTE, at(136 + MINUTE));
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].status, over[0].more, &over[0].id),
        (NoticeStatus::Resolved, 37, &first.id)
    );
    assert!(
        over[0].line("burst").ends_with("[and 37 more]"),
        "{}",
        over[0].line("burst")
    );
    let again = happens(&mut table, &refusal("ada"), 10 * MINUTE).unwrap();
    assert_ne!(again.id, first.id);
}

#[test]
fn only_more_than_so_many_within_the_time_are_an_alert() {
    let mut table = table(5);
    for n in 0..5 {
        assert_eq!(happens(&mut table, &refusal("ada"), n), None);
    }
    // The first five are older than the time by then.
    for n in 0..5 {
        assert_eq!(happens(&mut table, &refusal("ada"), 2 * MINUTE + n), None);
    }
    assert_eq!(
        happens(&mut table, &refusal("bob"), 2 * MINUTE + 8),
        None,
        "each client by itself"
    );
    let raised = happens(&mut table, &refusal("ada"), 2 * MINUTE + 9).unwrap();
    assert_eq!(raised.count, 6);
    // A few now and then do not keep it up.
    assert_eq!(
        happens(&mut table, &refusal("ada"), 3 * MINUTE + 20_000),
        None
    );
    assert_eq!(table.tick(4 * MINUTE, at(0)).len(), 1);
}

#[test]
fn a_client_with_a_million_refusals_raises_one_alert_and_takes_nobodys_place() {
    let mut table = table(0);
    let mut raised = 0;
    for n in 0..1_000_000_u64 {
        raised += usize::from(happens(&mut table, &refusal("mallory"), n / 100).is_some());
    }
    assert_eq!((raised, table.places.len()), (1, 1));
    // Nor with findings of ever other codes.
    for n in 0..10_000_u64 {
        let code = format!("code.{n}");
        raised += usize::from(happens(&mut table, &finding("mallory", &code), 10_000).is_some());
    }
    assert_eq!(
        raised,
        1 + CODES + 1,
        "one for the refusals, and those of the codes"
    );
    assert!(table.places.len() <= CODES + 2);
    let told = happens(&mut table, &finding("ada", "flow.pair"), 10_000).unwrap();
    assert_eq!(
        (told.subject.as_str(), told.code.as_deref()),
        ("ada", Some("flow.pair"))
    );
}

#[test]
fn where_all_places_are_taken_an_alert_comes_all_the_same() {
    let mut table = table(0);
    for n in 0..10_000 {
        happens(&mut table, &refusal(&format!("client-{n}")), 0);
    }
    assert!(table.places.len() <= PLACES + 1);
    assert!(
        FiringAlert::all(table.firing())
            .iter()
            .any(|one| one.what.contains('?')),
        "the others share one"
    );
    assert_eq!(table.number_firing(), PLACES + 1);
    let over = table.tick(MINUTE, at(MINUTE));
    assert_eq!(over.len(), PLACES + 1);
    assert_eq!(
        over.iter().find(|one| one.subject == OTHERS).unwrap().more,
        10_000 - 256 - 1
    );
    assert!(table.tick(3 * MINUTE, at(0)).is_empty());
    assert!(table.places.is_empty());
}

#[test]
fn a_full_table_keeps_nothing_that_lasts_from_its_own_place_and_end() {
    let mut table = table(0);
    for n in 0..10_000 {
        happens(&mut table, &refusal(&format!("client-{n}")), 0);
    }
    let stop = Event::of(AlertKind::Stop, "", "server crm");
    let log = Event::of(AlertKind::Audit, "", "the call log cannot be written");
    for event in [&stop, &log] {
        let raised = happens(&mut table, event, 1).unwrap();
        assert_eq!(raised.subject, event.subject);
        assert!(table.knows(event.kind, event.subject));
        let over = table.mended(event.kind, event.subject, at(2)).unwrap();
        assert_eq!(over.id, raised.id);
    }
    table.tick(MINUTE, at(MINUTE));
    table.tick(3 * MINUTE, at(3 * MINUTE));
    assert_eq!((table.places.len(), table.held), (0, 0));
    // Nor does what lasts take a place of what is counted.
    for n in 0..2 * PLACES {
        let name = format!("server {n}");
        let one = Event::of(AlertKind::Stop, "", &name);
        assert!(happens(&mut table, &one, 3 * MINUTE).is_some());
    }
    let told = happens(&mut table, &refusal("ada"), 3 * MINUTE).unwrap();
    assert_eq!(told.subject, "ada");
}

#[test]
fn what_is_not_stopped_any_more_is_over_without_being_told() {
    let mut table = table(0);
    let none = || -> Vec<String> { panic!("nothing lasts") };
    assert!(table.mended_except(AlertKind::Stop, none, at(0)).is_empty());
    let log = Event::of(AlertKind::Audit, "", "the call log cannot be written");
    let stops = ["server crm", "tool x/y"];
    for event in stops.map(|name| Event::of(AlertKind::Stop, "", name)) {
        happens(&mut table, &event, 0);
    }
    happens(&mut table, &log, 0);
    happens(&mut table, &refusal("ada"), 0);
    let last = || vec!["tool x/y".to_owned()];
    let over = table.mended_except(AlertKind::Stop, last, at(1));
    assert_eq!(over.len(), 1);
    assert_eq!(over[0].subject, "server crm");
    assert_eq!(over[0].status, NoticeStatus::Resolved);
    assert_eq!(table.number_firing(), 3);
}

#[test]
fn what_lasts_is_over_when_it_is_mended_and_told_again_meanwhile() {
    let mut table = table(0);
    let stop = Event {
        detail: Detail::Words("INC-1"),
        ..Event::of(AlertKind::Stop, "", "server crm")
    };
    assert!(happens(&mut table, &stop, 0).is_some());
    assert!(
        table.knows(AlertKind::Stop, "server crm") && !table.knows(AlertKind::Stop, "server x")
    );
    assert!(table.tick(59 * MINUTE, at(0)).is_empty());
    let again = table.tick(60 * MINUTE, at(0));
    assert_eq!(again[0].status, NoticeStatus::Lasting);
    assert!(
        table.tick(61 * MINUTE, at(0)).is_empty(),
        "not before another hour"
    );
    let over = table.mended(AlertKind::Stop, "server crm", at(0)).unwrap();
    assert_eq!(over.status, NoticeStatus::Resolved);
    assert!(table.mended(AlertKind::Stop, "server crm", at(0)).is_none());
}

#[test]
fn a_rule_that_is_none_any_more_ends_its_alerts() {
    let mut table = table(0);
    happens(&mut table, &refusal("ada"), 0);
    happens(&mut table, &refusal("bob"), 0);
    assert_eq!(table.end(at(1)).len(), 2);
    assert_eq!(table.number_firing(), 0);
}
