//! Charts: paths that the server draws, so that no library is needed. A script sets the same attributes anew.

use maud::{Markup, html};
use sandgate_telemetry::traffic::{SLOT_SECONDS, SLOTS, SlotReport};

use super::took;

/// The height of a chart, in its own units. Its width is one unit a slot.
const HEIGHT: f64 = 40.0;

/// The paths of the traffic, stacked: what passed, what was refused, what failed.
pub(crate) struct TrafficPaths {
    pub(crate) passed: String,
    pub(crate) refused: String,
    pub(crate) failed: String,
    /// The most calls of a slot.
    pub(crate) most: u64,
}

impl TrafficPaths {
    pub(crate) fn of(slots: &[SlotReport]) -> Self {
        let all = |slot: &SlotReport| slot.passed + slot.refused + slot.failed;
        let most = slots.iter().map(all).max().unwrap_or(0);
        let scale = HEIGHT / most.max(1) as f64;
        let mut paths = Self {
            passed: String::new(),
            refused: String::new(),
            failed: String::new(),
            most,
        };
        for (place, slot) in slots.iter().enumerate() {
            let mut base = HEIGHT;
            for (path, count) in [
                (&mut paths.passed, slot.passed),
                (&mut paths.refused, slot.refused),
                (&mut paths.failed, slot.failed),
            ] {
                if count > 0 {
                    // Whatever happened is seen.
                    let height = (count as f64 * scale).max(0.7);
                    base -= height;
                    *path += &format!("M{place}.1,{base:.2}h.8v{height:.2}h-.8z");
                }
            }
        }
        paths
    }

    /// The most calls a second.
    pub(crate) fn peak(&self) -> String {
        let rate = self.most as f64 / SLOT_SECONDS as f64;
        match rate {
            rate if rate >= 10.0 => format!("{rate:.0}/s"),
            rate => format!("{rate:.1}/s"),
        }
    }
}

/// The line of the 95th percentile, on a scale of its own, and its highest point. Slots without calls leave a gap.
pub(crate) fn latency(slots: &[SlotReport]) -> (String, u64) {
    let most = slots.iter().map(|slot| slot.p95).max().unwrap_or(0);
    let mut path = String::new();
    let mut drawn = false;
    for (place, slot) in slots.iter().enumerate() {
        if slot.p95 == 0 {
            drawn = false;
            continue;
        }
        let y = HEIGHT - 1.0 - (HEIGHT - 2.0) * slot.p95 as f64 / most.max(1) as f64;
        let x = place as f64;
        // A slot is as wide as one unit, so that one alone is seen too.
        path += &match drawn {
            false => format!("M{x},{y:.2}h1"),
            true => format!("L{:.1},{y:.2}h.5", x + 0.5),
        };
        drawn = true;
    }
    (path, most)
}

pub(crate) fn traffic_chart(slots: &[SlotReport]) -> Markup {
    let paths = TrafficPaths::of(slots);
    html! {
        figure.chart {
            figcaption {
                span { "Calls" }
                span.legend {
                    span.passed { "passed" } span.refused { "refused" } span.failed { "failed" }
                }
                span.peak data-live="peak" { (paths.peak()) }
            }
            svg.plot viewBox={ "0 0 " (SLOTS) " 40" } preserveAspectRatio="none" role="img"
                aria-label="Calls of the last 15 minutes, by outcome, in slots of ten seconds" {
                path.grid d="M0,0.2H90M0,20H90M0,39.8H90" {}
                path.passed data-path="passed" d=(paths.passed) {}
                path.refused data-path="refused" d=(paths.refused) {}
                path.failed data-path="failed" d=(paths.failed) {}
            }
            p.axis { span { "15 min ago" } span { "now" } }
        }
    }
}

pub(crate) fn latency_chart(slots: &[SlotReport]) -> Markup {
    let (path, most) = latency(slots);
    html! {
        figure.chart {
            figcaption { span { "Time of a whole call, 95th percentile" } span.peak data-live="slowest" { (took(most)) } }
            svg.plot viewBox={ "0 0 " (SLOTS) " 40" } preserveAspectRatio="none" role="img"
                aria-label="The 95th percentile of whole calls over the last 15 minutes" {
                path.grid d="M0,0.2H90M0,20H90M0,39.8H90" {}
                path.line data-path="latency" d=(path) {}
            }
            p.axis { span { "15 min ago" } span { "now" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_and_nothing_is_nothing() {
        let slot = SlotReport {
            passed: 3,
            refused: 1,
            ..SlotReport::default()
        };
        let paths = TrafficPaths::of(&[SlotReport::default(), slot]);
        assert_eq!(paths.passed, "M1.1,10.00h.8v30.00h-.8z");
        assert_eq!(paths.refused, "M1.1,0.00h.8v10.00h-.8z");
        assert_eq!((paths.failed.as_str(), paths.most), ("", 4));
        assert_eq!(latency(&[SlotReport::default()]), (String::new(), 0));
        let slow = SlotReport {
            p95: 10,
            ..SlotReport::default()
        };
        assert_eq!(latency(&[slow]).0, "M0,1.00h1");
    }
}
