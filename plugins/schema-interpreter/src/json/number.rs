//! A JSON number, with the same precision as in serde_json.

use std::cmp::Ordering;

/// An integer between `i64::MIN` and `u64::MAX`, or else a float. Larger integers are floats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    /// Reads `text`, which must be a JSON number.
    pub(crate) fn of(text: &str) -> Self {
        // Twenty digits and a sign hold every 64-bit integer.
        if text.len() <= 21
            && let Ok(integer) = text.parse::<i128>()
            && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&integer)
        {
            return Self::Integer(integer);
        }
        Self::Float(text.parse().unwrap_or(f64::NAN))
    }

    /// Whether JSON Schema counts the number as an integer. `1.0` is an integer.
    pub(crate) fn is_integer(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float(float) => float.fract() == 0.0,
        }
    }

    /// Compares by exact value: an integer is not rounded to a float first. `None` for a NaN.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(&other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(&other),
            (Self::Integer(one), Self::Float(other)) => with_float(one, other),
            (Self::Float(one), Self::Integer(other)) => {
                with_float(other, one).map(Ordering::reverse)
            }
        }
    }
}

fn with_float(integer: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // The cast saturates at values that are far larger than any integer here.
    let whole = float.trunc() as i128;
    Some(integer.cmp(&whole).then(0.0.partial_cmp(&float.fract())?))
}
