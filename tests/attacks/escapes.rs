//! A hostile server, contained: each thing that it attempts is stopped, by bubblewrap and by Landlock alone.
//!
//! Each attempt is made three times: by the server unconfined, which must succeed (so that a stopped attempt means
//! something), and contained in either way. The gateway has no privileges and the same user as the servers and their
//! victims, so that nothing but containment stands between them. The table of `docs/containment.md` is what was measured.
#![cfg(target_os = "linux")]

mod attempts;
mod containers;
mod egress;
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use attempts::{Attempt, Control};
use world::{CONTAINED, World, sleepers};

use harness::Gateway;

/// Between these lines of the page stands the table.
const MARKS: (&str, &str) = ("<!-- escapes -->\n", "<!-- /escapes -->");

/// What became of an attempt: `done`, or what stopped it.
fn attempt(world: &World, gateway: &Gateway, server: &str, attempt: &Attempt) -> String {
    world.attempt(
        gateway,
        server,
        attempt.name,
        &(attempt.aim)(world, gateway, server),
    )
}

fn table(outcomes: &BTreeMap<&str, Vec<String>>) -> String {
    let mut text = "| attempt | bubblewrap | Landlock alone |\n|---|---|---|\n".to_owned();
    for one in attempts::all() {
        let cells = outcomes[one.what].iter().zip(one.stopped_by);
        let cells = cells.map(|(outcome, by)| match (outcome.as_str(), by) {
            ("done", by) => format!("**succeeds**: {}", by.trim_start_matches("! ")),
            (outcome, by) => format!("{outcome}: {by}"),
        });
        let cells: Vec<_> = cells.collect();
        text += &format!("| {} | {} |\n", one.what, cells.join(" | "));
    }
    text
}

#[test]
fn what_a_hostile_server_attempts_is_stopped_and_succeeds_unconfined() {
    let world = World::new();
    let gateway = Gateway::start_unprivileged(&world.config());
    let mut wrong = Vec::new();
    let mut outcomes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in attempts::all() {
        let control = attempt(&world, &gateway, "free", one);
        if one.control == Control::Succeeds && control != "done" {
            wrong.push(format!(
                "{}: unconfined it is stopped too: {control}",
                one.what
            ));
        }
        for (server, by) in CONTAINED.iter().zip(one.stopped_by) {
            let outcome = attempt(&world, &gateway, server, one);
            if (outcome == "done") != one.finding(by) {
                wrong.push(format!("{}: with {server}: {outcome}", one.what));
            }
            outcomes.entry(one.what).or_default().push(outcome);
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
    let count = attempts::all().count();
    assert!(count >= 40, "only {count} attempts");
    compare(MARKS, &table(&outcomes));
}

/// Compares a table with the one that the page has between two lines.
fn compare(marks: (&str, &str), measured: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/containment.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(marks.0).expect("the page has no table");
    let (kept, after) = rest.split_once(marks.1).expect("the table has no end");
    if std::env::var_os("BLESS").is_some() {
        let new = [before, marks.0, measured, marks.1, after].concat();
        std::fs::write(&page, new).unwrap();
    } else {
        assert_eq!(kept, measured, "{}: BLESS=1 writes it anew", page.display());
    }
}

/// Here the servers have users of their own.
#[test]
fn with_a_gateway_of_roots_it_is_stopped_as_well() {
    if harness::other_user().is_none() {
        println!("NOT TESTED: a gateway of root's (this test is not root)");
        return;
    }
    let world = World::new();
    let gateway = Gateway::start(&world.config());
    let mut wrong = Vec::new();
    for one in attempts::all() {
        for (server, by) in CONTAINED.iter().zip(one.stopped_by) {
            let outcome = attempt(&world, &gateway, server, one);
            if outcome == "done" && !one.finding(by) {
                wrong.push(format!("{}: with {server}", one.what));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
}

#[test]
fn the_limit_that_a_server_reached_is_named_to_the_operator() {
    let world = World::new();
    let gateway = Gateway::start_unprivileged(&world.config());
    for server in CONTAINED {
        let hold = serde_json::json!({ "hold": 2 });
        let said = world.attempt(&gateway, server, "fork_bomb", &hold);
        assert_eq!(said, "EAGAIN", "{server}");
        let status = gateway.command(&["status"]).output;
        let named = status.lines().any(|line| {
            line.contains(&format!("last error of {server}"))
                && line.contains("it reached its limit `processes` (32)")
        });
        assert!(named, "{server}: {status}");
    }
}

/// The helper then counts the processes itself.
#[test]
fn landlock_holds_where_there_are_no_user_namespaces() {
    let world = World::new();
    let config = world.config();
    let (others, landlock) = config.split_once("[servers.landlock]").unwrap();
    let (free, _) = others.split_once("[servers.bubblewrap]").unwrap();
    let config = format!("{free}[servers.landlock]{landlock}");
    let gateway = Gateway::start_without_user_namespaces(&config);
    let mut wrong = Vec::new();
    for one in attempts::all() {
        let outcome = attempt(&world, &gateway, "landlock", one);
        let by = match one.name {
            "fork_bomb" => {
                assert_eq!(outcome, "ended by `processes` (32)");
                continue;
            }
            _ => one.stopped_by[1],
        };
        if outcome == "done" && !one.finding(by) {
            wrong.push(one.what);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}\n{}", gateway.log());
}

#[test]
fn nothing_of_a_contained_server_outlives_its_session_or_the_gateway() {
    let world = World::new();
    let mut gateway = Gateway::start_unprivileged(&world.config());
    for (index, server) in CONTAINED.iter().enumerate() {
        let seconds = format!("77{}{index}", std::process::id());
        let session = world.open(&gateway, server);
        let said = world.say(
            &session,
            "survive",
            &serde_json::json!({ "seconds": seconds }),
        );
        assert_eq!(said, "done", "{server}");
        assert_eq!(sleepers(&seconds).len(), 1, "{server}: it did not begin");
        session.end();
        world::until(|| sleepers(&seconds).is_empty(), server);
    }
    // A gateway that is killed cannot end anybody.
    let mut left = Vec::new();
    let sessions: Vec<_> = ["free"]
        .iter()
        .chain(CONTAINED)
        .enumerate()
        .map(|(index, server)| {
            let seconds = format!("88{}{index}", std::process::id());
            let session = world.open(&gateway, server);
            let said = world.say(
                &session,
                "survive",
                &serde_json::json!({ "seconds": seconds }),
            );
            assert_eq!(said, "done", "{server}");
            left.push((*server, seconds));
            session
        })
        .collect();
    gateway.process.signal(rustix::process::Signal::KILL);
    gateway.process.wait(Duration::from_secs(10)).unwrap();
    for (server, seconds) in &left[1..] {
        world::until(|| sleepers(seconds).is_empty(), server);
    }
    let control = sleepers(&left[0].1);
    assert_eq!(
        control.len(),
        1,
        "unconfined, it does not outlive the gateway either"
    );
    for pid in control {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    drop(sessions);
    // Each user's helpers have a folder for theirs.
    let bases = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let bases = bases.filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("sandgate-contained-")
    });
    let folders = bases.flat_map(|base| std::fs::read_dir(base.path()).unwrap().flatten());
    let left = folders.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let helper = name.split_once('-').map(|(pid, _)| pid.to_owned());
        helper.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
    });
    assert_eq!(left.count(), 0, "a private folder is left");
}
