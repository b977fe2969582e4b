//! The table of the documentation, made from the same list that the tests walk: `BLESS=1` writes it anew.

use std::collections::BTreeMap;
use std::path::Path;

use sandgate_message::{Carrier, Direction, Era, Hook, HookPoint, hook_points};

const BEGIN: &str = "<!-- made from the list of meetings; BLESS=1 cargo test writes it anew -->\n";
const END: &str = "<!-- end -->\n";

fn cell(hook_points: &[HookPoint]) -> String {
    let hook = |hook: Hook| {
        let meeting = hook_points.iter().find(|meeting| meeting.hook == hook)?;
        Some(match meeting.carrier {
            Carrier::Itself => hook.as_str().to_owned(),
            Carrier::InputRequired => format!("{} ¹", hook.as_str()),
        })
    };
    let hooks: Vec<_> = [Hook::PreCall, Hook::PostCall]
        .into_iter()
        .filter_map(hook)
        .collect();
    if hooks.is_empty() {
        "–".to_owned()
    } else {
        hooks.join(", ")
    }
}

fn table() -> String {
    let mut rows: Vec<(&str, Direction)> = Vec::new();
    let mut cells: BTreeMap<(usize, usize), Vec<HookPoint>> = BTreeMap::new();
    for direction in [Direction::ClientToServer, Direction::ServerToClient] {
        for meeting in hook_points().filter(|meeting| meeting.direction == direction) {
            let row = (meeting.method, direction);
            let at = rows.iter().position(|known| *known == row);
            let at = at.unwrap_or_else(|| {
                rows.push(row);
                rows.len() - 1
            });
            let era = usize::from(meeting.era == Era::Modern);
            cells.entry((at, era)).or_default().push(meeting);
        }
    }
    let mut text = String::from(
        "| event | asked by | legacy: … 2025-11-25 | modern: 2026-07-28 |\n|---|---|---|---|\n",
    );
    for (at, (method, direction)) in rows.iter().enumerate() {
        let by = match direction {
            Direction::ClientToServer => "client",
            Direction::ServerToClient => "server",
        };
        let of = |era| cell(cells.get(&(at, era)).map_or(&[], Vec::as_slice));
        text.push_str(&format!("| `{method}` | {by} | {} | {} |\n", of(0), of(1)));
    }
    text
}

#[test]
fn the_page_has_the_table_that_the_code_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/messages.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let right = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &right).unwrap();
        return;
    }
    assert!(
        page == right,
        "docs/messages.md differs; BLESS=1 writes its table anew"
    );
}
