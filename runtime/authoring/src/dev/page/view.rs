//! What stands on the page, and the rows that show it.

use anstyle::{AnsiColor, Style};

const OK: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// The most calls that are shown.
pub(in super::super) const CALLS: usize = 8;

/// What stands on the page. Texts of others are clean, as [`super::clean`] makes them.
#[derive(Default)]
pub(super) struct View {
    pub(super) title: String,
    /// What is going on, if something is.
    pub(super) doing: Option<String>,
    /// What came of the last version.
    pub(super) state: String,
    pub(super) fixtures: Vec<FixtureRow>,
    /// What is to be read about the last version.
    pub(super) said: Vec<String>,
    /// What to do next, as long as no call has come.
    pub(super) hint: Vec<String>,
    /// The last calls, the last first. `None`: no gateway has the plugin.
    pub(super) calls: Option<Vec<CallRow>>,
    /// The chosen call.
    pub(super) chosen: usize,
    /// What came of a key.
    pub(super) notice: Option<String>,
    pub(super) story: Option<Story>,
}

/// A fixture.
pub(super) struct FixtureRow {
    pub(super) name: String,
    pub(super) decision: String,
    pub(super) us: u128,
    /// What is not as expected. Empty if everything is.
    pub(super) wrong: Vec<String>,
}

/// A call, and what this plugin did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallRow {
    pub(super) id: String,
    pub(super) time: String,
    pub(super) what: String,
    /// The decisions of this plugin, and microseconds. Empty if it was not asked.
    pub(super) runs: String,
}

/// The story of a call, over everything else.
pub(super) struct Story {
    pub(super) lines: Vec<String>,
    /// The first line that is shown.
    pub(super) from: usize,
}

impl View {
    /// Chooses another call, or moves the story. Up is negative.
    pub(super) fn step(&mut self, by: isize) {
        let (at, last) = match &mut self.story {
            Some(story) => {
                let last = story.lines.len().saturating_sub(1);
                (&mut story.from, last)
            }
            None => {
                let count = self.calls.as_ref().map_or(0, Vec::len);
                (&mut self.chosen, count.saturating_sub(1))
            }
        };
        *at = at.saturating_add_signed(by).min(last);
    }

    /// The rows of a page this high. None is longer than a line of text; the terminal cuts it.
    pub(super) fn rows(&self, height: usize) -> Vec<String> {
        let keys = match self.story {
            Some(_) => "↑ ↓ move   esc back   q quit",
            None => "r rerun   b bless   ↑ ↓ choose a call   o open it   q quit",
        };
        let notice = self.notice.as_ref().map(|notice| format!("   {notice}"));
        let foot = format!("{QUIET}{keys}{QUIET:#}{}", notice.unwrap_or_default());
        let room = height.saturating_sub(2);
        let mut rows = match &self.story {
            Some(story) => story.lines.iter().skip(story.from).cloned().collect(),
            None => self.body(room),
        };
        rows.truncate(room);
        rows.resize(room, String::new());
        rows.push(String::new());
        rows.push(foot);
        rows
    }

    fn body(&self, room: usize) -> Vec<String> {
        let mut rows = vec![format!("{STRONG}{}{STRONG:#}", self.title)];
        rows.push(self.state.clone());
        let doing = self.doing.as_ref();
        let doing = doing.map(|what| format!("{QUIET}{what} …{QUIET:#}"));
        rows.push(doing.unwrap_or_default());
        let calls = self.call_rows();
        // What is not shown for lack of room is said.
        let room = room.saturating_sub(rows.len() + calls.len());
        let mut middle = self.fixture_rows(room - self.said.len().min(room / 2));
        let left = room.saturating_sub(middle.len());
        middle.extend(cut(self.said.clone(), left));
        rows.extend(middle);
        rows.extend(calls);
        rows
    }

    fn fixture_rows(&self, room: usize) -> Vec<String> {
        if self.fixtures.is_empty() {
            return Vec::new();
        }
        let width = self
            .fixtures
            .iter()
            .map(|fixture| fixture.name.chars().count());
        let width = width.max().unwrap_or_default();
        let failed = self
            .fixtures
            .iter()
            .filter(|fixture| !fixture.wrong.is_empty());
        let passed = self
            .fixtures
            .iter()
            .filter(|fixture| fixture.wrong.is_empty());
        let mut rows = vec![format!("{QUIET}fixtures{QUIET:#}")];
        // Those that fail come first: of them there is something to read.
        for fixture in failed.chain(passed) {
            let FixtureRow {
                name,
                decision,
                us,
                wrong,
            } = fixture;
            let word = match wrong.is_empty() {
                true => format!("{OK}ok  {OK:#}"),
                false => format!("{BAD}FAIL{BAD:#}"),
            };
            rows.push(format!(
                "  {word}  {name:<width$}  {decision}  {QUIET}{us} µs{QUIET:#}"
            ));
            rows.extend(wrong.iter().map(|line| format!("        {line}")));
        }
        let mut rows = cut(rows, room.saturating_sub(1));
        rows.push(String::new());
        rows
    }

