//! Charts: paths that the server draws, so that no library is needed. A script sets the same attributes anew.

use maud::{Markup, html};
use sandgate_telemetry::traffic::{SLOT_SECONDS, SlotReport};

use super::took;

/// Width and height of a chart, in its own units.
const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 40.0;
/// The slots of five minutes, which are shown while there was nothing before.
const FEW: usize = 5 * 60 / SLOT_SECONDS as usize;

/// What is shown of the slots: five minutes, or all of them; and since when, in words.
fn window(slots: &[SlotReport]) -> (&[SlotReport], &'static str) {
    let first = slots.iter().position(|slot| *slot != SlotReport::default());
    let used = first.map_or(0, |first| slots.len() - first);
    match used <= FEW && slots.len() > FEW {
        true => (&slots[slots.len() - FEW..], "5 min ago"),
        false => (slots, "15 min ago"),
    }
}

/// The width of a slot.
fn step(slots: &[SlotReport]) -> f64 {
    WIDTH / slots.len().max(1) as f64
}

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
        let slots = window(slots).0;
        let step = step(slots);
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
                    let (x, width) = ((place as f64 + 0.1) * step, step * 0.8);
                    *path += &format!("M{x:.2},{base:.2}h{width:.2}v{height:.2}h-{width:.2}z");
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
    let slots = window(slots).0;
    let step = step(slots);
    let most = slots.iter().map(|slot| slot.p95).max().unwrap_or(0);
    let mut path = String::new();
    let mut drawn = false;
    for (place, slot) in slots.iter().enumerate() {
        if slot.p95 == 0 {
            drawn = false;
            continue;
        }
        let y = HEIGHT - 1.0 - (HEIGHT - 2.0) * slot.p95 as f64 / most.max(1) as f64;
        let x = place as f64 * step;
        // A slot is as wide as one unit, so that one alone is seen too.
        path += &match drawn {
            false => format!("M{x:.2},{y:.2}h{step:.2}"),
            true => format!("L{:.2},{y:.2}", x + step / 2.0),
        };
        drawn = true;
    }
    (path, most)
}

/// Since when charts show something, in words.
pub(crate) fn since(slots: &[SlotReport]) -> &'static str {
    window(slots).1
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
            svg.plot viewBox="0 0 180 40" preserveAspectRatio="none" role="img"
                aria-label="Calls of the last minutes, by outcome, in slots of five seconds" {
                path.grid d="M0,0.2H180M0,20H180M0,39.8H180" {}
                path.passed data-path="passed" d=(paths.passed) {}
                path.refused data-path="refused" d=(paths.refused) {}
                path.failed data-path="failed" d=(paths.failed) {}
            }
            p.axis { span data-live="window" { (window(slots).1) } span { "now" } }
        }
    }
}

pub(crate) fn latency_chart(slots: &[SlotReport]) -> Markup {
    let (path, most) = latency(slots);
    html! {
        figure.chart {
            figcaption { span { "Time of a whole call, 95th percentile" } span.peak data-live="slowest" { (took(most)) } }
            svg.plot viewBox="0 0 180 40" preserveAspectRatio="none" role="img"
                aria-label="The 95th percentile of whole calls over the last minutes" {
                path.grid d="M0,0.2H180M0,20H180M0,39.8H180" {}
                path.line data-path="latency" d=(path) {}
            }
            p.axis { span data-live="window" { (window(slots).1) } span { "now" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_gateway_is_shown_five_minutes() {
        let mut slots = vec![SlotReport::default(); 180];
        assert_eq!(since(&slots), "5 min ago");
        slots[180 - FEW].passed = 1;
        assert_eq!(since(&slots), "5 min ago");
        slots[179 - FEW].passed = 1;
        assert_eq!(since(&slots), "15 min ago");
    }

    #[test]
    fn bars_stand_on_each_other_and_nothing_is_nothing() {
        let slot = SlotReport {
            passed: 3,
            refused: 1,
            ..SlotReport::default()
        };
        let paths = TrafficPaths::of(&[SlotReport::default(), slot]);
        assert_eq!(paths.passed, "M99.00,10.00h72.00v30.00h-72.00z");
        assert_eq!(paths.refused, "M99.00,0.00h72.00v10.00h-72.00z");
        assert_eq!((paths.failed.as_str(), paths.most), ("", 4));
        assert_eq!(latency(&[SlotReport::default()]), (String::new(), 0));
        let slow = SlotReport {
            p95: 10,
            ..SlotReport::default()
        };
        assert_eq!(latency(&[slow]).0, "M0.00,1.00h180.00");
    }
}
