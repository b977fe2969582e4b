//! Durations and sizes, as people write them.

use std::time::Duration;

use super::scalar::{Mistake, Scalar, scalar};

/// A length of time: a whole number and `ms`, `s`, `m` (minutes), `h` or `d`, for example `"50ms"`. At least `"1ms"`,
/// at most `"365d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// A number of bytes: a whole number and `B`, `KiB`, `MiB` or `GiB`, for example `"64MiB"`. At least `"1B"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Period {
    /// A period of `count` milliseconds.
    pub const fn millis(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }
    /// A period of `count` seconds.
    pub const fn secs(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|mistake| format!("it {}; {}", mistake.why, mistake.help))
    }
}

impl Size {
    /// A size of `count` mebibytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

impl Scalar for Period {
    const KIND: &'static str = "a length of time such as \"50ms\"";
    const PATTERN: Option<&'static str> = Some("^[0-9]+(ms|s|m|h|d)$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let units =
            "write a whole number and a unit: ms, s, m (minutes), h or d, for example \"50ms\"";
        let (count, unit) =
            split(text).ok_or_else(|| Mistake::new("is not a length of time", units))?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" => return Err(Mistake::new("has no unit", units)),
            _ => {
                return Err(Mistake::new(
                    format!("has the unknown unit `{unit}`"),
                    units,
                ));
            }
        };
        let length = count.checked_mul(milliseconds).map(Duration::from_millis);
        match length {
            Some(Duration::ZERO) => Err(Mistake::new("is zero", "write at least \"1ms\"")),
            Some(length) if length <= LONGEST => Ok(Self(length)),
            _ => Err(Mistake::new("is too long", "write at most \"365d\"")),
        }
    }

    fn write(&self) -> String {
        let milliseconds = self.0.as_millis();
        for (unit, size) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
        ] {
            if milliseconds.is_multiple_of(size) {
                return format!("{}{unit}", milliseconds / size);
            }
        }
        format!("{milliseconds}ms")
    }
}

impl Scalar for Size {
    const KIND: &'static str = "a size such as \"64MiB\"";
    const PATTERN: Option<&'static str> = Some("^[0-9]+(B|KiB|MiB|GiB)$");

    fn read(text: &str) -> Result<Self, Mistake> {
        let units = "write a whole number and a unit: B, KiB, MiB or GiB, for example \"64MiB\"";
        let (count, unit) = split(text).ok_or_else(|| Mistake::new("is not a size", units))?;
        let shift = match unit {
            "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "" => return Err(Mistake::new("has no unit", units)),
            _ => {
                return Err(Mistake::new(
                    format!("has the unknown unit `{unit}`"),
                    units,
                ));
            }
        };
        match count.checked_mul(1 << shift) {
            Some(0) => Err(Mistake::new("is zero", "write at least \"1B\"")),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(Mistake::new("is too large", units)),
        }
    }

    fn write(&self) -> String {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            if self.0.is_multiple_of(1 << shift) {
                return format!("{}{unit}", self.0 >> shift);
            }
        }
        format!("{}B", self.0)
    }
}

scalar!(Period, Size);

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_period_is_read_and_written_in_its_largest_unit() {
        for (text, milliseconds) in [
            ("50ms", 50),
            ("2s", 2_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
        ] {
            let period = Period::read(text).unwrap();
            assert_eq!(period, Period::millis(milliseconds));
            assert_eq!(period.write(), text);
        }
        assert_eq!(Period::read("120s").unwrap().write(), "2m");
    }

    #[test]
    fn a_size_is_read_and_written_in_its_largest_unit() {
        for (text, bytes) in [
            ("12B", 12),
            ("1KiB", 1024),
            ("64MiB", 64 << 20),
            ("2GiB", 2 << 30),
        ] {
            let size = Size::read(text).unwrap();
            assert_eq!(size, Size(bytes));
            assert_eq!(size.write(), text);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "ms",
            "5",
            "5 s",
            "-5s",
            "1.5s",
            "5sec",
            "0ms",
            "366d",
            "99999999999999999999s",
        ] {
            assert!(Period::read(text).is_err(), "{text}");
        }
        for text in ["", "MiB", "64", "64MB", "64 MiB", "0B", "99999999999GiB"] {
            assert!(Size::read(text).is_err(), "{text}");
        }
    }
}
