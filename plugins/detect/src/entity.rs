//! The kinds of personal data that are looked for.

/// A kind of personal data. Its name is used in settings, in masks and in the rules of findings (`pii.email`).
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
    /// A social security or taxpayer number of the United States.
    UsSsn,
    /// An Individual Number of Japan, with its check digit.
    JpMyNumber,
    /// An address of the Internet Protocol, version 4 or 6.
    Ip,
    /// A number that another state gives to a person or, for taxes, to a company.
    NationalId,
    /// A passport, identity card, permit, driving licence or plate, called so.
    Document,
    /// A date of birth, called so.
    BirthDate,
    /// A postal code, called so or in the shape of the United Kingdom or Canada.
    PostalCode,
    /// A number of a bank account or a bank, called so.
    BankAccount,
    /// An address of a cryptocurrency, with its check sum.
    Crypto,
    /// A hardware address, called so.
    Mac,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entities(u16);

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
    pub const ALL: [Self; 14] = [
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::JpMyNumber,
        Self::Ip,
        Self::NationalId,
        Self::Document,
        Self::BirthDate,
        Self::PostalCode,
        Self::BankAccount,
        Self::Crypto,
        Self::Mac,
    ];

    /// The name as in the settings.
    pub fn name(self) -> &'static str {
        &self.rule()[4..]
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
            Self::NationalId => "pii.national-id",
            Self::Document => "pii.document",
            Self::BirthDate => "pii.birth-date",
            Self::PostalCode => "pii.postal-code",
            Self::BankAccount => "pii.bank-account",
            Self::Crypto => "pii.crypto",
            Self::Mac => "pii.mac",
        }
    }
}

impl Entities {
    /// Whether the set contains the kind.
    pub fn has(self, entity: Entity) -> bool {
        self.0 & (1 << entity as u16) != 0
    }
}

impl FromIterator<Entity> for Entities {
    fn from_iter<I: IntoIterator<Item = Entity>>(entities: I) -> Self {
        Self(
            entities
                .into_iter()
                .fold(0, |set, entity| set | 1 << entity as u16),
        )
    }
}
