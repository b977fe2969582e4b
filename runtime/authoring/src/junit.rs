//! Writes the results of fixtures in JUnit's XML, as CI systems read it.

use std::fmt::Write as _;

use super::test::FixtureResult;

/// A report with one suite.
pub(super) fn report(suite: &str, results: &[FixtureResult]) -> String {
    let failed = results.iter().filter(|tried| tried.wrong.is_some()).count();
    let seconds: f64 = results.iter().map(|tried| tried.took.as_secs_f64()).sum();
    let suite = escaped(suite);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "  <testsuite name=\"{suite}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{seconds:.6}\">",
        results.len()
    );
    for tried in results {
        let _ = write!(
            out,
            "    <testcase classname=\"{suite}\" name=\"{}\" time=\"{:.6}\"",
            escaped(&tried.name),
            tried.took.as_secs_f64()
        );
        match &tried.wrong {
            None => out.push_str("/>\n"),
            Some(wrong) => {
                let plain = anstream::adapter::strip_str(wrong).to_string();
                let _ = writeln!(
                    out,
                    "><failure message=\"not as expected\">{}</failure></testcase>",
                    escaped(&plain)
                );
            }
        }
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Escapes a text. Characters that XML 1.0 does not allow are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_is_told_without_colours_and_nothing_breaks_the_xml() {
        let tried = |name: &str, wrong: Option<&str>| FixtureResult {
            name: name.into(),
            took: Duration::from_millis(1),
            wrong: wrong.map(Into::into),
        };
        let text = report(
            "a&b",
            &[
                tried("x", None),
                tried("<y>", Some("\u{1b}[31m- 1 < 2\u{1b}[0m\u{7}")),
            ],
        );
        assert!(
            text.contains("name=\"a&amp;b\" tests=\"2\" failures=\"1\""),
            "{text}"
        );
        assert!(text.contains("name=\"&lt;y&gt;\""), "{text}");
        assert!(text.contains(">- 1 &lt; 2</failure>"), "{text}");
    }
}
