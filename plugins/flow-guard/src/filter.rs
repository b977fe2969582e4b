//! Many hashes in little room: two Bloom filters. When the newer one is full, it becomes the older one, whose hashes
//! are forgotten.
//!
//! It never misses a hash that it holds. Of others it takes one in sixty for one of its own when both are full.

use crate::reader::Reader;

/// Bytes of each filter.
const BYTES: usize = 1024;
/// Hashes that one filter takes before it is full.
const FULL: u16 = 800;
/// Bits a hash sets.
const PROBES: u32 = 3;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// Empty or `BYTES` long.
    newer: Vec<u8>,
    older: Vec<u8>,
    count: u16,
}

impl Filter {
    pub(crate) fn has(&self, hash: u32) -> bool {
        [&self.newer, &self.older].into_iter().any(|bits| {
            !bits.is_empty()
                && probes(hash)
                    .all(|(byte, bit)| bits.get(byte).is_some_and(|bits| bits & bit != 0))
        })
    }

    pub(crate) fn add(&mut self, hash: u32) {
        if self.count == FULL {
            self.older = std::mem::take(&mut self.newer);
            self.count = 0;
        }
        if self.newer.is_empty() {
            self.newer = vec![0; BYTES];
        }
        let mut is_new = false;
        for (byte, bit) in probes(hash) {
            if let Some(bits) = self.newer.get_mut(byte) {
                is_new |= *bits & bit == 0;
                *bits |= bit;
            }
        }
        self.count += u16::from(is_new);
    }

    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.count.to_le_bytes());
        for bits in [&self.newer, &self.older] {
            into.push(u8::from(!bits.is_empty()));
            into.extend_from_slice(bits);
        }
    }

    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let count = u16::from_le_bytes(reader.take()?);
        let mut part = || match reader.take()? {
            [0] => Some(Vec::new()),
            [1] => Some(reader.slice(BYTES)?.to_vec()),
            _ => None,
        };
        let (newer, older) = (part()?, part()?);
        (count <= FULL).then_some(Self {
            newer,
            older,
            count,
        })
    }
}

/// The byte and the bit of each probe.
fn probes(hash: u32) -> impl Iterator<Item = (usize, u8)> {
    // A second hash from the first, odd so that no probe falls on another.
    let step = hash.rotate_right(15).wrapping_mul(0x846c_a68b) | 1;
    (0..PROBES).map(move |probe| {
        let place = hash.wrapping_add(step.wrapping_mul(probe));
        let place = (place >> 7) as usize % (BYTES * 8);
        (place / 8, 1 << (place % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(n: u32) -> u32 {
        crate::value::hash(&[&n.to_le_bytes()])
    }

    #[test]
    fn it_holds_the_last_ones_and_mistakes_few() {
        let mut filter = Filter::default();
        assert!(!filter.has(0));
        for n in 0..5000 {
            filter.add(scattered(n));
        }
        assert!((4300..5000).all(|n| filter.has(scattered(n))));
        let wrong = (10_000..20_000)
            .filter(|n| filter.has(scattered(*n)))
            .count();
        assert!(wrong < 400, "{wrong} of 10,000");
    }
}
