//! What the Python SDK keeps for components.

use std::path::Path;

#[test]
fn regenerating_the_module_of_the_python_sdk_changes_nothing() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/python/sandgate");
    let kept = package.join("_still.cpython-314-wasm32-wasi.so");
    let made = wat::parse_file(package.join("_still.wat")).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&kept, &made).unwrap();
    }
    assert!(
        std::fs::read(&kept).unwrap() == made,
        "it differs from _still.wat; BLESS=1 writes it anew"
    );
}
