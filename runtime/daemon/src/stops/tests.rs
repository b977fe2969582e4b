#![allow(clippy::unwrap_used)]
use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn stop(since: SystemTime, until: Option<SystemTime>) -> Stop {
    Stop {
        kind: StopKind::Server,
        name: "crm".into(),
        why: "it burns \"a lot\"".into(),
        by: 998,
        since,
        until,
    }
}

#[test]
fn no_clock_makes_a_stop_longer_than_it_was_meant_to_be() {
    let noon = SystemTime::UNIX_EPOCH + 500_000 * HOUR;
    let one = stop(noon, Some(noon + HOUR));
    assert_eq!(left(&one, noon + HOUR / 4), Some(HOUR * 3 / 4));
    assert_eq!(left(&one, noon - 9 * HOUR), Some(HOUR), "set back");
    assert_eq!(left(&one, noon + 9 * HOUR), Some(Duration::ZERO));
    assert_eq!(left(&stop(noon, None), noon + 9 * HOUR), None);
    assert_eq!(
        left(&stop(noon, Some(noon - HOUR)), noon),
        Some(Duration::ZERO)
    );
}

#[test]
fn what_is_kept_is_read_again_and_ends_no_earlier() {
    let since = SystemTime::UNIX_EPOCH + 500_000 * HOUR;
    let until = since + Duration::from_millis(1500);
    let kept = StopStatus::from(&stop(since, Some(until)));
    let read = kept.read().unwrap();
    assert_eq!(
        (&*read.name, &*read.why, read.by),
        ("crm", "it burns \"a lot\"", 998)
    );
    assert!(read.until.unwrap() >= until);
    assert_eq!(
        StopStatus::from(&stop(since, None)).read().unwrap().until,
        None
    );
    let odd = StopStatus {
        since: "yesterday".into(),
        ..kept
    };
    assert_eq!(odd.read(), None);
}

#[test]
fn no_text_of_an_operators_steers_a_terminal() {
    let mut one = StopStatus::from(&stop(SystemTime::UNIX_EPOCH, None));
    one.why = "a\u{1b}[2Jb".into();
    let table = StopStatus::table(&[one]);
    assert!(
        !table.contains('\u{1b}') && table.contains("user 998"),
        "{table}"
    );
}
