#![no_main]

#[path = "../body.rs"]
#[allow(dead_code, reason = "each target runs one of the bodies")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::try_uri(data));
