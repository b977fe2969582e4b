//! What is signed, and which artifact it names.

use std::collections::BTreeMap;

use sandgate_text::hex;
use serde::Deserialize;

use crate::error::SignatureError;
use crate::wire::{Bytes, sha256};

/// Statements that say who made an artifact: cosign's signature, and where and how it was built (SLSA). Others, a
/// scan or a bill of materials, say something else of it, and perhaps nothing good.
const STATEMENTS: [&str; 2] = [
    "https://sigstore.dev/cosign/sign/v1",
    "https://slsa.dev/provenance/v1",
];
const STATEMENT_TYPES: [&str; 2] = [
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];
const IN_TOTO: &str = "application/vnd.in-toto+json";
const SIMPLE_SIGNING: &str = "cosign container image signature";

/// What is signed.
pub(crate) enum Signed {
    /// The artifact's own bytes.
    Artifact,
    /// cosign's payload, which names an image.
    Payload(Vec<u8>),
    /// A statement (in-toto), which names artifacts.
    Statement { kind: String, statement: Vec<u8> },
}

/// An envelope of a statement (DSSE).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    payload: Bytes,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: Bytes,
}

impl Envelope {
    /// What is signed, and its one signature.
    pub(crate) fn open(self) -> Result<(Signed, Vec<u8>), SignatureError> {
        let [signature]: [EnvelopeSignature; 1] =
            self.signatures.try_into().map_err(|all: Vec<_>| {
                SignatureError::Malformed(format!(
                    "its envelope has {} signatures, and not one",
                    all.len()
                ))
            })?;
        let signed = Signed::Statement {
            kind: self.payload_type,
            statement: self.payload.0,
        };
        Ok((signed, signature.sig.0))
    }
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: CriticalImage,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CriticalImage {
    docker_manifest_digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

impl Signed {
    /// The bytes that the signature is over.
    pub(crate) fn message(&self, artifact: &[u8]) -> Vec<u8> {
        match self {
            Self::Artifact => artifact.to_owned(),
            Self::Payload(payload) => payload.clone(),
            Self::Statement { kind, statement } => {
                let (long, longer) = (kind.len(), statement.len());
                let head = format!("DSSEv1 {long} {kind} {longer} ");
                [head.as_bytes(), statement].concat()
            }
        }
    }

    /// The bytes of a statement, whose hash a log of envelopes has.
    pub(crate) fn statement(&self) -> Option<&[u8]> {
        match self {
            Self::Statement { statement, .. } => Some(statement),
            _ => None,
        }
    }

    /// Whether it names this artifact.
    ///
    /// # Errors
    ///
    /// It names another, or says something else of it.
    pub(crate) fn check(&self, artifact: &[u8]) -> Result<(), SignatureError> {
        let digest = hex::encode(sha256(artifact));
        let (found, names) = match self {
            Self::Artifact => return Ok(()),
            Self::Payload(payload) => {
                let payload: Payload =
                    serde_json::from_slice(payload).map_err(SignatureError::malformed)?;
                if payload.critical.kind != SIMPLE_SIGNING {
                    return Err(SignatureError::Statement(short(&payload.critical.kind)));
                }
                let found = payload.critical.image.docker_manifest_digest;
                let names = found == format!("sha256:{digest}");
                (short(&found), names)
            }
            Self::Statement { kind, statement } => {
                if kind != IN_TOTO {
                    return Err(SignatureError::Statement(short(kind)));
                }
                let statement: Statement =
                    serde_json::from_slice(statement).map_err(SignatureError::malformed)?;
                if !STATEMENT_TYPES.contains(&statement.kind.as_str()) {
                    return Err(SignatureError::Statement(short(&statement.kind)));
                }
                if !STATEMENTS.contains(&statement.predicate_type.as_str()) {
                    return Err(SignatureError::Statement(short(&statement.predicate_type)));
                }
                let of = |subject: &Subject| subject.digest.get("sha256").cloned();
                let found: Vec<String> = statement.subject.iter().filter_map(of).collect();
                let names = found.contains(&digest);
                let first = found.first().map_or("nothing", String::as_str);
                (short(&format!("sha256:{first}")), names)
            }
        };
        match names {
            true => Ok(()),
            false => Err(SignatureError::OtherDigest {
                signed: found,
                image: format!("sha256:{digest}"),
            }),
        }
    }
}

/// A text of others', within bounds, that steers no terminal.
fn short(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let mut safe = String::new();
    for c in text.chars().take(120) {
        match plain(c) {
            true => safe.push(c),
            false => safe.extend(c.escape_default()),
        }
    }
    safe
}
