//! A signature with all that is needed to verify it, as registries keep it and as it is kept in a lock.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sandgate_text::hex;
use serde::{Deserialize, Serialize};

use crate::error::SignatureError;
use crate::payload::{Envelope, Signed};
use crate::wire::{Bytes, Number, decode};

/// The largest text of one signature, in bytes. Those of image signatures have about ten thousand.
pub const MAX_EVIDENCE: usize = 1 << 20;
/// The most entries of logs, and the most timestamps, of one signature.
const MOST: usize = 4;

/// A signature with all that is needed to verify it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// A Sigstore bundle (v0.3), in JSON.
    Bundle(String),
    /// What cosign keeps under the tag `sha256-….sig`.
    SimpleSigning(SimpleSigning),
}

/// One layer of the image that cosign keeps under the tag `sha256-….sig`, with its annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimpleSigning {
    /// The layer: what is signed, in JSON.
    pub payload: String,
    /// `dev.cosignproject.cosign/signature`, in base64.
    pub signature: String,
    /// `dev.sigstore.cosign/certificate`, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// `dev.sigstore.cosign/bundle`: the entry of the log, in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// `dev.sigstore.cosign/rfc3161timestamp`, in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// What either form comes to.
pub(crate) struct Material {
    pub(crate) signed: Signed,
    pub(crate) signature: Vec<u8>,
    /// In DER.
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) entries: Vec<WrittenEntry>,
    pub(crate) timestamps: Vec<Vec<u8>>,
}

