//! Requirements with hashes, as pip reads them.

use sandgate_config::Package;

use super::contents::Contents;
use super::error::KeptError;

/// The line at which requirements begin. It is the only comment in them: pip obeys some (`# coding: …`).
pub(crate) const HEADER: &str = "# Resolved by pip for `sandgate lock`. Not to be edited.";

/// What pip is given of requirements that were checked: what was read of them and nothing else, so that pip cannot read
/// them in another way.
///
/// # Errors
///
/// As for [`check`].
pub(crate) fn requirements(package: &Package, text: &str) -> Result<String, KeptError> {
    let contents = pypi(package, text)?;
    let line = |(name, (version, hashes)): (&String, &(String, String))| {
        format!("{name}=={version} {hashes}\n")
    };
    Ok(contents.iter().map(line).collect())
}

pub(crate) fn pypi(package: &Package, text: &str) -> Result<Contents, KeptError> {
    let mut contents = Contents::new();
    // Pip ends lines at more than `\n`: at a form feed, for example, and at U+2028.
    let lines = text.split('\n').enumerate();
    let plain = |line: &str| line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let wrong = |index: usize, line: &str| KeptError::Requirement {
        line: index + 1,
        text: line.chars().take(80).collect(),
    };
    if let Some((index, line)) = lines.clone().find(|(_, line)| !plain(line)) {
        return Err(wrong(index, line));
    }
    let mut lines = lines.peekable();
    while let Some((index, line)) = lines.next() {
        if line.is_empty() || (index == 0 && line == HEADER) {
            continue;
        }
        let wrong = || wrong(index, line);
        let requirement = line.strip_suffix(" \\").ok_or_else(wrong)?;
        let (name, version) = requirement.split_once("==").ok_or_else(wrong)?;
        let plain = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        if !plain(name, "-_.") || !plain(version, ".+!-_") || name.starts_with('-') {
            return Err(wrong());
        }
        let mut hashes = Vec::new();
        while let Some((_, next)) = lines.next_if(|(_, next)| next.starts_with("    --hash=")) {
            let hash = next.trim_end_matches(" \\").trim_start();
            let digits = hash.strip_prefix("--hash=sha256:").unwrap_or_default();
            if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(KeptError::NoHash { name: name.into() });
            }
            hashes.push(hash.to_owned());
        }
        if hashes.is_empty() {
            return Err(KeptError::NoHash { name: name.into() });
        }
        let one = (version.into(), hashes.join(" "));
        if contents.insert(plain_name(name), one).is_some() {
            return Err(wrong());
        }
    }
    match contents.get(&plain_name(&package.name)) {
        Some((version, _)) if *version == package.version => Ok(contents),
        _ => Err(KeptError::OtherPackage(package.to_string())),
    }
}

/// A name of PyPI as indexes compare them: small letters, and `-` for each run of `-`, `_` and `.`.
pub(crate) fn plain_name(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::kept::check;
    use sandgate_config::Scalar;

    use super::*;
    use crate::kept::tests::why;

    #[test]
    fn of_pip_every_requirement_is_exact_and_hashed_and_nothing_else_is_there() {
        let hash = format!("    --hash=sha256:{}\n", "0a".repeat(32));
        let good = format!(
            "{HEADER}\nA.b_c==1.0 \\\n{hash}d==2 \\\n{}{hash}",
            hash.replace('\n', " \\\n")
        );
        let package = Package::read("pypi:a-b-c==1.0").unwrap();
        assert_eq!(check(&package, &good).unwrap().len(), 2);
        let hash = hash.trim();
        assert_eq!(
            requirements(&package, &good).unwrap(),
            format!("a-b-c==1.0 {hash}\nd==2 {hash} {hash}\n")
        );
        for (bad, words) in [
            (
                "--index-url https://h.example".to_owned(),
                "line 4 is no requirement",
            ),
            (
                "x @ https://h.example/x.whl \\".into(),
                "line 4 is no requirement",
            ),
            ("x>=1 \\".into(), "line 4 is no requirement"),
            ("-e==1 \\".into(), "line 4 is no requirement"),
            ("# coding: utf-7".into(), "line 4 is no requirement"),
            (HEADER.into(), "line 4 is no requirement"),
            ("x==1 \\\n    --hash=md5:00".into(), "x has no hash"),
            ("x==1 \\".into(), "x has no hash"),
            (
                format!("d==3 \\\n    {hash}\nd==2 \\\n    {hash}"),
                "line 6 is no requirement",
            ),
        ] {
            let text = good.replacen("d==2 \\", &format!("{bad}\nd==2 \\"), 1);
            let said = why("pypi:a-b-c==1.0", &text);
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert!(why("pypi:a-b-c==1.1", &good).contains("does not lock"));
    }

    #[test]
    fn of_pip_no_line_ends_where_another_reader_ends_it() {
        let hash = format!("    --hash=sha256:{}\n", "0a".repeat(32));
        let good = format!("{HEADER}\na==1.0 \\\n{hash}");
        let package = Package::read("pypi:a==1.0").unwrap();
        assert!(check(&package, &good).is_ok());
        for end in [
            '\r', '\t', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
            '\u{2029}', '\0', '\u{7f}', '\u{fffd}',
        ] {
            let text = good.replacen(
                "edited.",
                &format!("edited.{end}--index-url https://h.example"),
                1,
            );
            let said = why("pypi:a==1.0", &text);
            assert!(said.contains("line 1 is no requirement"), "{end:?}: {said}");
        }
        for first in ["# coding: utf-7", "# by pip", "#"] {
            let said = why("pypi:a==1.0", &good.replacen(HEADER, first, 1));
            assert!(said.contains("line 1 is no requirement"), "{first}: {said}");
        }
    }
}
