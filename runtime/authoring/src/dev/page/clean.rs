//! Text of compilers, plugins and calls, as lines that a terminal only shows: they keep their colours, and can neither move
//! the cursor nor set the title.

use sandgate_text::printable;

/// Ends all colours.
pub(super) const PLAIN: &str = "\x1b[0m";

/// The lines of a text. Of escape sequences those for colours stay; all other control characters are replaced. Each line
/// ends its own colours.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(line).collect()
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut coloured = false;
    while let Some(at) = rest.find('\x1b') {
        let (before, sequence) = rest.split_at(at);
        out += &printable(&before.replace('\t', "    "));
        match colour(sequence) {
            Some(length) => {
                out += &sequence[..length];
                rest = &sequence[length..];
                coloured = true;
            }
            None => {
                out.push('\u{fffd}');
                rest = &sequence[1..];
            }
        }
    }
    out += &printable(&rest.replace('\t', "    "));
    if coloured {
        out += PLAIN;
    }
    out
}

/// The length of the sequence for colours with which the text begins: `ESC [`, digits and `;`, `m`.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_nothing_else_reaches_the_terminal() {
        assert_eq!(
            lines("\x1b[31m- no\x1b[0m\n\tplain"),
            ["\x1b[31m- no\x1b[0m\x1b[0m", "    plain"]
        );
        for wild in [
            "\x1b]0;title\x07",
            "\x1b[2J\x1b[1;1H",
            "\x1b[?1049l",
            "\x1bc",
            "\u{9b}2J",
            "a\rb\x08",
            "\x1b[",
            "\x1b[31",
            "\x1bP1$r\x1b\\",
            "\u{202e}txet",
        ] {
            let shown = lines(wild).concat();
            assert!(
                !shown.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{wild:?}: {shown:?}"
            );
        }
    }
}
