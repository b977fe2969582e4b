//! Entries of a transparency log (Rekor): whether the log has this very signature, and since when.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sandgate_text::hex;
use serde::Deserialize;
use serde_json::Value;

use crate::error::SignatureError;
use crate::evidence::{Material, Proof, WrittenEntry};
use crate::key::Hash;
use crate::merkle;
use crate::trusted_root::{Log, date};
use crate::wire::{decode, encode, sha256};

/// The longest proof: a log of more entries than there are.
const LONGEST: usize = 64;

/// Checks one entry. `times` are those at which the signature was there; among them is the time at which the log took the
/// entry in, where the log signed that.
///
/// # Errors
///
/// The log is not trusted, or was not at one of the times; it did not sign, or has something else.
pub(crate) fn check(
    entry: &WrittenEntry,
    logs: &[Log],
    times: &[u64],
    material: &Material,
    certificate: &[u8],
    message: &[u8],
) -> Result<(), SignatureError> {
    let failed = |why: String| SignatureError::LogEntry(why);
    let id = &entry.log_id.key_id.0;
    let mut known = logs.iter().filter(|log| log.id == *id).peekable();
    if known.peek().is_none() {
        let why = format!("the trusted root has no log {}", encode(id));
        return Err(failed(why));
    }
    // A retired key is no proof of anything later, with or without a promise.
    let trusted = |log: &&Log| times.iter().all(|at| log.period.contains(*at));
    let log = known.find(trusted).ok_or_else(|| {
        let times: Vec<String> = times.iter().copied().map(date).collect();
        let times = times.join(" and ");
        failed(format!("the log's key was not trusted at {times}"))
    })?;
    if entry.inclusion_promise.is_none() && entry.inclusion_proof.is_none() {
        return Err(failed("it has neither a proof nor a promise".into()));
    }
    if let Some(promise) = &entry.inclusion_promise {
        let text = format!(
            "{{\"body\":\"{}\",\"integratedTime\":{},\"logID\":\"{}\",\"logIndex\":{}}}",
            encode(&entry.canonicalized_body.0),
            entry.integrated_time.0,
            hex::encode(&entry.log_id.key_id.0),
            entry.log_index.0
        );
        let signed = &promise.signed_entry_timestamp.0;
        if !log.key.signed_with(Hash::Sha256, text.as_bytes(), signed) {
            return Err(failed("the log's promise is not signed by it".into()));
        }
    }
    if let Some(proof) = &entry.inclusion_proof {
        check_proof(proof, log, &entry.canonicalized_body.0).map_err(failed)?;
    }
    check_body(&entry.canonicalized_body.0, material, certificate, message).map_err(failed)
}

/// Whether the log signed a tree that has the entry.
fn check_proof(proof: &Proof, log: &Log, body: &[u8]) -> Result<(), String> {
    if proof.hashes.len() > LONGEST {
        return Err("its proof is too long".into());
    }
    let hashes: Vec<Vec<u8>> = proof.hashes.iter().map(|hash| hash.0.clone()).collect();
    let root = merkle::root(proof.log_index.0, proof.tree_size.0, body, &hashes);
    if root.is_none_or(|root| root[..] != proof.root_hash.0) {
        return Err("its proof does not lead to the root of the log".into());
    }
    let envelope = &proof.checkpoint.envelope;
    let (text, signatures) = envelope
        .split_once("\n\n")
        .ok_or("its checkpoint is malformed")?;
    let mut lines = text.split('\n').skip(1);
    let size = lines.next().and_then(|size| size.parse().ok());
    let root = lines.next().and_then(decode);
    if size != Some(proof.tree_size.0) || root.as_ref() != Some(&proof.root_hash.0) {
        return Err("its checkpoint is of another tree".into());
    }
    let signed = format!("{text}\n");
    let origin = text.split('\n').next().unwrap_or_default();
    let by_log = |line: &str| {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.rsplit_once(' ')?;
        if origin != name && !origin.strip_prefix(name)?.starts_with(' ') {
            return None;
        }
        let signature = decode(signature)?;
        let (hint, signature) = signature.split_at_checked(4)?;
        let own = log.id.get(..4) == Some(hint);
        Some(
            own && log
                .key
                .signed_with(Hash::Sha256, signed.as_bytes(), signature),
        )
    };
    match signatures
        .lines()
        .take(32)
        .any(|line| by_log(line) == Some(true))
    {
        true => Ok(()),
        false => Err("its checkpoint is not signed by the log".into()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    kind: String,
    api_version: String,
    spec: Value,
}

/// Whether the entry is of this signature, of this certificate, and over this message.
fn check_body(
    body: &[u8],
    material: &Material,
    certificate: &[u8],
    message: &[u8],
) -> Result<(), String> {
    let body: Body = serde_json::from_slice(body).map_err(|error| format!("its body: {error}"))?;
    let text = |path: &str| {
        body.spec
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let bytes = |path: &str| decode(text(path)).unwrap_or_default();
    let pem = |path: &str| CertificateDer::from_pem_slice(&bytes(path)).map(|one| one.to_vec());
    let statement = material.signed.statement();
    let one = |path: &str| {
        let list = body.spec.pointer(path).and_then(Value::as_array);
        list.is_some_and(|list| list.len() == 1)
    };
    let (over, signature, signer) = match (body.kind.as_str(), body.api_version.as_str()) {
        ("hashedrekord", "0.0.1") => (
            text("/data/hash/algorithm") == "sha256"
                && text("/data/hash/value") == hex::encode(sha256(message)),
            bytes("/signature/content"),
            pem("/signature/publicKey/content").unwrap_or_default(),
        ),
        ("hashedrekord", "0.0.2") => (
            text("/hashedRekordV002/data/algorithm") == "SHA2_256"
                && bytes("/hashedRekordV002/data/digest") == sha256(message),
            bytes("/hashedRekordV002/signature/content"),
            bytes("/hashedRekordV002/signature/verifier/x509Certificate/rawBytes"),
        ),
        ("dsse", "0.0.1") => (
            one("/signatures")
                && text("/payloadHash/algorithm") == "sha256"
                && statement
                    .is_some_and(|it| text("/payloadHash/value") == hex::encode(sha256(it))),
            bytes("/signatures/0/signature"),
            pem("/signatures/0/verifier").unwrap_or_default(),
        ),
        ("dsse", "0.0.2") => (
            one("/dsseV002/signatures")
                && text("/dsseV002/payloadHash/algorithm") == "SHA2_256"
                && statement.is_some_and(|it| bytes("/dsseV002/payloadHash/digest") == sha256(it)),
            bytes("/dsseV002/signatures/0/content"),
            bytes("/dsseV002/signatures/0/verifier/x509Certificate/rawBytes"),
        ),
        _ => return Err("it is an entry of a kind that is not read".into()),
    };
    match (over, signature == material.signature, signer == certificate) {
        (false, _, _) => Err("it is an entry of something else that was signed".into()),
        (_, false, _) => Err("it is an entry of another signature".into()),
        (_, _, false) => Err("it is an entry of another signer".into()),
        (true, true, true) => Ok(()),
    }
}
