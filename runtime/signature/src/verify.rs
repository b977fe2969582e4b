//! The whole judgement of one signature, in order.

use std::fmt;
use std::sync::Arc;

use crate::certificate::{CODE_SIGNING, Certificate};
use crate::error::SignatureError;
use crate::evidence::{Evidence, Material};
use crate::key::PublicKey;
use crate::trusted_root::TrustedRoot;
use crate::{log_entry, timestamp};

/// By whom an artifact must be signed.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// By this key. It is trusted by itself: certificates, entries of logs and timestamps beside its signature are not
    /// looked at.
    Key(PublicKey),
    /// By this identity.
    Identity(Identity),
}

/// An identity that an authority of certificates vouches for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whom the certificate names: an address of the web or of mail. With `*` at its end, each that begins so.
    pub identity: String,
    /// Who vouched for the name to the authority.
    pub issuer: String,
    /// Who is believed.
    pub root: Arc<TrustedRoot>,
}

/// By whom an artifact is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// SHA-256 of the key's `SubjectPublicKeyInfo`, in hexadecimal digits.
    Key(String),
    /// Whom the certificate names.
    #[allow(missing_docs)]
    Identity { identity: String, issuer: String },
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(fingerprint) => write!(f, "key sha256:{fingerprint}"),
            Self::Identity { identity, issuer } => write!(f, "{identity} ({issuer})"),
        }
    }
}

/// Verifies a signature of these bytes: the manifest of an image or of an index, as a registry sends it.
///
/// # Errors
///
/// The signature does not count, for the first thing in it that does not hold.
pub fn verify(
    evidence: &Evidence,
    artifact: &[u8],
    wanted: &Wanted,
) -> Result<Signer, SignatureError> {
    let material = evidence.material()?;
    let message = material.signed.message(artifact);
    let signer = match wanted {
        Wanted::Key(key) => {
            if !key.signed(&message, &material.signature) {
                return Err(SignatureError::Key {
                    wanted: format!("sha256:{}", key.fingerprint()),
                });
            }
            Signer::Key(key.fingerprint())
        }
        Wanted::Identity(wanted) => wanted.check(&material, &message)?,
    };
    material.signed.check(artifact)?;
    Ok(signer)
}

impl Identity {
    fn check(&self, material: &Material, message: &[u8]) -> Result<Signer, SignatureError> {
        let bytes = material.certificate.as_deref();
        let bytes = bytes.ok_or(SignatureError::NoCertificate)?;
        let certificate = Certificate::read(bytes)
            .ok_or_else(|| SignatureError::malformed("its certificate cannot be read"))?;
        // 1. The signature, by the certificate's key.
        if !certificate.key.signed(message, &material.signature) {
            return Err(SignatureError::CertificateKey);
        }
        // 2. The log has it, and the times at which it was there.
        if material.entries.is_empty() {
            return Err(SignatureError::NoLogEntry);
        }
        let mut times = Vec::new();
        for stamp in &material.timestamps {
            let authorities = &self.root.timestamps;
            times.push(timestamp::check(stamp, &material.signature, authorities)?);
        }
        // What a log promised is verified with its entry, below.
        let promised = material.entries.iter();
        let promised = promised.filter(|entry| entry.inclusion_promise.is_some());
        times.extend(promised.map(|entry| entry.integrated_time.0));
        for entry in &material.entries {
            let logs = &self.root.logs;
            log_entry::check(entry, logs, &times, material, bytes, message)?;
        }
        if times.is_empty() {
            return Err(SignatureError::NoTime);
        }
        // 3. The certificate was good at each of them, for this use, and a log of certificates has it.
        for at in times {
            certificate.check_path(&self.root.authorities, CODE_SIGNING, at)?;
        }
        if !certificate.signs() {
            let why = "its key is not meant for signatures".into();
            return Err(SignatureError::Certificate(why));
        }
        certificate.check_promises(&self.root.authorities, &self.root.certificate_logs)?;
        // 4. It is who it should be.
        let (identity, issuer) = (certificate.identity()?, certificate.issuer()?);
        if issuer != self.issuer {
            return Err(SignatureError::Issuer {
                found: issuer,
                wanted: self.issuer.clone(),
            });
        }
        let is_wanted = match self.identity.strip_suffix('*') {
            Some(beginning) => identity.starts_with(beginning),
            None => identity == self.identity,
        };
        match is_wanted {
            true => Ok(Signer::Identity { identity, issuer }),
            false => Err(SignatureError::Identity {
                found: identity,
                wanted: self.identity.clone(),
            }),
        }
    }
}
