//! Signatures that were published, against the roots of Sigstore itself: what is read here is what others write.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sandgate_signature::{
    Evidence, Identity, PublicKey, SignatureError, Signer, TrustedRoot, Wanted, verify,
};
use serde_json::Value;

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles");
    std::fs::read(folder.join(name)).unwrap()
}

fn bundle(name: &str) -> Evidence {
    Evidence::Bundle(String::from_utf8(file(name)).unwrap())
}

fn identity(identity: &str, issuer: &str, root: TrustedRoot) -> Wanted {
    Wanted::Identity(Identity {
        identity: identity.into(),
        issuer: issuer.into(),
        root: Arc::new(root),
    })
}

fn staging() -> TrustedRoot {
    TrustedRoot::parse(&String::from_utf8(file("staging_root.json")).unwrap()).unwrap()
}

/// Of the public instance: a log with promises and proofs, and a timestamp.
fn blob() -> (Evidence, Vec<u8>, Wanted) {
    let wanted = identity(
        "w.vollprecht@gmail.com",
        "https://github.com/login/oauth",
        TrustedRoot::public().unwrap(),
    );
    let artifact = file("cosign-v3-blob.txt");
    (bundle("cosign-v3-blob.sigstore.json"), artifact, wanted)
}

#[test]
fn a_published_signature_verifies_with_its_certificate_its_log_and_its_timestamp() {
    let (evidence, artifact, wanted) = blob();
    let found = verify(&evidence, &artifact, &wanted).unwrap();
    assert_eq!(
        found.to_string(),
        "w.vollprecht@gmail.com (https://github.com/login/oauth)"
    );
    let other = [&artifact[..], b"x"].concat();
    let said = verify(&evidence, &other, &wanted);
    assert_eq!(said, Err(SignatureError::CertificateKey));
}

/// A statement of a workflow's. All of it holds; it says where a package goes, and not who made an image.
#[test]
fn a_published_statement_holds_and_is_no_signature_of_an_image() {
    let workflow =
        "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/*";
    let issuer = "https://token.actions.githubusercontent.com";
    let wanted = identity(workflow, issuer, TrustedRoot::public().unwrap());
    let said = verify(&bundle("conda-attestation.sigstore.json"), b"", &wanted);
    let kind = "https://schemas.conda.org/attestations-publish-1.schema.json";
    assert_eq!(said, Err(SignatureError::Statement(kind.into())));
    let other = identity(
        "https://github.com/prefix-dev/other/*",
        issuer,
        TrustedRoot::public().unwrap(),
    );
    let said = verify(&bundle("conda-attestation.sigstore.json"), b"", &other);
    assert!(
        matches!(said, Err(SignatureError::Identity { .. })),
        "{said:?}"
    );
}

/// Rekor's second version says no time: the timestamp alone does, and the log's key is Ed25519.
#[test]
fn a_published_entry_of_a_log_without_times_verifies_by_its_timestamp_alone() {
    let name = "conda-attestation-rekor2.sigstore.json";
    let wanted = identity("jku@goto.fi", "https://github.com/login/oauth", staging());
    let said = verify(&bundle(name), b"", &wanted);
    assert!(
        matches!(said, Err(SignatureError::Statement(_))),
        "{said:?}"
    );
    let mut without: Value = serde_json::from_slice(&file(name)).unwrap();
    without["verificationMaterial"]["timestampVerificationData"] = Value::Null;
    without["verificationMaterial"]
        .as_object_mut()
        .unwrap()
        .remove("timestampVerificationData");
    let said = verify(&Evidence::Bundle(without.to_string()), b"", &wanted);
    assert_eq!(said, Err(SignatureError::NoTime));
    // A log that was retired before that time.
    let mut root: Value = serde_json::from_slice(&file("staging_root.json")).unwrap();
    for log in root["tlogs"].as_array_mut().unwrap() {
        log["publicKey"]["validFor"] = serde_json::json!({ "end": "2025-01-01T00:00:00Z" });
    }
    let root = TrustedRoot::parse(&root.to_string()).unwrap();
    let retired = identity("jku@goto.fi", "https://github.com/login/oauth", root);
    let said = verify(&bundle(name), b"", &retired)
        .unwrap_err()
        .to_string();
    assert!(said.contains("the log's key was not trusted at"), "{said}");
    // The public instance is not the staging one.
    let public = identity("jku@goto.fi", "x", TrustedRoot::public().unwrap());
    let said = verify(&bundle(name), b"", &public).unwrap_err().to_string();
    assert!(said.contains("its timestamp does not hold"), "{said}");
}

