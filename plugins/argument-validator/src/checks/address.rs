//! Internet addresses of version 4 as lenient programs read them: in one to four parts, each decimal, octal or
//! hexadecimal.

/// An address and whether it is written in another way than four decimal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) bits: u32,
    pub(crate) is_odd: bool,
}

/// What a host is to a server that is told to ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A service that tells a machine of the cloud its credentials, or a neighbour on the same wire.
    Metadata,
    /// This machine, or a private network.
    Private,
    /// Anything else.
    Public,
}

/// The address that a host stands for. `Err`: numbers that are no address.
pub(crate) fn parse(host: &str) -> Option<Result<Address, ()>> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let first = host.bytes().next()?;
    if !first.is_ascii_digit() {
        return None;
    }
    let mut values = [0u64; 4];
    let mut count = 0;
    let mut is_odd = false;
    for part in host.split('.') {
        let (digits, radix) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (&part[2..], 16),
            [b'0', _, ..] => (&part[1..], 8),
            _ => (part, 10),
        };
        is_odd |= radix != 10;
        let value = if digits.is_empty() && radix == 16 {
            0
        } else {
            if digits.is_empty()
                || digits.len() > 32
                || !digits.chars().all(|it| it.is_digit(radix))
            {
                // A name that begins with a digit, for example `1password.com`.
                let is_numeric = host
                    .split('.')
                    .all(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit()));
                return is_numeric.then_some(Err(()));
            }
            u64::from_str_radix(digits, radix).unwrap_or(u64::MAX)
        };
        *values.get_mut(count)? = value;
        count += 1;
    }
    let (last, leading) = values[..count].split_last()?;
    let room = 8 * (5 - count as u32);
    if leading.iter().any(|part| *part > 255) || *last >= 1 << room {
        return Some(Err(()));
    }
    let mut bits = *last;
    for (index, part) in leading.iter().enumerate() {
        bits |= part << (24 - 8 * index);
    }
    Some(Ok(Address {
        bits: bits as u32,
        is_odd: is_odd || count < 4,
    }))
}

impl Address {
    pub(crate) fn reach(self) -> Reach {
        let [a, b, c, d] = self.bits.to_be_bytes();
        match (a, b) {
            (169, 254) => Reach::Metadata,
            (100, 100) if (c, d) == (100, 200) => Reach::Metadata,
            (192, 0) if (c, d) == (0, 192) => Reach::Metadata,
            (0 | 10 | 127, _) | (192, 168) | (172, 16..=31) | (100, 64..=127) => Reach::Private,
            _ => Reach::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_in_every_spelling() {
        for host in [
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "017700000001",
            "0x7f.0x0.0x0.0x1",
        ] {
            assert_eq!(
                parse(host),
                Some(Ok(Address {
                    bits: 0x7F00_0001,
                    is_odd: true
                })),
                "{host}"
            );
        }
        assert_eq!(
            parse("127.0.0.1"),
            Some(Ok(Address {
                bits: 0x7F00_0001,
                is_odd: false
            }))
        );
        assert_eq!(parse("472.314.470.462"), Some(Err(())));
        for host in ["1password.com", "example.com", "", "3com.net"] {
            assert_eq!(parse(host), None, "{host}");
        }
    }
}
