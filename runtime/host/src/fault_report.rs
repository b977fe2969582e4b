//! What a guest says of its own malfunction, and where wasmtime saw it: bounded, and nothing in it that a terminal obeys.

use rustc_demangle::demangle;
use wasmtime::{FrameSymbol, WasmBacktrace};

use crate::bindings::decision::Fault;

/// Bytes of a kind.
const KIND: usize = 128;
/// Frames kept.
pub(crate) const FRAMES: usize = 16;
/// Bytes of a frame.
const FRAME: usize = 256;
/// Bytes kept of what a guest says of its failure.
const DETAIL: usize = 8 << 10;

/// Folders that are not the author's: compilers, C libraries, registries, the SDKs.
const ELSEWHERE: [&str; 9] = [
    "/rustc/",
    "/rustlib/",
    "/registry/src/",
    "/sdk/rust/src/",
    "/sandgate-sdk/",
    "/sdk/c/",
    "/wasi-libc/",
    "/lib/libc/",
    "/zig/lib/",
];

/// A guest's own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultReport {
    pub(crate) kind: String,
    pub(crate) frames: Vec<String>,
    pub(crate) detail: String,
}

impl FaultReport {
    /// Of the contract's record.
    pub(crate) fn of(fault: Fault) -> Self {
        Self {
            kind: plain(&fault.kind, KIND),
            frames: fault
                .frames
                .iter()
                .take(FRAMES)
                .map(|frame| plain(frame, FRAME))
                .collect(),
            detail: cut(fault.detail),
        }
    }
}

/// No more of a guest's words than an operator would read, and a mark where there were more.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > DETAIL {
        text.truncate(text.floor_char_boundary(DETAIL));
        text.push_str("… (cut)");
    }
    text
}

/// The author's frames of a trap, innermost first: file, line and function where the component has lines; the names of
/// all functions where it has none of the author's.
pub(crate) fn frames(trace: &WasmBacktrace) -> Vec<String> {
    let symbols = || trace.frames().iter().flat_map(|frame| frame.symbols());
    let mut frames = Vec::new();
    for symbol in symbols() {
        keep(&mut frames, placed(symbol));
    }
    if frames.is_empty() {
        for frame in trace.frames() {
            keep(
                &mut frames,
                frame
                    .func_name()
                    .map(|name| format!("in {:#}", demangle(name))),
            );
        }
    }
    frames
}

/// One line for a function that calls itself.
fn keep(frames: &mut Vec<String>, frame: Option<String>) {
    let Some(frame) = frame.map(|frame| plain(&frame, FRAME)) else {
        return;
    };
    if frames.len() < FRAMES && frames.last() != Some(&frame) {
        frames.push(frame);
    }
}

fn placed(symbol: &FrameSymbol) -> Option<String> {
    let (file, line) = (symbol.file()?, symbol.line()?);
    // Compilers write paths with either stroke.
    let file = file.replace('\\', "/");
    if line == 0 || ELSEWHERE.iter().any(|folder| file.contains(folder)) {
        return None;
    }
    // What a macro of the SDK put into the author's file.
    if symbol.name().is_some_and(|name| name == "export_handle") {
        return None;
    }
    let place = format!("{}:{line}", within_project(&file));
    Some(match symbol.name() {
        Some(name) => format!("{place} in {:#}", demangle(name)),
        None => place,
    })
}

/// The path from the project's folder, where its sources lie in `src`: where it was built is nobody's business.
fn within_project(file: &str) -> &str {
    match file.rfind("/src/") {
        Some(at) => &file[at + 1..],
        None => file.rsplit('/').next().unwrap_or(file),
    }
}

/// On one line, with nothing that steers a terminal, at most so many bytes.
fn plain(text: &str, bytes: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(bytes));
    for c in text.chars() {
        let steers =
            c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers {
            continue;
        }
        if kept.len() + c.len_utf8() > bytes {
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_is_bounded_and_steers_no_terminal() {
        let words = FaultReport::of(Fault {
            kind: format!("\u{1b}[31m{}", "é".repeat(100)),
            frames: vec!["a.py:1\nin \u{202e}x".repeat(60); 20],
            detail: "d".repeat(DETAIL + 1),
        });
        assert_eq!(words.kind, format!("[31m{}", "é".repeat(62)));
        assert_eq!(words.frames.len(), FRAMES);
        assert!(words.frames[0].starts_with("a.py:1in xa.py") && words.frames[0].len() == FRAME);
        assert!(words.detail.len() < DETAIL + 20);
    }

    #[test]
    fn a_path_begins_where_the_project_does() {
        assert_eq!(
            within_project("/home/a/src/mine/src/rules/x.rs"),
            "src/rules/x.rs"
        );
        assert_eq!(within_project("/home/a/mine/x.c"), "x.c");
        assert_eq!(within_project("x.c"), "x.c");
    }
}
