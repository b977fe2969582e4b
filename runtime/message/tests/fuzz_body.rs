//! The fuzzer's bodies over their seeds: each as it is, then spoilt at random; every document with every choice of edits.

use std::path::Path;

#[path = "../fuzz/body.rs"]
mod body;

type Body = fn(&[u8]);
const BODIES: [(&str, Body); 4] = [
    ("json", body::try_json),
    ("message", body::try_message),
    ("splice", body::try_splice),
    ("uri", body::try_uri),
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let files = std::fs::read_dir(folder.join(target)).expect("a target has seeds");
    let mut paths: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    let seeds = paths
        .iter()
        .map(|path| std::fs::read(path).expect("readable"));
    seeds.collect()
}

/// Xorshift (Marsaglia 2003): the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below
    }
}

#[test]
fn whole_documents_keep_every_promise() {
    for (target, body) in BODIES {
        seeds(target).iter().for_each(|seed| body(seed));
    }
    for document in seeds("json") {
        for which in 0..8 {
            for how in 0..=255 {
                body::try_splice(&[&[which, how], &*document].concat());
            }
        }
    }
}

#[test]
fn spoilt_documents_keep_every_promise() {
    let mut numbers = Numbers(0x5a17_69a7_e000_0001);
    for (target, body) in BODIES {
        let seeds = seeds(target);
        for _ in 0..10_000 {
            let mut data = seeds[numbers.next(seeds.len())].clone();
            for _ in 0..=numbers.next(4) {
                let at = numbers.next(data.len().max(1));
                match numbers.next(3) {
                    0 => data[at] = numbers.next(256) as u8,
                    1 => data.insert(at, b"{}[],:\"\\0e "[numbers.next(11)]),
                    _ if data.len() > 3 => drop(data.remove(at)),
                    _ => {}
                }
            }
            body(&data);
        }
    }
}
