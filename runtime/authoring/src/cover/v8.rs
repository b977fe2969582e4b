//! Reads what Node writes where `NODE_V8_COVERAGE` is set: the stretches of each script that did not run, and the maps from
//! bundles to their sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lines::{Files, own, report};

#[derive(Deserialize)]
struct Report {
    result: Vec<Script>,
    #[serde(rename = "source-map-cache", default)]
    maps: BTreeMap<String, Mapped>,
}

#[derive(Deserialize)]
struct Script {
    url: String,
    functions: Vec<Function>,
}

#[derive(Deserialize)]
struct Function {
    ranges: Vec<Range>,
}

/// A stretch of a script, in UTF-16 units. One within another comes after it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    start_offset: u64,
    end_offset: u64,
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapped {
    line_lengths: Vec<u64>,
    data: Option<SourceMap>,
}

#[derive(Deserialize)]
struct SourceMap {
    sources: Vec<Option<String>>,
    mappings: String,
}

/// The lines of the author's sources in the reports of a folder. Only bundles count: tests, which are run as they are, do
/// not.
///
/// # Errors
///
/// A report cannot be read.
pub(crate) fn read(reports: &Path, folder: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    let entries = std::fs::read_dir(reports).map_err(|error| error.to_string())?;
    for entry in entries.flatten() {
        let text = report(&entry.path()).map_err(|error| error.to_string())?;
        let read = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        add(&read, folder, &mut files);
    }
    Ok(files)
}

fn add(report: &Report, folder: &Path, files: &mut Files) {
    for script in &report.result {
        let Some(Mapped {
            line_lengths,
            data: Some(map),
        }) = report.maps.get(&script.url)
        else {
            continue;
        };
        let names: Vec<_> = map
            .sources
            .iter()
            .map(|url| own(folder, &path(url.as_deref()?)))
            .collect();
        let mut start = 0_u64;
        let lines = line_lengths.iter().map(|length| {
            let here = start;
            start = start.saturating_add(*length).saturating_add(1);
            here
        });
        for (line, segments) in lines.zip(decoded(&map.mappings)) {
            for (column, source, number) in segments {
                if let Some(Some(name)) = names.get(source) {
                    let ran = script.ran(line.saturating_add(column));
                    let number = number.saturating_add(1);
                    files.entry(name.clone()).or_default().note(number, ran);
                }
            }
        }
    }
}

impl Script {
    /// Whether what stands there ran: the smallest stretch around it says.
    fn ran(&self, at: u64) -> bool {
        let ranges = self.functions.iter().flat_map(|function| &function.ranges);
        let around = ranges.filter(|range| (range.start_offset..range.end_offset).contains(&at));
        around
            .min_by_key(|range| range.end_offset.saturating_sub(range.start_offset))
            .is_some_and(|range| range.count > 0)
    }
}

fn path(url: &str) -> PathBuf {
    PathBuf::from(
        url.strip_prefix("file://")
            .unwrap_or(url)
            .replace("%20", " "),
    )
}

/// The segments of each line of a bundle: its column, the index of the source, and the source's line, from 0.
fn decoded(mappings: &str) -> Vec<Vec<(u64, usize, u32)>> {
    let (mut source, mut line) = (0_i64, 0_i64);
    let lines = mappings.split(';').map(|segments| {
        let mut column = 0_i64;
        let mut all = Vec::new();
        for segment in segments.split(',') {
            let mut fields = numbers(segment);
            let Some(by) = fields.next() else { continue };
            column = column.saturating_add(by);
            let (Some(sources), Some(lines)) = (fields.next(), fields.next()) else {
                continue;
            };
            source = source.saturating_add(sources);
            line = line.saturating_add(lines);
            if let (Ok(column), Ok(source), Ok(line)) =
                (column.try_into(), source.try_into(), line.try_into())
            {
                all.push((column, source, line));
            }
        }
        all
    });
    lines.collect()
}

/// The numbers of a segment, in base 64 with the sign as the lowest bit and the highest of six bits as "more follows".
fn numbers(segment: &str) -> impl Iterator<Item = i64> {
    let mut digits = segment.bytes();
    std::iter::from_fn(move || {
        let (mut value, mut shift) = (0_i64, 0_u32);
        loop {
            let digit = match digits.next()? {
                letter @ b'A'..=b'Z' => letter - b'A',
                letter @ b'a'..=b'z' => letter - b'a' + 26,
                digit @ b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            value |= i64::from(digit & 31).checked_shl(shift)?;
            shift += 5;
            if digit & 32 == 0 {
                return Some(if value & 1 == 1 {
                    -(value >> 1)
                } else {
                    value >> 1
                });
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_that_are_too_large_are_no_panic() {
        // A column, a source and a line of 2⁶² - 1 each; three of them are more than an `i64` holds.
        let large = "+///////////H".repeat(3) + "A";
        // Before them, the last line that a `u32` can number.
        let mappings = format!("AAAA;CAAA,AA+/////HA;{large},{large},{large}");
        let report = serde_json::json!({
            "result": [{ "url": "a", "functions": [
                { "ranges": [{ "startOffset": 9, "endOffset": 3, "count": 1 }] },
                { "ranges": [{ "startOffset": 0, "endOffset": u64::MAX, "count": 1 }] },
            ] }],
            "source-map-cache": { "a": {
                "lineLengths": [u64::MAX, u64::MAX, u64::MAX],
                "data": { "sources": ["/p/a.ts"], "mappings": mappings },
            } },
        });
        let mut files = Files::new();
        let report = serde_json::from_value(report).unwrap();
        add(&report, Path::new("/p"), &mut files);
        assert_eq!(files["a.ts"].count(), 1, "{files:?}");
    }

    #[test]
    fn a_stretch_of_a_bundle_that_did_not_run_is_lines_of_its_source() {
        // As node 20 writes it of `(n) => { const a = 1; if (n > 2) { return 3; } return a }`, bundled by esbuild.
        let report = serde_json::json!({
            "result": [{ "url": "file:///p/target/plugin.js", "functions": [
                { "ranges": [{ "startOffset": 0, "endOffset": 558, "count": 1 }] },
                { "ranges": [
                    { "startOffset": 24, "endOffset": 94, "count": 1 },
                    { "startOffset": 61, "endOffset": 80, "count": 0 },
                ] },
            ] }],
            "source-map-cache": { "file:///p/target/plugin.js": {
                "lineLengths": [7, 24, 14, 14, 13, 3, 11, 2, 8, 22, 2, 426, 0],
                "data": {
                    "sources": ["file:///p/plugin.ts"],
                    "mappings": ";AAAA,IAAO,YAAQ,CAAC,MAAI;AAAE,QAAM,IAAI;AAC/B,MAAI,IAAE,GAAG;AACR,WAAO;AAAA,EACR;AACA,SAAO;AAAE;",
                },
            } },
        });
        let mut files = Files::new();
        add(
            &serde_json::from_value(report).unwrap(),
            Path::new("/p"),
            &mut files,
        );
        assert_eq!(files["plugin.ts"].missed(), [(3, 4)], "{files:?}");
        assert_eq!(files["plugin.ts"].covered(), 3);
    }
}
