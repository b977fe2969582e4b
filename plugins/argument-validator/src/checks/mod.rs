//! The checks: one for each class of attack.

pub(crate) mod address;
pub(crate) mod command;
pub(crate) mod header;
pub(crate) mod html;
pub(crate) mod ldap;
pub(crate) mod nosql;
pub(crate) mod shell;
pub(crate) mod sql;
pub(crate) mod target;
pub(crate) mod template;
pub(crate) mod traversal;
pub(crate) mod xml;

use crate::reading::{Reading, clue};
use crate::role::Role;

/// A class of attack. Each has a setting of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Paths that leave their folder or name secrets of the system.
    Traversal,
    /// Configuration and logs of a system's servers.
    SystemFiles,
    /// Commands and code for an interpreter.
    Injection,
    /// SQL that continues a statement of the server.
    Sql,
    /// Operators of document databases.
    Nosql,
    /// External entities and inclusions.
    Xml,
    /// Scripts, and directives for a web server.
    Html,
    /// Expressions that a template engine computes.
    Template,
    /// Line ends that begin a header.
    Header,
    /// Addresses that a server should not ask.
    Target,
    /// Addresses of this machine and of private networks.
    PrivateUrls,
    /// Pieces of a filter of a directory service.
    Ldap,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The finding is sure.
    None,
    /// The value may be harmless.
    Some,
}

/// What a check found, in words that do not repeat the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The class.
    pub class: Class,
    /// What it is, as the beginning of a sentence.
    pub what: &'static str,
    /// How sure it is.
    pub doubt: Doubt,
}

/// How strictly a role is judged in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// A short value. An attack may stand behind a word or two.
    Plain,
    /// Words. The attack must be all there is.
    Prose,
    /// A place for the very language of the attack: only a piece that breaks out of a statement is found.
    Fragment,
}

impl Level {
    /// The most words of a language before the attack.
    pub(crate) fn words(self) -> usize {
        match self {
            Self::Plain => 2,
            Self::Prose => 1,
            Self::Fragment => 0,
        }
    }

    /// Whether the attack may begin at that place of the text.
    pub(crate) fn allows(self, reading: &Reading, at: usize) -> bool {
        reading.words_before(at) <= self.words()
    }
}

impl Class {
    /// All classes, in the order in which they are checked.
    pub const ALL: [Self; 12] = [
        Self::Traversal,
        Self::SystemFiles,
        Self::Injection,
        Self::Sql,
        Self::Nosql,
        Self::Xml,
        Self::Html,
        Self::Template,
        Self::Header,
        Self::Target,
        Self::PrivateUrls,
        Self::Ldap,
    ];

    /// The name as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traversal => "traversal",
            Self::SystemFiles => "system-files",
            Self::Injection => "injection",
            Self::Sql => "sql",
            Self::Nosql => "nosql",
            Self::Xml => "xml",
            Self::Html => "html",
            Self::Template => "template",
            Self::Header => "header",
            Self::Target => "target",
            Self::PrivateUrls => "private-urls",
            Self::Ldap => "ldap",
        }
    }

    /// The code of the refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::Traversal => "arguments.path-traversal",
            Self::SystemFiles => "arguments.system-file",
            Self::Injection => "arguments.command-injection",
            Self::Sql => "arguments.sql-injection",
            Self::Nosql => "arguments.nosql-injection",
            Self::Xml => "arguments.xml-injection",
            Self::Html => "arguments.html-injection",
            Self::Template => "arguments.template-injection",
            Self::Header => "arguments.header-injection",
            Self::Target => "arguments.request-target",
            Self::PrivateUrls => "arguments.private-url",
            Self::Ldap => "arguments.ldap-injection",
        }
    }

    /// The bytes without which the value cannot be an attack of the class.
    pub(crate) fn clues(self) -> u16 {
        match self {
            Self::Traversal => clue::PATH | clue::CODED | clue::CONTROL,
            Self::Injection => {
                clue::OPERATOR
                    | clue::PAREN
                    | clue::ANGLE
                    | clue::CODED
                    | clue::BRACE
                    | clue::DASH
                    | clue::COLON
            }
            Self::Sql => {
                clue::QUOTE
                    | clue::CONDITION
                    | clue::PAREN
                    | clue::OPERATOR
                    | clue::ANGLE
                    | clue::DASH
            }
            Self::Nosql => clue::OPERATOR | clue::QUOTE,
            Self::Xml | Self::Html => clue::ANGLE | clue::COLON | clue::PAREN | clue::CONDITION,
            Self::Template => clue::BRACE | clue::ANGLE | clue::OPERATOR | clue::PAREN,
            Self::Header => clue::CONTROL | clue::CODED,
            Self::Target => clue::PATH | clue::COLON | clue::CODED,
            // Found by the checks of paths and of targets.
            Self::SystemFiles | Self::PrivateUrls => 0,
            Self::Ldap => clue::PAREN,
        }
    }

    /// How strictly values of that role are judged. `None`: not at all.
    pub(crate) fn level(self, role: Role) -> Option<Level> {
        use Class as C;
        use Role as R;
        match (role, self) {
            (R::Text | R::Regex, _) => None,
            (R::Path | R::Url | R::Identifier | R::Plain | R::Header, _) => Some(Level::Plain),
            (R::Prose, _) => Some(Level::Prose),
            (R::Xml, C::Xml) | (R::Template, C::Template) | (R::Ldap, C::Ldap) => {
                Some(Level::Plain)
            }
            (R::Ldap, _) => Some(Level::Prose),
            (R::Command, C::Injection | C::Html)
            | (R::Query, C::Sql | C::Nosql | C::Injection)
            | (R::Html, C::Html)
            | (R::Xml, C::Html | C::Sql)
            | (R::Template, C::Html | C::Injection) => Some(Level::Fragment),
            (R::Command | R::Html, C::Xml | C::Template)
            | (R::Query, C::Xml | C::Html | C::Template | C::Ldap | C::Traversal | C::Header) => {
                Some(Level::Prose)
            }
            (R::Command | R::Query | R::Html | R::Xml | R::Template, _) => None,
        }
    }

    /// What the check of the class finds.
    pub(crate) fn check(self, reading: &Reading, role: Role, level: Level) -> Option<Hit> {
        let sure = |what| Hit {
            class: self,
            what,
            doubt: Doubt::None,
        };
        match self {
            Self::Traversal => {
                let (what, doubt) = traversal::found(reading, role, level)?;
                let class = match what {
                    traversal::SYSTEM => Self::SystemFiles,
                    _ => self,
                };
                Some(Hit { class, what, doubt })
            }
            Self::Injection => command::found(reading, role, level).map(sure),
            Self::Sql => sql::found(reading, level).map(sure),
            Self::Nosql => nosql::found(reading, level).map(sure),
            Self::Xml => xml::found(reading, level).map(sure),
            Self::Html => html::found(reading, role, level).map(sure),
            Self::Template => template::found(reading, role, level).map(sure),
            Self::Header => header::found(reading, role, level).map(sure),
            Self::Target => target::found(reading, role, level),
            Self::SystemFiles | Self::PrivateUrls => None,
            Self::Ldap => ldap::found(reading, level).map(sure),
        }
    }
}
