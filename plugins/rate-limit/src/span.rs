//! Lengths of time, as operators write them and people read them.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// The length of `500ms`, `10s`, `1m`, `2h`, `1d`. `None` for anything else, and for none at all.
pub(crate) fn read(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    let length = number.checked_mul(*milliseconds)?;
    (length > 0).then(|| Duration::from_millis(length))
}

/// A number of milliseconds in words: rounded up, so that who waits for it has waited long enough.
pub(crate) fn told(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..120_000 => format!("{} s", milliseconds.div_ceil(1_000)),
        120_000..7_200_000 => format!("{} min", milliseconds.div_ceil(60_000)),
        _ => format!("{} h", milliseconds.div_ceil(3_600_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        assert_eq!(read("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(read("1m"), Some(Duration::from_secs(60)));
        assert_eq!(read("1d"), Some(Duration::from_secs(86_400)));
        for wrong in [
            "",
            "1",
            "m",
            "0s",
            "-1s",
            "1.5h",
            "1 m",
            "1week",
            "99999999999999999999d",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_told_is_never_too_short() {
        assert_eq!(told(1_001), "2 s");
        assert_eq!(told(86_400_000), "24 h");
        assert_eq!(told(150_000), "3 min");
    }
}
