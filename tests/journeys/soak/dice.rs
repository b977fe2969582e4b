//! Chance that can be had again.

/// Xorshift (Marsaglia 2003): the same throws for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds far apart, and never 0.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % most
    }

    pub(crate) fn one_of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.below(some.len() as u64) as usize]
    }

    pub(crate) fn shuffled<T, const N: usize>(&mut self, mut all: [T; N]) -> [T; N] {
        (1..N).for_each(|at| all.swap(at, self.below(at as u64 + 1) as usize));
        all
    }
}
