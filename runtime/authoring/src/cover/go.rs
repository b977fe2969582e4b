//! Reads Go's cover profiles.

use std::path::Path;

use super::lines::{Files, LAST_LINE, own};

/// The most lines of all blocks together.
const MOST_LINES: u32 = 2 * LAST_LINE;

/// The lines of a module's files in a profile. A line of a block such as `mine/plugin.go:12.34,15.2 3 1` names the file by
/// its package, then the first and the last line with their columns, the number of statements, and how often it ran.
pub(crate) fn read(profile: &str, module: &str) -> Files {
    let mut files = Files::new();
    let mut left = MOST_LINES;
    for block in profile.lines() {
        let Some((file, rest)) = block.rsplit_once(':') else {
            continue;
        };
        let within = file
            .strip_prefix(module)
            .and_then(|path| path.strip_prefix('/'));
        let Some(name) = within.and_then(|path| own(Path::new(""), Path::new(path))) else {
            continue;
        };
        let mut fields = rest.split([',', ' ']);
        let mut line = || fields.next()?.split('.').next()?.parse::<u32>().ok();
        let (Some(first), Some(last), Some(statements), Some(times)) =
            (line(), line(), line(), line())
        else {
            continue;
        };
        let last = last.min(LAST_LINE);
        if statements > 0 && first <= last {
            let Some(less) = left.checked_sub(last - first + 1) else {
                break;
            };
            left = less;
            let lines = files.entry(name).or_default();
            for line in first..=last {
                lines.note(line, times > 0);
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_end_end() {
        let block = format!("mine/a.go:0.1,{}.1 1 1\n", u32::MAX);
        let files = read(&block.repeat(50), "mine");
        assert_eq!(files["a.go"].count(), LAST_LINE as usize + 1);
        assert!(read("mine/a.go:9.1,3.1 1 1\n", "mine").is_empty());
    }

    #[test]
    fn the_blocks_of_the_modules_own_files_are_lines() {
        let profile = "mode: set\nmine/plugin.go:3.16,5.2 2 1\nmine/plugin.go:6.10,8.3 1 0\nmine/inner/a.go:1.1,1.9 1 1\nsandgate/sandgate.go:1.1,9.9 1 0\n";
        let files = read(profile, "mine");
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            ["inner/a.go", "plugin.go"]
        );
        assert_eq!(files["plugin.go"].missed(), [(6, 8)]);
        assert_eq!(files["plugin.go"].count(), 6);
    }
}
