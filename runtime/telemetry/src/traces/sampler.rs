//! Which traces are recorded.

use sandgate_config::Share;
use sandgate_gateway::TraceId;

/// The bits of a trace id that decide, as W3C's trace context names them random: the last 56.
const RANDOM: u32 = 56;

/// Decides by the trace's id, so that whoever else samples the same share by the same rule decides the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampler {
    /// Ids whose random part is at least this are recorded.
    threshold: u64,
}

impl Sampler {
    pub(super) fn new(share: Share) -> Self {
        let left_out = (1.0 - share.fraction()) * (1_u64 << RANDOM) as f64;
        Self {
            threshold: left_out as u64,
        }
    }

    pub(super) fn keeps(self, TraceId(id): TraceId) -> bool {
        let random = u128::from_be_bytes(id) as u64 & ((1 << RANDOM) - 1);
        random >= self.threshold
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sandgate_config::Scalar;

    #[test]
    fn a_share_of_all_ids_is_recorded() {
        for (share, least, most) in [("100%", 1000, 1000), ("25%", 200, 300), ("0.0001%", 0, 1)] {
            let sampler = Sampler::new(Share::read(share).unwrap());
            // Steps of the golden ratio are spread evenly.
            let ids = (1..=1000_u128).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let kept = ids
                .filter(|id| sampler.keeps(TraceId(id.to_be_bytes())))
                .count();
            assert!((least..=most).contains(&kept), "{share}: {kept}");
        }
    }
}
