//! What the page on production says of a change of the program, of backups and of keys, followed.

use std::process::Command;

#[test]
fn the_page_on_production_can_be_followed() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/production/run");
    let followed = Command::new("python3")
        .arg(script)
        .arg(harness::sandgate())
        .output()
        .unwrap();
    assert!(followed.status.success(), "{followed:?}");
}
