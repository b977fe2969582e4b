//! The crate carries its own copy of the contract, so that it builds away from its repository.
#![allow(clippy::unwrap_used)]

#[test]
fn the_copy_of_the_contract_is_the_contract() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let original = std::fs::read_to_string(here.join("../../wit/interceptor.wit")).unwrap();
    let copy = std::fs::read_to_string(here.join("wit/interceptor.wit")).unwrap();
    assert!(
        original == copy,
        "sdk/rust/wit differs from wit: cp wit/interceptor.wit sdk/rust/wit/"
    );
}
