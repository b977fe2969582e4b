#![no_main]
//! Secrets in any text: within the text, at boundaries of characters.

use sandgate_detect::secret;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut found = Vec::new();
    secret::scan(text, &mut found);
    for one in found {
        assert!(text.get(one.start..one.end).is_some_and(|it| !it.is_empty()));
    }
});
