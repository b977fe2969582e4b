//! The kinds of personal data that are looked for.

/// A kind of personal data. Its name is used in settings, in masks (`[email]`) and in the rules of findings
/// (`pii.email`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// An e-mail address.
    Email,
    /// A telephone number, international or in a shape that a country uses.
    Phone,
    /// A payment card: prefix and length of a network, and Luhn's check digit.
    CreditCard,
    /// An international bank account number: the length of its country, and the remainder 1 modulo 97.
    Iban,
    /// A social security number of the United States.
    UsSsn,
    /// An Individual Number of Japan, with its check digit.
    JpMyNumber,
    /// An address of the Internet Protocol, version 4 or 6.
    Ip,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entities(u8);

/// A value that was found: the bytes `start..end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The kind of the value.
    pub entity: Entity,
    /// The index of the value's first byte.
    pub start: usize,
    /// The index of the byte after the value.
    pub end: usize,
}

impl Entity {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::JpMyNumber,
        Self::Ip,
    ];

    /// The name as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::CreditCard => "credit-card",
            Self::Iban => "iban",
            Self::UsSsn => "us-ssn",
            Self::JpMyNumber => "jp-my-number",
            Self::Ip => "ip",
        }
    }

    /// The rule of findings and refusals about this kind.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Email => "pii.email",
            Self::Phone => "pii.phone",
            Self::CreditCard => "pii.credit-card",
            Self::Iban => "pii.iban",
            Self::UsSsn => "pii.us-ssn",
            Self::JpMyNumber => "pii.jp-my-number",
            Self::Ip => "pii.ip",
        }
    }
}

impl Entities {
    /// Whether the set contains the kind.
    pub fn has(self, entity: Entity) -> bool {
        self.0 & (1 << entity as u8) != 0
    }
}

impl FromIterator<Entity> for Entities {
    fn from_iter<I: IntoIterator<Item = Entity>>(entities: I) -> Self {
        Self(
            entities
                .into_iter()
                .fold(0, |set, entity| set | 1 << entity as u8),
        )
    }
}
