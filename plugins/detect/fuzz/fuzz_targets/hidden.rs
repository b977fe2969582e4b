#![no_main]
//! Any text normalised, and any name's skeleton.

use sandgate_detect::{confusable, hidden};

libfuzzer_sys::fuzz_target!(|text: &str| {
    hidden::normalised(text);
    hidden::kinds(text);
    confusable::skeleton(text);
});
