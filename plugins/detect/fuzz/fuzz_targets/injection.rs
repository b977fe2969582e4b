#![no_main]
//! The score of any text: a number from 0 to 1, and a passage within the text.

use sandgate_detect::{injection, poisoning};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let score = injection::score(text);
    assert!((0.0..=1.0).contains(&score.value), "{}", score.value);
    assert!(text.get(score.passage.clone()).is_some(), "{:?}", score.passage);
    assert!(poisoning::read(text).signs.score().is_finite());
});
