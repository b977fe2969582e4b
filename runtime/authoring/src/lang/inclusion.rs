//! What sources of C, C++ and Zig include: whether a file that they are made of lies elsewhere.

use std::path::PathBuf;

/// Whether a source in these folders includes, or may include, a file outside of them.
pub(super) fn leads_outside(mut left: Vec<PathBuf>) -> bool {
    if left.iter().any(|folder| folder.is_symlink()) {
        return true;
    }
    while let Some(here) = left.pop() {
        for entry in std::fs::read_dir(&here).into_iter().flatten().flatten() {
            let path = entry.path();
            // A linked folder's files include from where they lie.
            match path.is_dir() {
                true if path.is_symlink() => return true,
                true => left.push(path),
                false => {
                    let text = std::fs::read(&path).unwrap_or_default();
                    if text_leads_outside(&String::from_utf8_lossy(&text)) {
                        return true;
                    }
                }
            }
        }
    }
    false
}

/// Whether a text includes, or may include, a file outside. A line that ends with a backslash, or with the trigraph of one,
/// goes on in the next.
fn text_leads_outside(text: &str) -> bool {
    let mut joined = String::with_capacity(text.len());
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        let line = line.trim_end();
        match line.strip_suffix('\\').or(line.strip_suffix("??/")) {
            Some(begun) => joined.push_str(begun),
            None => {
                joined.push_str(line);
                joined.push('\n');
            }
        }
    }
    joined.lines().any(names_outside)
}

/// Whether a line includes by a path that goes up, by an absolute one, by a macro, or in a way that is not read here: by the
/// assembler, or with a comment before the path.
fn names_outside(line: &str) -> bool {
    let leads = |directive: &str| {
        let names = ["include", "import", "embed"];
        let given = names.iter().find_map(|name| directive.strip_prefix(name));
        directive.starts_with("/*") || given.is_some_and(path_leads_outside)
    };
    if directives(line).any(leads) {
        return true;
    }
    let calls = [
        "__has_include",
        "__has_embed",
        "@import",
        "@embedFile",
        "@cInclude",
    ];
    let called = |word: &str| {
        let mut given = line.split(word).skip(1);
        given.any(|given| path_leads_outside(given.trim_start_matches([' ', '\t', '('])))
    };
    let of_the_assembler = [".incbin", ".include"];
    calls.iter().any(|word| called(word)) || of_the_assembler.iter().any(|word| line.contains(word))
}

/// What follows a mark of a directive, in any of its spellings, where nothing or a comment stands before it.
fn directives(line: &str) -> impl Iterator<Item = &str> {
    let marks = ["#", "%:", "??="].into_iter();
    let found = marks.flat_map(|mark| line.match_indices(mark));
    found.filter_map(|(at, mark)| {
        let before = line[..at].trim();
        let may_be = before.is_empty() || before.ends_with("*/");
        may_be.then(|| line[at + mark.len()..].trim_start())
    })
}

/// Whether a text does not begin with a path that stays within the folder.
fn path_leads_outside(text: &str) -> bool {
    let path = text.trim_start().strip_prefix(['"', '<']);
    path.is_none_or(|path| path.starts_with(['/', '\\']) || path.contains(".."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::vendored_sdk;

    #[test]
    fn a_new_project_leads_nowhere_and_a_linked_folder_does() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &Path, content: &[u8]| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        let project = folder.path().join("p");
        let leads = || leads_outside(vec![project.join("src"), project.join("sdk")]);
        let template = include_str!("../templates/c/src/plugin.c");
        write(&project.join("src/plugin.c"), template.as_bytes());
        for (path, content) in vendored_sdk::C {
            write(&project.join("sdk").join(path), content);
        }
        assert!(!leads());
        let words = project.join("sdk").join("words.h");
        write(&words, b"#include \"/opt/words.h\"\n");
        assert!(leads(), "in the SDK's folder");
        std::fs::remove_file(words).unwrap();
        let shared = folder.path().join("shared");
        std::fs::create_dir(&shared).unwrap();
        let link = project.join("src/shared");
        std::os::unix::fs::symlink(&shared, &link).unwrap();
        assert!(leads(), "a linked folder");
        std::fs::remove_file(link).unwrap();
        assert!(!leads());
    }

    #[test]
    fn a_line_that_goes_on_is_one_line() {
        for text in [
            "#inc\\\nlude \"/opt/words.h\"",
            "#include \\\r\n\"../words.h\"",
            "#include ??/\n\"../words.h\"",
            "#inc\\ \nlude \"/opt/words.h\"",
            "int a;\r#include \"/opt/words.h\"",
        ] {
            assert!(text_leads_outside(text), "{text}");
        }
        assert!(!text_leads_outside("#define TWO 1 + \\\n1\n"));
    }

    #[test]
    fn an_include_from_outside_is_told_from_one_of_the_folder() {
        for line in [
            "#include \"../../common/words.h\"",
            "  #  include \"/opt/words.h\"",
            "#include WORDS",
            "const words = @embedFile(\"../words.txt\");",
            "const words = @embedFile( \"/opt/words.txt\");",
            "const words = @embedFile(name);",
            "const c = @cImport(@cInclude(\"/opt/words.h\"));",
            "asm(\".incbin \\\"/opt/words.bin\\\"\");",
            "%:include \"/opt/words.h\"",
            "??=include \"/opt/words.h\"",
            "#import \"/opt/words.h\"",
            "#include_next <string.h>",
            "# /* */ include \"/opt/words.h\"",
            "/* */ #include \"/opt/words.h\"",
            "/* # */ #include \"/opt/words.h\"",
            "#include /* */ \"/opt/words.h\"",
            "#if __has_include(\"/opt/words.h\")",
        ] {
            assert!(names_outside(line), "{line}");
        }
        for line in [
            "#include \"sandgate.h\"",
            "#include <string.h>",
            "#include <string.h> /* strlen */",
            "#endif /* WORDS_H */",
            "#if __has_include(<string.h>)",
            "if (strstr(path, \"../\")) return;",
            "const std = @import(\"std\");",
        ] {
            assert!(!names_outside(line), "{line}");
        }
    }
}