    fn call_rows(&self) -> Vec<String> {
        let Some(calls) = &self.calls else {
            return Vec::new();
        };
        let mut rows = vec![String::new(), format!("{QUIET}last calls{QUIET:#}")];
        if calls.is_empty() {
            rows.push(format!("  {QUIET}none yet{QUIET:#}"));
            rows.extend(self.hint.iter().map(|line| format!("  {line}")));
        }
        let width = calls
            .iter()
            .map(|call| call.what.chars().count())
            .max()
            .unwrap_or_default();
        for (index, call) in calls.iter().take(CALLS).enumerate() {
            let mark = if index == self.chosen { "▸" } else { " " };
            let CallRow {
                time, what, runs, ..
            } = call;
            let runs = match runs.is_empty() {
                true => format!("{QUIET}not asked{QUIET:#}"),
                false => runs.clone(),
            };
            rows.push(format!("{mark} {time}  {what:<width$}  {runs}"));
        }
        rows
    }
}

/// The first of these rows, and how many more there are.
fn cut(mut rows: Vec<String>, room: usize) -> Vec<String> {
    if rows.len() > room {
        let kept = room.saturating_sub(1);
        let more = rows.len() - kept;
        rows.truncate(kept);
        if room > 0 {
            rows.push(format!("  {QUIET}… {more} more lines{QUIET:#}"));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(view: &View, height: usize) -> Vec<String> {
        let rows = view.rows(height);
        let strip = |row: &String| anstream::adapter::strip_str(row).to_string();
        rows.iter()
            .map(|row| strip(row).trim_end().to_owned())
            .collect()
    }

    fn view() -> View {
        let fixture = |name: &str, wrong: &[&str]| FixtureRow {
            name: name.into(),
            decision: "proceed".into(),
            us: 12,
            wrong: wrong.iter().map(ToString::to_string).collect(),
        };
        let call = |id: &str, runs: &str| CallRow {
            id: id.into(),
            time: "12:00:01".into(),
            what: format!("tools/call {id}"),
            runs: runs.into(),
        };
        View {
            title: "mine".into(),
            state: "version 2".into(),
            fixtures: vec![fixture("a", &[]), fixture("long", &["- was", "+ is"])],
            said: vec!["warning: unused".into()],
            calls: Some(vec![call("one", "refuse a.b 88 µs"), call("three", "")]),
            chosen: 1,
            ..View::default()
        }
    }

    #[test]
    fn what_fails_stands_first_and_the_page_is_as_high_as_the_terminal() {
        let rows = plain(&view(), 20);
        assert_eq!(rows.len(), 20);
        let wanted = [
            "mine",
            "version 2",
            "",
            "fixtures",
            "  FAIL  long  proceed  12 µs",
            "        - was",
            "        + is",
            "  ok    a     proceed  12 µs",
            "",
            "warning: unused",
            "",
            "last calls",
            "  12:00:01  tools/call one    refuse a.b 88 µs",
            "▸ 12:00:01  tools/call three  not asked",
        ];
        assert_eq!(rows[..wanted.len()], wanted);
        assert!(rows[19].starts_with("r rerun   b bless"), "{rows:?}");
    }

    #[test]
    fn what_has_no_room_is_counted_and_a_small_terminal_still_has_the_keys() {
        let mut view = view();
        view.said = (0..50).map(|n| n.to_string()).collect();
        let rows = plain(&view, 16);
        assert!(
            rows.iter().any(|row| row.contains("more lines")),
            "{rows:?}"
        );
        for height in 0..6 {
            let rows = plain(&view, height);
            assert!(
                rows.last().is_some_and(|row| row.starts_with("r rerun")),
                "{rows:?}"
            );
        }
    }

    #[test]
    fn a_story_moves_within_its_lines_and_the_choice_within_the_calls() {
        let mut view = view();
        view.step(5);
        assert_eq!(view.chosen, 1);
        view.step(-1);
        assert_eq!(view.chosen, 0);
        view.story = Some(Story {
            lines: vec!["first".into(), "second".into()],
            from: 0,
        });
        view.step(1);
        view.step(1);
        assert_eq!(plain(&view, 5)[0], "second");
        view.step(-9);
        assert_eq!(plain(&view, 5)[0], "first");
    }
}
