//! Writes a hundred megabytes to its stderr, then stops dead.

use std::io::Write;

sandgate_zoo::misbehaves!(|_, _| {
    let line = "flood ".repeat(10_000);
    for _ in 0..1_700 {
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    panic!("the last words");
});
