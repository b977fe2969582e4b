#![no_main]
//! Personal data in any text: values in order, within the text, at boundaries of characters.

use sandgate_detect::{Entity, scan};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for key in ["", "phone", "id"] {
        let mut end = 0;
        scan(text, Entity::ALL.into_iter().collect(), &|| key.into(), &mut |found| {
            assert!(end <= found.start && found.start < found.end, "{found:?}");
            assert!(text.get(found.start..found.end).is_some(), "{found:?}");
            end = found.end;
        });
    }
});