/// An entry of a transparency log, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenEntry {
    #[serde(default)]
    pub(crate) log_index: Number,
    pub(crate) log_id: WrittenLogId,
    #[serde(default)]
    pub(crate) integrated_time: Number,
    pub(crate) inclusion_promise: Option<Promise>,
    pub(crate) inclusion_proof: Option<Proof>,
    pub(crate) canonicalized_body: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenLogId {
    pub(crate) key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Promise {
    pub(crate) signed_entry_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proof {
    #[serde(default)]
    pub(crate) log_index: Number,
    pub(crate) root_hash: Bytes,
    pub(crate) tree_size: Number,
    #[serde(default)]
    pub(crate) hashes: Vec<Bytes>,
    pub(crate) checkpoint: Checkpoint,
}

#[derive(Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) envelope: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: Verification,
    message_signature: Option<MessageSignature>,
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    certificate: Option<Certificate>,
    x509_certificate_chain: Option<Chain>,
    #[serde(default)]
    tlog_entries: Vec<WrittenEntry>,
    #[serde(default)]
    timestamp_verification_data: Timestamps,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    raw_bytes: Bytes,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Certificate>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Timestamps {
    rfc3161_timestamps: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamp {
    signed_timestamp: Bytes,
}

#[derive(Deserialize)]
struct MessageSignature {
    signature: Bytes,
}

/// cosign's own bundle of an entry, beside a signature under a tag.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagBundle {
    signed_entry_timestamp: Bytes,
    payload: TagPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagPayload {
    body: Bytes,
    integrated_time: Number,
    log_index: Number,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagTimestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    signed: Bytes,
}

impl Evidence {
    /// Reads what is written.
    pub(crate) fn material(&self) -> Result<Material, SignatureError> {
        let size = match self {
            Self::Bundle(text) => text.len(),
            Self::SimpleSigning(one) => {
                let more = [&one.certificate, &one.bundle, &one.timestamp];
                let more = more.into_iter().flatten().map(String::len);
                one.payload.len() + one.signature.len() + more.sum::<usize>()
            }
        };
        if size > MAX_EVIDENCE {
            return Err(SignatureError::TooLarge {
                what: "the signature",
                found: size,
                most: MAX_EVIDENCE,
            });
        }
        let material = match self {
            Self::Bundle(text) => bundle(text)?,
            Self::SimpleSigning(one) => one.material()?,
        };
        if material.entries.len() > MOST || material.timestamps.len() > MOST {
            let why = format!("it has more than {MOST} entries of logs, or timestamps");
            return Err(SignatureError::Malformed(why));
        }
        Ok(material)
    }
}

fn bundle(text: &str) -> Result<Material, SignatureError> {
    let bundle: Bundle = serde_json::from_str(text).map_err(SignatureError::malformed)?;
    let kinds = [
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
    ];
    if !kinds.contains(&bundle.media_type.as_str()) {
        let kind: String = bundle.media_type.chars().take(80).collect();
        let why =
            format!("its `mediaType` is {kind:?}, and bundles of version 0.2 and 0.3 are read");
        return Err(SignatureError::Malformed(why));
    }
    let given = bundle.verification_material;
    if given.certificate.is_some() && given.x509_certificate_chain.is_some() {
        let why = "it has both `certificate` and `x509CertificateChain`";
        return Err(SignatureError::malformed(why));
    }
    let chain = given
        .x509_certificate_chain
        .and_then(|chain| chain.certificates.into_iter().next());
    // What lies above it comes from the trusted root alone.
    let certificate = given.certificate.or(chain).map(|one| one.raw_bytes.0);
    let (signed, signature) = match (bundle.message_signature, bundle.dsse_envelope) {
        (Some(message), None) => (Signed::Artifact, message.signature.0),
        (None, Some(envelope)) => envelope.open()?,
        _ => {
            let why = "it has neither or both of `messageSignature` and `dsseEnvelope`";
            return Err(SignatureError::malformed(why));
        }
    };
    let timestamps = given.timestamp_verification_data.rfc3161_timestamps;
    // A bundle without proofs is one that its own format does not allow.
    if given
        .tlog_entries
        .iter()
        .any(|entry| entry.inclusion_proof.is_none())
    {
        let why = "it has an entry of a log without `inclusionProof`";
        return Err(SignatureError::malformed(why));
    }
    Ok(Material {
        signed,
        signature,
        certificate,
        entries: given.tlog_entries,
        timestamps: timestamps
            .into_iter()
            .map(|one| one.signed_timestamp.0)
            .collect(),
    })
}

impl SimpleSigning {
    fn material(&self) -> Result<Material, SignatureError> {
        let malformed =
            |what: &str| SignatureError::Malformed(format!("its {what} cannot be read"));
        let certificate = match &self.certificate {
            None => None,
            Some(text) => {
                let read = CertificateDer::from_pem_slice(text.as_bytes());
                Some(read.map_err(|_| malformed("certificate"))?.to_vec())
            }
        };
        let entry = match &self.bundle {
            None => None,
            Some(text) => {
                let bundle: TagBundle =
                    serde_json::from_str(text).map_err(|_| malformed("entry of the log"))?;
                let id =
                    hex::decode(&bundle.payload.log_id).ok_or_else(|| malformed("log's id"))?;
                Some(WrittenEntry {
                    log_index: bundle.payload.log_index,
                    log_id: WrittenLogId { key_id: Bytes(id) },
                    integrated_time: bundle.payload.integrated_time,
                    inclusion_promise: Some(Promise {
                        signed_entry_timestamp: bundle.signed_entry_timestamp,
                    }),
                    inclusion_proof: None,
                    canonicalized_body: bundle.payload.body,
                })
            }
        };
        let timestamp = match &self.timestamp {
            None => None,
            Some(text) => {
                let read: TagTimestamp =
                    serde_json::from_str(text).map_err(|_| malformed("timestamp"))?;
                Some(read.signed.0)
            }
        };
        Ok(Material {
            signed: Signed::Payload(self.payload.clone().into_bytes()),
            signature: decode(&self.signature).ok_or_else(|| malformed("signature in base64"))?,
            certificate,
            entries: entry.into_iter().collect(),
            timestamps: timestamp.into_iter().collect(),
        })
    }
}
