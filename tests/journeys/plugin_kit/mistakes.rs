//! A few of the mistakes that authors make; `make mistakes` makes all of them, in each language.

use std::path::Path;
use std::process::Command;

#[test]
fn no_mistake_gets_past_the_kit_and_fails_in_a_gateway() {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("mistakes/run");
    let output = Command::new("python3")
        .arg(run)
        .args(["--quick", "rust"])
        .env("SANDGATE_BIN", harness::sandgate())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{wrong}\n{said}");
    assert_eq!(said.matches("gateway=").count(), 5, "{said}");
}
