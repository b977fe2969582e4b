//! The operators' socket in a directory of somebody else's.

use std::os::unix::fs::{PermissionsExt, chown};

use harness::{FakeServer, Gateway, Script};

/// Somebody who is not who runs the tests.
const SOMEBODY: u32 = 54_321;

fn config(folder: &std::path::Path) -> String {
    let server = FakeServer::stdio(&Script::new());
    let admin = folder.join("admin.sock");
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nadmin = {admin:?}\n{}",
        server.config("fake")
    )
}

#[test]
fn a_directory_that_others_may_write_to_holds_no_admin_socket() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let (code, said) = Gateway::refused(&config(folder.path()));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("may be written to by others"), "{said}");
}

#[test]
fn a_directory_of_another_user_holds_no_admin_socket_of_roots() {
    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(SOMEBODY), None).is_err() {
        // Only root can give a directory away; for others the rule is a unit test of the gateway's.
        assert!(!rustix::process::geteuid().is_root());
        return;
    }
    let (code, said) = Gateway::refused(&config(folder.path()));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("belongs to another user"), "{said}");
}
