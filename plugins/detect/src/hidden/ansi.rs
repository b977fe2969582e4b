//! Escapes of a terminal.

/// The longest escape that is read as one.
const LONGEST: usize = 256;

/// The end of the escape that begins at `at`, and whether it hides text: conceals or erases it, or moves to where text
/// stands already.
pub(super) fn escape(bytes: &[u8], at: usize) -> (usize, bool) {
    let byte = |index: usize| bytes.get(index).copied();
    let (kind, start) = match (byte(at), byte(at + 1)) {
        // CSI as one character of two bytes.
        (Some(0xC2), _) => (b'[', at + 2),
        (_, Some(kind @ (b'[' | b']'))) => (kind, at + 2),
        // Other escapes have one more byte, if it is an ASCII character.
        (_, Some(0x20..=0x7E)) => return (at + 2, false),
        _ => return (at + 1, false),
    };
    let rest = bytes.get(start..).unwrap_or_default();
    if kind == b']' {
        // A command to the terminal, ended by BEL or ESC \.
        for (index, byte) in rest.iter().take(LONGEST).enumerate() {
            match byte {
                0x07 => return (start + index + 1, false),
                0x1B => {
                    let ends = usize::from(rest.get(index + 1) == Some(&b'\\'));
                    // Another escape begins where the command is not closed.
                    return (start + index + 2 * ends, false);
                }
                0x20..=0x7E => {}
                _ => break,
            }
        }
        return (start, false);
    }
    let parameters = rest
        .iter()
        .take(LONGEST)
        .take_while(|byte| matches!(byte, 0x20..=0x3F))
        .count();
    match rest.get(parameters) {
        Some(last @ 0x40..=0x7E) => (start + parameters + 1, hides(&rest[..parameters], *last)),
        _ => (start, false),
    }
}

fn hides(parameters: &[u8], last: u8) -> bool {
    match last {
        b'm' => parameters
            .split(|byte| *byte == b';')
            .any(|number| number == b"8"),
        // Up, to a column, to a place, erase a screen or a line. Programs erase a line (`K`) to show progress.
        b'A' | b'F' | b'H' | b'J' | b'f' => true,
        _ => false,
    }
}
