//! The weights of the model, and the judgement of a passage by them.

use super::passage::{FEATURES, Group, Passage, Sink};

/// One weight for each feature, then the step of a weight and the bias as 32-bit floating-point numbers, little-endian.
/// `plugins/injection-classifier/train` makes the file.
pub type Weights = [u8; FEATURES + 8];

/// The weights that are in use.
pub(super) static WEIGHTS: &Weights = include_bytes!("weights.bin");

/// The groups of features.
pub const GROUPS: usize = 4;

/// How much the sum of a group counts that has so many features: longer passages do not count more.
pub fn share(count: u32) -> f32 {
    2.0 / (count as f32 + 3.0).sqrt()
}

/// Weighs the passages of a text and keeps the worst.
pub(super) struct Weigher<'w> {
    weights: &'w Weights,
    sums: [i32; GROUPS],
    counts: [u32; GROUPS],
    pub(super) best: Option<(f32, Passage)>,
    /// The first passage whose words are all unknown.
    pub(super) unreadable: Option<Passage>,
    /// Whether a passage has letters with spaces between.
    pub(super) is_spaced: bool,
    /// Whether a passage has digits for letters.
    pub(super) is_mixed: bool,
}

impl<'w> Weigher<'w> {
    pub(super) fn new(weights: &'w Weights) -> Self {
        Self {
            weights,
            sums: [0; GROUPS],
            counts: [0; GROUPS],
            best: None,
            unreadable: None,
            is_spaced: false,
            is_mixed: false,
        }
    }

    fn number(&self, at: usize) -> f32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.weights[at..at + 4]);
        f32::from_le_bytes(bytes)
    }
}

impl Sink for Weigher<'_> {
    fn add(&mut self, group: Group, feature: u32) {
        let weight = self.weights[feature as usize % FEATURES] as i8;
        self.sums[group as usize] += i32::from(weight);
        self.counts[group as usize] += 1;
    }

    fn end(&mut self, passage: &Passage) {
        let sums = std::mem::take(&mut self.sums);
        let counts = std::mem::take(&mut self.counts);
        if passage.tokens() == 0 {
            return;
        }
        let step = self.number(FEATURES);
        let mut logit = self.number(FEATURES + 4);
        for (sum, count) in sums.into_iter().zip(counts) {
            logit += sum as f32 * step * share(count);
        }
        self.is_spaced |= passage.is_spaced;
        self.is_mixed |= passage.is_mixed;
        if passage.is_unreadable && self.unreadable.is_none() {
            self.unreadable = Some(passage.clone());
        }
        if self.best.as_ref().is_none_or(|(best, _)| logit > *best) {
            self.best = Some((logit, passage.clone()));
        }
    }
}
