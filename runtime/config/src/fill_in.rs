//! What a person must still write: texts that stand for a value until somebody gives it. `sandgate add` leaves them, and
//! nothing starts with one.

use super::contain::Contain;
use super::secret::ValueOrRef;
use super::server::Server;
use sandgate_message::pointer::push;

const BEGIN: &str = "<fill in: ";

/// The text that stands for a value until somebody writes it. `what` is its name: what is no letter, digit, `-`, `_`, `.`
/// or `/` is left out.
pub fn fill_in(what: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_./".contains(*c);
    let what: String = what.chars().filter(fits).take(64).collect();
    format!("{BEGIN}{what}>")
}

/// The values of a server that are still to be written: the place of each in the file, and its name.
pub(crate) fn left(name: &str, server: &Server) -> Vec<(String, String)> {
    let place = |parts: &[&str]| {
        let mut pointer = "/servers".to_owned();
        for part in [name].iter().chain(parts) {
            push(&mut pointer, part);
        }
        pointer
    };
    let args = server.args.iter().enumerate();
    let args = args.map(|(at, text)| (place(&["args", &at.to_string()]), text.clone()));
    let mut texts: Vec<(String, String)> = args.collect();
    for (key, values) in [("env", &server.env), ("headers", &server.headers)] {
        for (variable, value) in values {
            if let ValueOrRef::Plain(text) = value {
                texts.push((place(&[key, variable]), text.clone()));
            }
        }
    }
    if let Some(Contain::Table(contain)) = &server.contain {
        for (inside, mount) in &contain.mounts {
            let path = mount.path.display().to_string();
            texts.push((place(&["contain", "mounts", inside, "path"]), path));
        }
    }
    let named = |(pointer, text): (String, String)| {
        let (_, rest) = text.split_once(BEGIN)?;
        let (what, _) = rest.split_once('>')?;
        Some((pointer, what.to_owned()))
    };
    texts.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_value_is_one_plain_text() {
        assert_eq!(fill_in("brave.region"), "<fill in: brave.region>");
        assert_eq!(fill_in("a>\n\"b\u{202e}"), "<fill in: ab>");
        assert_eq!(fill_in(&"x".repeat(100)).len(), BEGIN.len() + 65);
    }
}
