//! Logistic regression over passages. A text is an attack if its worst passage is one, so an attack teaches by its worst
//! passage, and a harmless text by its worst ones.

use sandgate_detect::injection::{FEATURES, score_by};

use crate::data::Example;
use crate::grammar::Dice;

const EPOCHS: usize = 14;
const RATE: f32 = 0.12;
const DECAY: f32 = 2e-4;
/// How much more a false alarm costs than a miss.
const ALARM: f32 = 3.0;

/// Weights of the features, and the bias.
#[derive(Clone)]
pub struct Model {
    pub weights: Vec<f32>,
    pub bias: f32,
}

impl Model {
    /// Learns from the examples.
    pub fn learned(examples: &[&Example]) -> Self {
        let mut model = Self {
            weights: vec![0.0; FEATURES],
            bias: -2.0,
        };
        let mut squares = vec![0.05_f32; FEATURES];
        let mut bias_square = 1.0_f32;
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut dice = Dice::new(3);
        let mut ranked = Vec::new();
        for _ in 0..EPOCHS {
            dice.shuffle(&mut order);
            for index in &order {
                let example = examples[*index];
                ranked.clear();
                ranked.extend(
                    example
                        .passages
                        .iter()
                        .enumerate()
                        .map(|(at, passage)| (model.logit(passage), at)),
                );
                ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
                if !example.is_attack && ranked.len() > 3 {
                    let some = 2 + dice.below(ranked.len() - 2);
                    ranked.swap(2, some);
                }
                let taken = if example.is_attack { 1 } else { 3 };
                for (logit, at) in ranked.iter().take(taken) {
                    let target = f32::from(u8::from(example.is_attack));
                    let cost = if example.is_attack { 1.0 } else { ALARM };
                    let slope = (1.0 / (1.0 + (-logit).exp()) - target) * example.weight * cost;
                    if slope.abs() < 1e-4 {
                        continue;
                    }
                    for (feature, value) in &example.passages[*at] {
                        let feature = *feature as usize;
                        let change = slope * value + DECAY * model.weights[feature];
                        squares[feature] += change * change;
                        model.weights[feature] -= RATE * change / squares[feature].sqrt();
                    }
                    bias_square += slope * slope;
                    model.bias -= RATE * slope / bias_square.sqrt();
                }
            }
        }
        model
    }

    fn logit(&self, passage: &[(u32, f32)]) -> f32 {
        passage
            .iter()
            .map(|(feature, value)| self.weights[*feature as usize] * value)
            .sum::<f32>()
            + self.bias
    }

    /// The logit of the text's score, with all that is decoded and revealed before.
    pub fn judge(&self) -> impl Fn(&Example) -> f32 {
        let mut weights = Box::new([0; FEATURES + 8]);
        weights.copy_from_slice(&self.bytes());
        move |example| {
            let value = score_by(&example.text, &weights)
                .value
                .clamp(1e-7, 1.0 - 1e-7);
            (value / (1.0 - value)).ln()
        }
    }

    /// As the crate keeps it: a byte for each weight, the step of a weight, the bias.
    pub fn bytes(&self) -> Vec<u8> {
        let most = self
            .weights
            .iter()
            .fold(0.0_f32, |most, weight| most.max(weight.abs()))
            .min(3.0);
        let step = most / 127.0;
        let mut bytes: Vec<u8> = self
            .weights
            .iter()
            .map(|weight| (weight / step).round().clamp(-127.0, 127.0) as i8 as u8)
            .collect();
        bytes.extend(step.to_le_bytes());
        bytes.extend(self.bias.to_le_bytes());
        bytes
    }
}
