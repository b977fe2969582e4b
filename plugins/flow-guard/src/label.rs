//! What a tool does, as far as the order of calls is concerned.

use std::fmt;

/// A set of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels(u8);

/// A label, as the operator writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// Its results may hold text that anybody could have written.
    Untrusted,
    /// Its results hold what is not everybody's.
    Private,
    /// It sends something out of reach: mail, messages, posts, uploads.
    Sink,
    /// It pays or orders.
    Pays,
    /// It makes or changes something.
    Changes,
    /// It deletes, cancels or ends something.
    Destroys,
    /// It deals with keys, passwords, permissions, locks.
    Credentials,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Untrusted,
        Self::Private,
        Self::Sink,
        Self::Pays,
        Self::Changes,
        Self::Destroys,
        Self::Credentials,
    ];

    /// As the operator writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Private => "private",
            Self::Sink => "sink",
            Self::Pays => "pays",
            Self::Changes => "changes",
            Self::Destroys => "destroys",
            Self::Credentials => "credentials",
        }
    }
}

impl Labels {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// With one more.
    #[must_use]
    pub const fn and(self, label: Label) -> Self {
        Self(self.0 | 1 << label as u8)
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, label: Label) -> Self {
        Self(self.0 & !(1 << label as u8))
    }

    /// Those of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this label is one of them.
    pub const fn has(self, label: Label) -> bool {
        self.0 >> label as u8 & 1 == 1
    }

    /// Whether the two have a label in common.
    pub const fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a tool with these labels does more than read.
    pub const fn act(self) -> bool {
        self.has(Label::Sink)
            || self.has(Label::Pays)
            || self.has(Label::Changes)
            || self.has(Label::Destroys)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn of_bits(bits: u8) -> Self {
        Self(bits & 0x7f)
    }
}

impl From<Label> for Labels {
    fn from(label: Label) -> Self {
        Self::NONE.and(label)
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        labels.into_iter().fold(Self::NONE, Self::and)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Label::ALL.into_iter().filter(|label| self.has(*label));
        let names: Vec<&str> = names.map(Label::name).collect();
        f.write_str(&names.join(", "))
    }
}
