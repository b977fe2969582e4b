//! Fault reports: what a guest says of its own malfunction, and the frames of a trap. Their size is bounded. Kind
//! and frames hold no control characters, so that a terminal can show them.

use rustc_demangle::demangle;
use wasmtime::{FrameSymbol, WasmBacktrace};

use crate::bindings::decision::Fault;

/// Bytes of the kind of a fault.
const MAX_KIND: usize = 128;
/// Frames of one fault; further ones are dropped.
pub(crate) const MAX_FRAMES: usize = 16;
/// Bytes of one frame.
const MAX_FRAME: usize = 256;
/// Bytes of the detail of a fault.
const MAX_DETAIL: usize = 8 << 10;

/// Parts of paths whose sources are not the author's: compilers, C libraries, package registries, the SDKs.
const FOREIGN_FOLDERS: [&str; 9] = [
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

/// What a guest says of its own malfunction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FaultReport {
    pub(crate) kind: String,
    pub(crate) frames: Vec<String>,
    pub(crate) detail: String,
}

impl FaultReport {
    /// Takes a `fault` record of `wit/`: bounds its size, and removes control characters from kind and frames.
    pub(crate) fn of(fault: Fault) -> Self {
        Self {
            kind: printable(&fault.kind, MAX_KIND),
            frames: fault
                .frames
                .iter()
                .take(MAX_FRAMES)
                .map(|frame| printable(frame, MAX_FRAME))
                .collect(),
            detail: cut_detail(fault.detail),
        }
    }
}

/// Cuts a detail off after [`MAX_DETAIL`] bytes, and marks the cut.
pub(crate) fn cut_detail(mut text: String) -> String {
    if text.len() > MAX_DETAIL {
        text.truncate(text.floor_char_boundary(MAX_DETAIL));
        text.push_str("… (cut)");
    }
    text
}

/// The frames of a trap, innermost first. Where the component has debug information: file, line and function of the
/// author's frames. Where no frame of the author is known: the names of all functions.
pub(crate) fn trap_frames(trace: &WasmBacktrace) -> Vec<String> {
    let symbols = || trace.frames().iter().flat_map(|frame| frame.symbols());
    let mut frames = Vec::new();
    for symbol in symbols() {
        push_frame(&mut frames, author_frame(symbol));
    }
    if frames.is_empty() {
        for frame in trace.frames() {
            push_frame(
                &mut frames,
                frame
                    .func_name()
                    .map(|name| format!("in {:#}", demangle(name))),
            );
        }
    }
    frames
}

/// Appends a frame, unless it repeats the last one, as in a recursion, or there are [`MAX_FRAMES`] already.
fn push_frame(frames: &mut Vec<String>, frame: Option<String>) {
    let Some(frame) = frame.map(|frame| printable(&frame, MAX_FRAME)) else {
        return;
    };
    if frames.len() < MAX_FRAMES && frames.last() != Some(&frame) {
        frames.push(frame);
    }
}

/// File, line and function of a symbol. `None`: the position is unknown, or is not in the author's sources.
fn author_frame(symbol: &FrameSymbol) -> Option<String> {
    let (file, line) = (symbol.file()?, symbol.line()?);
    // Compilers on Windows write backslashes.
    let file = file.replace('\\', "/");
    if line == 0 || FOREIGN_FOLDERS.iter().any(|folder| file.contains(folder)) {
        return None;
    }
    // A macro of the SDK generates this function in the author's file.
    if symbol.name().is_some_and(|name| name == "export_handle") {
        return None;
    }
    let place = format!("{}:{line}", within_project(&file));
    Some(match symbol.name() {
        Some(name) => format!("{place} in {:#}", demangle(name)),
        None => place,
    })
}

/// The path from the folder above `src`, or the file's name where there is no `src`. The rest of the path would show
/// where the plugin was built.
fn within_project(file: &str) -> &str {
    match file.rfind("/src/") {
        Some(at) => &file[at + 1..],
        None => file.rsplit('/').next().unwrap_or(file),
    }
}

/// Removes control characters, line breaks and marks of text direction, and cuts the text off after `bytes` bytes.
fn printable(text: &str, bytes: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(bytes));
    for c in text.chars() {
        let is_control =
            c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_control {
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
            detail: "d".repeat(MAX_DETAIL + 1),
        });
        assert_eq!(words.kind, format!("[31m{}", "é".repeat(62)));
        assert_eq!(words.frames.len(), MAX_FRAMES);
        assert!(
            words.frames[0].starts_with("a.py:1in xa.py") && words.frames[0].len() == MAX_FRAME
        );
        assert!(words.detail.len() < MAX_DETAIL + 20);
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
