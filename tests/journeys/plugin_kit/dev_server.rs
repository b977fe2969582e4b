//! `sandgate plugin dev --server`: a gateway of its own, which ends with it.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::Process;
use rustix::process::Signal;

use crate::plugin_kit::author::Author;

const PATIENCE: Duration = Duration::from_secs(60);

fn project() -> Author {
    let author = Author::new();
    let new = ["plugin", "new", "mine", "--lang", "c", "--hook", "pre"];
    assert_eq!(author.sandgate(&new).code, Some(0));
    author
}

#[test]
fn a_save_is_live_in_a_gateway_that_ends_with_dev() {
    let author = project();
    let mut command = Command::new(harness::sandgate());
    command.args(["plugin", "dev", "mine", "--server", "demo"]);
    let mut dev = Process::start(author.at_home(&mut command));
    let shows = |dev: &Process, wanted: &str| {
        let until = Instant::now() + PATIENCE;
        while !dev.output().contains(wanted) {
            assert!(Instant::now() < until, "{}{}", dev.output(), dev.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    shows(&dev, "live in edition 1 as mine");
    let call = |tool: &str, arguments: &str| {
        author.sandgate(&[
            "call",
            "--config",
            "mine/sandgate.toml",
            "demo",
            tool,
            arguments,
        ])
    };
    let customer = call("lookup_customer", r#"{"id":"C-1001"}"#);
    assert_eq!(customer.code, Some(0), "{customer:?}");

    let source = std::fs::read_to_string(author.path("mine/src/plugin.c")).unwrap();
    let stricter = source.replace("\"rm -rf\"", "\"C-1001\"");
    author.write("mine/src/plugin.c", &stricter);
    let fixture = author.path("mine/fixtures/refuses-rm-rf.toml");
    let text = std::fs::read_to_string(&fixture).unwrap();
    std::fs::write(&fixture, text.replace("rm -rf .", "C-1001")).unwrap();
    shows(&dev, "live in edition 2 as mine");
    let refused = call("lookup_customer", r#"{"id":"C-1001"}"#);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("destructive command"), "{refused:?}");

    dev.signal(Signal::INT);
    assert!(dev.wait(PATIENCE).is_some_and(|status| status.success()));
    let gone = call("lookup_customer", r#"{"id":"C-1001"}"#);
    assert!(
        gone.code == Some(1) && gone.out.is_empty() || gone.code == Some(2),
        "{gone:?}"
    );

    // The file is the author's from here on, and names the servers that there are.
    let config = std::fs::read_to_string(author.path("mine/sandgate.toml")).unwrap();
    assert!(config.contains("plugin = \"target/mine.wasm\""), "{config}");
    let unknown = author.sandgate(&["plugin", "dev", "mine", "--server", "notes"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(
        unknown.err.contains("has no such server; there is demo"),
        "{unknown:?}"
    );
}

#[test]
fn without_a_configuration_there_is_the_demos_server_alone() {
    let author = project();
    let unknown = author.sandgate(&["plugin", "dev", "mine", "--server", "notes"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.err.contains("there is demo"), "{unknown:?}");
    assert!(!author.path("mine/sandgate.toml").exists());
}
