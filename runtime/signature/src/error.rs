//! Why a signature does not count.

/// Why a signature does not count. The texts are for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SignatureError {
    #[error("{what} has {found} bytes, and {most} are read")]
    TooLarge {
        what: &'static str,
        found: usize,
        most: usize,
    },
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    #[error("it is not signed with the key {wanted}, or what it signs was changed")]
    Key { wanted: String },
    #[error("it has no certificate, so it is no identity's; it may be a key's")]
    NoCertificate,
    #[error("it is a signature of {signed}, and the image is {image}")]
    OtherDigest { signed: String, image: String },
    #[error("it is a statement of the kind {0}, which says nothing of who made the image")]
    Statement(String),
    #[error("it is signed by {found}, and `identity` is {wanted}")]
    Identity { found: String, wanted: String },
    #[error("{found} vouched for its signer, and `issuer` is {wanted}")]
    Issuer { found: String, wanted: String },
    #[error("its certificate does not lead to an authority of the trusted root: {0}")]
    Certificate(String),
    #[error("its certificate is in no log of certificates that the trusted root has: {0}")]
    CertificateLog(String),
    #[error("it is not signed with the key of its certificate, or what it signs was changed")]
    CertificateKey,
    #[error("it is in no transparency log")]
    NoLogEntry,
    #[error("its entry in the transparency log does not hold: {0}")]
    LogEntry(String),
    #[error("its timestamp does not hold: {0}")]
    Timestamp(String),
    #[error(
        "nothing that can be believed says when it was made, and its certificate was good for minutes"
    )]
    NoTime,
}

impl SignatureError {
    /// A signature that cannot be read.
    pub(crate) fn malformed(why: impl ToString) -> Self {
        Self::Malformed(why.to_string())
    }
}
