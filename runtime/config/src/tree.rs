//! A parsed TOML file in which every key and value has its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its place. A table written as `[header]` has the header's place.
#[derive(Debug)]
pub struct Entry {
    /// The range of the value's bytes.
    pub span: Range<usize>,
    /// The value.
    pub node: Node,
}

/// A value of any kind.
#[derive(Debug)]
pub enum Node {
    /// A string.
    Text(String),
    /// A whole number. `None` if it does not fit in 64 bits.
    Integer(Option<i64>),
    /// A number with a point or an exponent.
    Float(f64),
    /// `true` or `false`.
    Truth(bool),
    /// A date or time.
    Date,
    /// An array, inline or of tables.
    List(Vec<Entry>),
    /// A table, inline or with a header.
    Table(Table),
}

/// A table's members in the file's order.
#[derive(Debug, Default)]
pub struct Table(Vec<(Key, Entry)>);

/// The name of a member.
#[derive(Debug)]
pub struct Key {
    /// The range of the name's bytes.
    pub span: Range<usize>,
    /// The name without its quotes.
    pub name: String,
}

impl Entry {
    /// The string. `None` for other kinds.
    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The array. `None` for other kinds.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.node {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The table. `None` for other kinds.
    pub fn table(&self) -> Option<&Table> {
        match &self.node {
            Node::Table(table) => Some(table),
            _ => None,
        }
    }
}

impl Table {
    pub(crate) fn read(table: &DeTable<'_>) -> Self {
        let key = |key: &Spanned<_>| Key {
            span: key.span(),
            name: AsRef::<str>::as_ref(key.get_ref()).to_owned(),
        };
        Self(
            table
                .iter()
                .map(|(name, value)| (key(name), entry(value)))
                .collect(),
        )
    }

    /// The members, in the file's order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Key, Entry)> {
        self.0.iter()
    }

    /// Whether the table has no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The member of that name, with its key.
    pub fn member(&self, name: &str) -> Option<&(Key, Entry)> {
        self.0.iter().find(|(key, _)| key.name == name)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.member(name).map(|(_, entry)| entry)
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Self> {
        self.get(name)?.table()
    }
}

impl<'a> IntoIterator for &'a Table {
    type Item = &'a (Key, Entry);
    type IntoIter = std::slice::Iter<'a, (Key, Entry)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn entry(value: &Spanned<DeValue<'_>>) -> Entry {
    let node = match value.get_ref() {
        DeValue::String(text) => Node::Text(text.clone().into_owned()),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            let digits = match number.radix() {
                10 => digits.as_str(),
                // The number may still have its prefix (`0x`).
                _ => digits
                    .trim_start_matches("0x")
                    .trim_start_matches("0o")
                    .trim_start_matches("0b"),
            };
            Node::Integer(i64::from_str_radix(digits, number.radix()).ok())
        }
        DeValue::Float(number) => {
            Node::Float(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN))
        }
        DeValue::Boolean(value) => Node::Truth(*value),
        DeValue::Datetime(_) => Node::Date,
        DeValue::Array(items) => Node::List(items.iter().map(entry).collect()),
        DeValue::Table(table) => Node::Table(Table::read(table)),
    };
    Entry {
        span: value.span(),
        node,
    }
}
