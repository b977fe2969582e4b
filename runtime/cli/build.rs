//! How the program is linked.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|own| own == value);
    // Generic code is compiled once for each crate that uses it: functions with the same machine code become one. It is
    // rustc's own linker on this platform that can do so. Rust promises no function an address of its own; a backtrace may
    // name another function of those that are the same.
    if is("PROFILE", "release") && is("TARGET", "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
