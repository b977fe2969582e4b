//! Trains the model of the injection classifier: `train CORPORA OUT [FILES…]`. CORPORA has the corpora in the open format;
//! FILES are directories of ordinary files. Prints how the model holds on each source that it did not see, then writes
//! the model of everything to OUT. The same input gives the same model.

mod data;
mod grammar;
mod learn;

use std::collections::BTreeMap;
use std::path::Path;

use data::Example;
use learn::Model;

/// The share of held-out harmless texts that may be flagged at the threshold.
const ALARMS: f32 = 0.004;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, corpora, out, folders @ ..] = &arguments[..] else {
        eprintln!("train CORPORA OUT [FILES…]");
        std::process::exit(2);
    };
    let mut examples = data::generated(8000);
    examples.extend(data::corpora(Path::new(corpora)));
    for folder in folders {
        examples.extend(data::files(Path::new(folder), 2500));
    }
    examples.retain(|example| !example.passages.is_empty() || example.is_attack);
    let held: [&[&str]; 9] = [
        &["InjecAgent", "tool_drift"],
        &["BIPIA"],
        &["bastioncorpus"],
        &["NotInject"],
        &["jailbreak-corpus"],
        &["files A"],
        &["mcp-scanner", "github-mcp-server", "safe-mcp"],
        &["Docker catalogue"],
        &["tau-bench", "personal data"],
    ];
    let models: Vec<Model> = std::thread::scope(|scope| {
        let mut models = Vec::new();
        for some in held.chunks(2) {
            let running: Vec<_> = some
                .iter()
                .map(|sources| {
                    let examples = &examples;
                    scope.spawn(move || learned_without(examples, sources))
                })
                .collect();
            models.extend(
                running
                    .into_iter()
                    .map(|thread| thread.join().expect("learns")),
            );
        }
        models
    });
    let mut judged: Vec<(f32, &Example)> = Vec::new();
    for (model, sources) in models.iter().zip(held) {
        let of_sources = examples
            .iter()
            .filter(|example| sources.contains(&&*example.source));
        let judge = model.judge();
        judged.extend(of_sources.map(|example| (judge(example), example)));
    }
    let threshold = threshold(&judged);
    println!("held out by source; threshold at logit {threshold:.2}");
    table(&judged, threshold);
    curve(&judged, threshold);
    if std::env::var_os("MISSES").is_some() {
        misses(&judged, threshold);
    }
    let mut model = learned_without(&examples, &[]);
    // The threshold is at a score of 0.5.
    model.bias -= threshold;
    let judge = model.judge();
    let everything: Vec<_> = examples
        .iter()
        .map(|example| (judge(example), example))
        .collect();
    println!("\nthe model of everything, on what it has seen");
    table(&everything, 0.0);
    std::fs::write(out, model.bytes()).expect("the model is written");
}

fn learned_without(examples: &[Example], sources: &[&str]) -> Model {
    let seen: Vec<&Example> = examples
        .iter()
        .filter(|example| !sources.contains(&&*example.source))
        .collect();
    Model::learned(&seen)
}

/// Where so few harmless texts are above, counted by kind so that none drowns.
fn threshold(judged: &[(f32, &Example)]) -> f32 {
    let mut harmless: Vec<f32> = judged
        .iter()
        .filter(|(_, example)| !example.is_attack)
        .map(|(logit, _)| *logit)
        .collect();
    harmless.sort_by(f32::total_cmp);
    let at = (harmless.len() as f32 * (1.0 - ALARMS)) as usize;
    harmless[at.min(harmless.len() - 1)]
}

fn table(judged: &[(f32, &Example)], threshold: f32) {
    let mut rows: BTreeMap<(bool, &str, &str), (usize, usize)> = BTreeMap::new();
    for (logit, example) in judged {
        let row = rows
            .entry((!example.is_attack, &example.source, &example.kind))
            .or_default();
        row.0 += 1;
        row.1 += usize::from(*logit > threshold);
    }
    for ((harmless, source, kind), (count, flagged)) in rows {
        let label = if harmless { "harmless" } else { "attack" };
        println!(
            "{label:9} {source:20} {kind:42} {flagged:6} of {count:6}  {:.3}",
            flagged as f32 / count as f32
        );
    }
}

/// Recall and false alarms by the score.
fn curve(judged: &[(f32, &Example)], threshold: f32) {
    for score in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99_f32] {
        let limit = threshold + (score / (1.0 - score)).ln();
        let share = |is_attack: bool| {
            let of: Vec<_> = judged
                .iter()
                .filter(|(_, example)| example.is_attack == is_attack)
                .collect();
            of.iter().filter(|(logit, _)| *logit > limit).count() as f32 / of.len() as f32
        };
        println!(
            "score {score:.2}  recall {:.3}  false alarms {:.4}",
            share(true),
            share(false)
        );
    }
}

fn misses(judged: &[(f32, &Example)], threshold: f32) {
    for (logit, example) in judged {
        if (*logit > threshold) != example.is_attack {
            let label = if example.is_attack { "MISS" } else { "ALARM" };
            let text: String = example.text.chars().take(400).collect();
            println!(
                "{label} {:.2} {} {} {text:?}",
                logit - threshold,
                example.source,
                example.kind
            );
        }
    }
}