#[test]
fn a_published_signature_by_a_key_verifies_by_that_key_alone() {
    let key = PublicKey::from_pem(&file("key.pub")).unwrap();
    let wanted = Wanted::Key(key.clone());
    let (evidence, artifact) = (bundle("key.sigstore.json"), file("key.txt"));
    let found = verify(&evidence, &artifact, &wanted);
    assert_eq!(found, Ok(Signer::Key(key.fingerprint())));
    let (blob, other, identity) = blob();
    assert!(matches!(
        verify(&evidence, &other, &wanted),
        Err(SignatureError::Key { .. })
    ));
    assert!(matches!(
        verify(&blob, &other, &wanted),
        Err(SignatureError::Key { .. })
    ));
    let said = verify(&evidence, &artifact, &identity);
    assert_eq!(said, Err(SignatureError::NoCertificate));
}

/// Each text of a published bundle, with a byte of it changed at its beginning, in its middle and at its end.
#[test]
fn no_byte_of_a_published_bundle_can_be_changed() {
    let (evidence, artifact, wanted) = blob();
    let Evidence::Bundle(text) = &evidence else {
        unreachable!()
    };
    let bundle: Value = serde_json::from_str(text).unwrap();
    let mut places = Vec::new();
    texts(&bundle, String::new(), &mut places);
    // What nothing is decided by: what the bundle says again of what is signed, and the number under which people
    // find the entry's kind.
    let said_twice = [
        "/messageSignature/messageDigest/digest",
        "/messageSignature/messageDigest/algorithm",
        "/kindVersion/kind",
        "/kindVersion/version",
    ];
    places.retain(|place| !said_twice.iter().any(|other| place.ends_with(other)));
    assert!(places.len() > 15, "{places:?}");
    for place in places {
        let whole = bundle.pointer(&place).unwrap().as_str().unwrap();
        let steps = [0, whole.len() / 3, whole.len() / 2, whole.len() - 1];
        for at in steps {
            let Some((at, old)) = whole[at..]
                .char_indices()
                .map(|(n, c)| (at + n, c))
                .find(|(_, c)| c.is_ascii_alphanumeric())
            else {
                continue;
            };
            let new = if old == '7' {
                '6'
            } else if old == 'A' {
                'J'
            } else if old.is_ascii_digit() {
                '7'
            } else {
                'A'
            };
            let mut changed = whole.to_owned();
            changed.replace_range(at..=at, &new.to_string());
            let mut tampered = bundle.clone();
            *tampered.pointer_mut(&place).unwrap() = changed.into();
            let said = verify(&Evidence::Bundle(tampered.to_string()), &artifact, &wanted);
            assert!(said.is_err(), "{place}, at {at}: {old} -> {new}");
        }
    }
}

/// Neither its certificate nor its timestamp ends a gateway, whatever they are made into; and a certificate is none
/// that was changed.
#[test]
fn whatever_a_certificate_or_a_timestamp_is_made_into_is_an_error() {
    let (evidence, artifact, wanted) = blob();
    let Evidence::Bundle(text) = &evidence else {
        unreachable!()
    };
    let bundle: Value = serde_json::from_str(text).unwrap();
    let stamp =
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
    for (place, each_bit) in [
        ("/verificationMaterial/certificate/rawBytes", true),
        (stamp, false),
    ] {
        let whole = bundle.pointer(place).unwrap().as_str().unwrap();
        let whole = STANDARD.decode(whole).unwrap();
        let judge = |bytes: &[u8]| {
            let mut changed = bundle.clone();
            *changed.pointer_mut(place).unwrap() = STANDARD.encode(bytes).into();
            verify(&Evidence::Bundle(changed.to_string()), &artifact, &wanted)
        };
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            let said = judge(&changed);
            assert!(said.is_err() || !each_bit, "{place}: byte {at}");
            assert!(
                judge(&whole[..at]).is_err(),
                "{place}: the first {at} bytes"
            );
        }
    }
}

/// The pointers of all texts.
fn texts(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place),
        Value::Array(all) => {
            for (at, one) in all.iter().enumerate() {
                texts(one, format!("{place}/{at}"), found);
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                texts(one, format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}
