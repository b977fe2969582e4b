//! The kinds of personal data that are looked for.

/// One kind. Its name is at once the setting's, the mark's (`[email]`) and the finding's rule (`pii.email`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// An address with a domain.
    Email,
    /// A telephone number, international or in the usual shapes of a country.
    Phone,
    /// A payment card: a network's prefix and length, and Luhn's check digit.
    CreditCard,
    /// An account number: a country's length and the remainder 1 modulo 97.
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

/// A piece of a text: bytes `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub entity: Entity,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
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

    /// As in the settings.
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

    /// Of findings and refusals.
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
    /// Whether it is one of them.
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
