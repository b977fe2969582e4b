//! The wire parsers, exposed to the fuzzer. Each function takes any bytes and panics if a property does not hold. The
//! fuzz targets (`fuzz/`) and the tests below run the same functions.

mod cursor;
mod fields;
mod head;
mod lines;
mod reading;
mod sse;

pub use cursor::cursor;
pub use fields::{fields, header_text, let_in};
pub use head::head;
pub use lines::lines;
pub use reading::reading;
pub use sse::{relay, sse};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    type Body = fn(&[u8]);
    const BODIES: [(&str, Body); 5] = [
        ("cursor", super::cursor),
        ("fields", super::fields),
        ("head", super::head),
        ("lines", super::lines),
        ("sse", super::sse),
    ];

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let files = std::fs::read_dir(folder.join(target)).unwrap();
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{target} has no seeds");
        paths
            .iter()
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    #[test]
    fn seeds_break_no_promise() {
        for (target, body) in BODIES {
            seeds(target).iter().for_each(|seed| body(seed));
        }
    }

    #[test]
    fn spoilt_seeds_break_no_promise() {
        // Xorshift (Marsaglia 2003): the same numbers in every run.
        let mut state = 0x5a17_69a7_e000_0001_u64;
        let mut number = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as usize % below
        };
        for (target, body) in BODIES {
            let seeds = seeds(target);
            for _ in 0..2_000 {
                let mut data = seeds[number(seeds.len())].clone();
                for _ in 0..=number(4) {
                    let at = number(data.len().max(1));
                    match number(3) {
                        0 if at < data.len() => data[at] = number(256) as u8,
                        1 if at < data.len() => drop(data.remove(at)),
                        _ => data.insert(at, b"\n\r: ,;=\"\\?\0\x85"[number(12)]),
                    }
                }
                body(&data);
            }
        }
    }
}
