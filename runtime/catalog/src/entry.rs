//! What a catalog says of a server, whatever its format: an entry, the ways in which its server can be had, and what each
//! asks for. All of it was written by strangers. What is kept here has been judged by `rules`.

use std::fmt;

use sandgate_address::AllowedHost;
use sandgate_config::{Image, Package};

/// Arguments, variables, secrets, hosts, mounts and inputs of one offer, each.
pub(crate) const MOST: usize = 128;

/// One server of a catalog, in one version.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name: ASCII letters, digits, `-`, `_`, `.` and `/`.
    pub name: String,
    /// Its version, where the catalog gives one.
    pub version: Option<String>,
    /// Whether the catalog calls this the latest version.
    pub is_latest: bool,
    /// What it is, in the catalog's words, cut; not made safe to print.
    pub description: String,
    /// What the operator should know of it.
    pub notes: Vec<String>,
    /// The ways in which its server can be had, in the catalog's order, or why one cannot be taken.
    pub offers: Vec<Result<Offer, Refusal>>,
}

/// Why something of a catalog cannot be taken. Names what it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// One way to have a server.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What runs, or where it is.
    pub runs: Runs,
    /// Its arguments.
    pub args: Vec<Text>,
    /// Its variables; of a remote server its headers.
    pub variables: Vec<Variable>,
    /// The values that nobody else may see.
    pub secrets: Vec<Secret>,
    /// The hosts that it declares.
    pub hosts: Vec<AllowedHost>,
    /// The folders that a container wants.
    pub mounts: Vec<Mount>,
    /// What texts refer to.
    pub inputs: Vec<Input>,
    /// What the operator should know of it.
    pub notes: Vec<String>,
}

/// What runs, or where it is.
#[derive(Clone, Debug)]
pub enum Runs {
    /// A package of npm or PyPI, and the program of it, where it has several.
    Package(Package, Option<String>),
    /// A container image.
    Image(Image),
    /// A server elsewhere.
    Remote(Text),
}

/// A text in which inputs stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Part>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Plain(String),
    /// The value of an input.
    Input(String),
}

/// A variable or a header.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `None`: it may be given one, and needs none.
    pub value: Option<Text>,
    /// What it is.
    pub description: String,
}

/// A value that nobody else may see. The catalog has none.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The variable or header that it belongs in.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The header of which hosts' requests it is put into, where the entry says so.
    pub inject: Option<Inject>,
}

/// Where a value is put in.
#[derive(Clone, Debug)]
pub struct Inject {
    /// The header.
    pub header: String,
    /// Its text, with `{}` for the value.
    pub format: Option<String>,
    /// The hosts.
    pub hosts: Vec<String>,
}

/// A folder of this machine that a container wants. Which one, the operator says.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where the container sees it.
    pub inside: String,
    /// The input that names the folder.
    pub input: String,
    /// Whether it also changes it.
    pub writes: bool,
}

/// A value that the operator may give.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its value where none is given.
    pub default: Option<String>,
    /// The values there are, where not every text is one.
    pub choices: Vec<String>,
    /// Whether it is a secret.
    pub is_secret: bool,
    /// Whether a variable that has it may as well be left out.
    pub is_optional: bool,
}

impl Entry {
    /// The entry as people write it: `name@version`.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Offer {
    /// An offer that asks for nothing.
    pub(crate) fn of(runs: Runs) -> Self {
        Self {
            runs,
            args: Vec::new(),
            variables: Vec::new(),
            secrets: Vec::new(),
            hosts: Vec::new(),
            mounts: Vec::new(),
            inputs: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// Adds an input, unless one of the name is there. Its name or its default may say that it is a secret, whether the
    /// entry does or not.
    pub(crate) fn ask(&mut self, mut input: Input) {
        // One too many is kept, and refused with the whole.
        if self.inputs.len() > MOST || self.input(&input.name).is_some() {
            return;
        }
        let last = input.name.rsplit(['.', '/']).next().unwrap_or_default();
        input.is_secret |= sandgate_import::is_secret(last, input.default.as_deref());
        self.inputs.push(input);
    }

    /// Whether a secret stands in a text.
    pub(crate) fn is_secret(&self, text: &Text) -> bool {
        let mut inputs = text.inputs();
        inputs.any(|name| self.input(name).is_some_and(|input| input.is_secret))
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package(package, None) => write!(f, "{package}"),
            Self::Package(package, Some(bin)) => write!(f, "{package} ({bin})"),
            Self::Image(image) => write!(f, "image {}", image.0),
            Self::Remote(url) => write!(f, "{url}"),
        }
    }
}

impl Text {
    /// A text without inputs.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self(vec![Part::Plain(text.into())])
    }

    /// A text that is an input.
    pub(crate) fn input(name: impl Into<String>) -> Self {
        Self(vec![Part::Input(name.into())])
    }

    /// Reads a text in which names stand between `open` and `close`. `known` gives the input that a name stands for; what
    /// stands for none stays as it is. Takes a time that grows with the text alone.
    pub(crate) fn read(
        text: &str,
        open: &str,
        close: &str,
        known: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(open) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            let inside = &from[open.len()..];
            // A name ends before the next one begins.
            let name = &inside[..inside.find(open).unwrap_or(inside.len())];
            let found = name
                .find(close)
                .map(|end| (&name[..end], &inside[end + close.len()..]));
            match found.and_then(|(name, after)| Some((known(name.trim())?, after))) {
                Some((input, after)) => {
                    if !plain.is_empty() {
                        parts.push(Part::Plain(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Input(input));
                    rest = after;
                }
                None => {
                    plain.push_str(open);
                    rest = inside;
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Part::Plain(plain));
        }
        Self(parts)
    }

    /// The text with the inputs' defaults in it, and nothing for an input without one.
    pub(crate) fn with_defaults(&self, offer: &Offer) -> String {
        let part = |part: &Part| match part {
            Part::Plain(text) => text.clone(),
            Part::Input(name) => {
                let input = offer.input(name);
                input
                    .and_then(|input| input.default.clone())
                    .unwrap_or_default()
            }
        };
        self.0.iter().map(part).collect()
    }

    /// The names of the inputs in it.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Input(name) => Some(name.as_str()),
            Part::Plain(_) => None,
        })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Plain(text) => f.write_str(text),
            Part::Input(name) => write!(f, "{{{name}}}"),
        })
    }
}

impl Refusal {
    pub(crate) fn of(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_inputs() {
        let known = |name: &str| ["a", "b.c"].contains(&name).then(|| name.to_owned());
        let read = |text: &str| Text::read(text, "{", "}", known);
        assert_eq!(read("x{a}y{ b.c }").to_string(), "x{a}y{b.c}");
        assert_eq!(read("{a}").inputs().collect::<Vec<_>>(), ["a"]);
        for plain in ["", "{", "{d}", "{a", "}{", "{{a", "é{é}", "{é{", "{{d}"] {
            assert_eq!(read(plain).inputs().count(), 0, "{plain}");
            assert_eq!(read(plain).to_string(), plain);
        }
        let docker = Text::read("{{a}}:{{x}}", "{{", "}}", known);
        assert_eq!(docker.to_string(), "{a}:{{x}}");
        assert_eq!(read("{{a}").inputs().collect::<Vec<_>>(), ["a"]);
    }
}
