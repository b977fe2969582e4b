//! Each way in which a signature does not count, by an authority and logs of the tests' own.
#![allow(clippy::unwrap_used)]

#[path = "../../../tests/harness/authority.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod authority;

use std::sync::Arc;

use authority::{Authority, Certify, IDENTITY, ISSUER, KeySigner, digest, payload, statement};
use sandgate_signature::{
    Evidence, Identity, PublicKey, SignatureError, Signer, SimpleSigning, TrustedRoot, Wanted,
    verify,
};
use serde_json::{Value, json};

const IMAGE: &[u8] = br#"{"config":{}}"#;

fn wanted(authority: &Authority, identity: &str) -> Wanted {
    Wanted::Identity(Identity {
        identity: identity.into(),
        issuer: ISSUER.into(),
        root: Arc::new(TrustedRoot::parse(&authority.trusted_root().to_string()).unwrap()),
    })
}

fn simple(payload: &str, annotations: &Value) -> Evidence {
    let text = |name: &str| annotations[name].as_str().map(str::to_owned);
    Evidence::SimpleSigning(SimpleSigning {
        payload: payload.to_owned(),
        signature: text("dev.cosignproject.cosign/signature").unwrap_or_default(),
        certificate: text("dev.sigstore.cosign/certificate"),
        bundle: text("dev.sigstore.cosign/bundle"),
        timestamp: None,
    })
}

fn bundle(bundle: &Value) -> Evidence {
    Evidence::Bundle(bundle.to_string())
}

#[test]
fn a_key_signs_one_digest_in_either_form() {
    let (signer, other) = (KeySigner::new(), KeySigner::new());
    let key =
        |signer: &KeySigner| Wanted::Key(PublicKey::from_pem(signer.public().as_bytes()).unwrap());
    let own = payload(&digest(IMAGE));
    let forms = [
        simple(&own, &signer.annotations(&own)),
        bundle(&signer.bundle(&statement(&digest(IMAGE)))),
    ];
    for form in &forms {
        let found = verify(form, IMAGE, &key(&signer));
        assert_eq!(found, Ok(Signer::Key(signer.fingerprint())));
        assert!(matches!(
            verify(form, IMAGE, &key(&other)),
            Err(SignatureError::Key { .. })
        ));
        let replayed = verify(form, b"another", &key(&signer));
        assert!(
            matches!(&replayed, Err(SignatureError::OtherDigest { signed, .. }) if *signed == digest(IMAGE)),
            "{replayed:?}"
        );
    }
    // The payload names the image, and the signature is of another payload.
    let swapped = simple(&own, &signer.annotations(&payload(&digest(b"another"))));
    assert!(matches!(
        verify(&swapped, IMAGE, &key(&signer)),
        Err(SignatureError::Key { .. })
    ));
}

#[test]
fn keys_of_each_kind_sign() {
    for kind in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let signer = KeySigner::of(kind);
        let key = Wanted::Key(PublicKey::from_pem(signer.public().as_bytes()).unwrap());
        let signed = bundle(&signer.bundle(&statement(&digest(IMAGE))));
        let found = verify(&signed, IMAGE, &key);
        assert_eq!(found, Ok(Signer::Key(signer.fingerprint())), "{kind:?}");
        let other = KeySigner::of(kind).bundle(&statement(&digest(IMAGE)));
        let said = verify(&bundle(&other), IMAGE, &key);
        assert!(matches!(said, Err(SignatureError::Key { .. })), "{kind:?}");
    }
}

#[test]
fn what_else_a_key_signs_of_an_image_is_no_signature_of_it() {
    let signer = KeySigner::new();
    let key = Wanted::Key(PublicKey::from_pem(signer.public().as_bytes()).unwrap());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut statement = statement(&digest(IMAGE));
        change(&mut statement);
        verify(&bundle(&signer.bundle(&statement)), IMAGE, &key)
    };
    let provenance = "https://slsa.dev/provenance/v1";
    with(&|it| it["predicateType"] = provenance.into()).unwrap();
    for (change, words) in [
        (
            (&|it: &mut Value| it["predicateType"] = "https://example.com/scan-failed".into())
                as &dyn Fn(&mut Value),
            "https://example.com/scan-failed, which says nothing of who made",
        ),
        (&|it| it["_type"] = "x".into(), "the kind x"),
        (
            &|it| it["subject"] = json!([]),
            "a signature of sha256:nothing",
        ),
        (
            &|it| it["subject"][0]["digest"] = json!({ "sha1": "00" }),
            "sha256:nothing",
        ),
        (&|it| it["subject"] = Value::Null, "malformed"),
    ] {
        let said = with(change).unwrap_err().to_string();
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    let text = payload(&digest(IMAGE)).replace("container image signature", "attestation");
    let said = verify(&simple(&text, &signer.annotations(&text)), IMAGE, &key);
    assert!(
        matches!(said, Err(SignatureError::Statement(_))),
        "{said:?}"
    );
}

#[test]
fn an_identity_signs_in_either_form_and_its_certificate_may_have_ended_since() {
    let authority = Authority::new();
    let by = authority.certify(IDENTITY, ISSUER, Certify::Well);
    let own = payload(&digest(IMAGE));
    for form in [
        simple(&own, &authority.annotations(&by, &own)),
        bundle(&authority.bundle(&by, &statement(&digest(IMAGE)))),
    ] {
        for who in [IDENTITY, "https://github.com/example/notes/*"] {
            let found = verify(&form, IMAGE, &wanted(&authority, who)).unwrap();
            assert_eq!(found.to_string(), format!("{IDENTITY} ({ISSUER})"));
        }
        let said = verify(&form, b"another", &wanted(&authority, IDENTITY));
        assert!(said.is_err(), "{said:?}");
        let said = verify(
            &form,
            IMAGE,
            &wanted(&authority, "https://github.com/example/notes"),
        );
        assert!(
            matches!(said, Err(SignatureError::Identity { .. })),
            "{said:?}"
        );
        let said = verify(&form, IMAGE, &wanted(&Authority::new(), IDENTITY));
        assert!(matches!(said, Err(SignatureError::LogEntry(_))), "{said:?}");
    }
}

#[test]
fn each_part_of_an_identitys_signature_must_hold() {
    let authority = Authority::new();
    let by = authority.certify(IDENTITY, ISSUER, Certify::Well);
    let good = authority.bundle(&by, &statement(&digest(IMAGE)));
    let entry = "/verificationMaterial/tlogEntries/0";
    let proof = format!("{entry}/inclusionProof");
    let other = authority.bundle(&by, &statement(&digest(b"another")));
    let others = Authority::new().bundle(&by, &statement(&digest(IMAGE)));
    let certificate = authority.certify(IDENTITY, ISSUER, Certify::Well);
    let second = authority.bundle(&certificate, &statement(&digest(IMAGE)));
    let cases: Vec<(&str, String, Value, &str)> = vec![
        ("another kind", "/mediaType".into(), "x".into(), "malformed"),
        (
            "no entry",
            "/verificationMaterial/tlogEntries".into(),
            json!([]),
            "in no transparency log",
        ),
        (
            "too many entries",
            "/verificationMaterial/tlogEntries".into(),
            vec![good.pointer(entry).unwrap().clone(); 5].into(),
            "more than 4 entries",
        ),
        (
            "an entry of another log",
            entry.into(),
            others.pointer(entry).unwrap().clone(),
            "no log",
        ),
        (
            "an entry of another statement",
            entry.into(),
            other.pointer(entry).unwrap().clone(),
            "something else that was signed",
        ),
        (
            "an entry of another certificate",
            entry.into(),
            second.pointer(entry).unwrap().clone(),
            "another signature",
        ),
        (
            "a time nobody signed",
            format!("{entry}/integratedTime"),
            "1767268801".into(),
            "not signed by it",
        ),
        (
            "a number nobody signed",
            format!("{entry}/logIndex"),
            "8".into(),
            "not signed by it",
        ),
        (
            "no proof",
            proof.clone(),
            Value::Null,
            "without `inclusionProof`",
        ),
        (
            "another place in the tree",
            format!("{proof}/logIndex"),
            "1".into(),
            "does not lead to the root",
        ),
        (
            "another tree",
            format!("{proof}/treeSize"),
            "3".into(),
            "does not lead to the root",
        ),
        (
            "no hashes",
            format!("{proof}/hashes"),
            json!([]),
            "does not lead to the root",
        ),
        (
            "too many hashes",
            format!("{proof}/hashes"),
            vec![json!("AA=="); 65].into(),
            "too long",
        ),
        (
            "a checkpoint of another tree",
            format!("{proof}/checkpoint"),
            other
                .pointer(&format!("{proof}/checkpoint"))
                .unwrap()
                .clone(),
            "of another tree",
        ),
        (
            "a checkpoint of nobody's",
            format!("{proof}/checkpoint/envelope"),
            good.pointer(&format!("{proof}/checkpoint/envelope"))
                .unwrap()
                .as_str()
                .unwrap()
                .split('\u{2014}')
                .next()
                .unwrap()
                .into(),
            "not signed by the log",
        ),
        (
            "another certificate",
            "/verificationMaterial/certificate".into(),
            second["verificationMaterial"]["certificate"].clone(),
            "not signed with the key of its certificate",
        ),
        (
            "a certificate that is none",
            "/verificationMaterial/certificate/rawBytes".into(),
            "AAAA".into(),
            "cannot be read",
        ),
        (
            "a chain beside the certificate",
            "/verificationMaterial/x509CertificateChain".into(),
            json!({ "certificates": [second["verificationMaterial"]["certificate"]] }),
            "both `certificate` and",
        ),
        (
            "no certificate",
            "/verificationMaterial/certificate".into(),
            Value::Null,
            "no certificate",
        ),
        (
            "another envelope",
            "/dsseEnvelope".into(),
            other["dsseEnvelope"].clone(),
            "an entry of something else",
        ),
        (
            "no envelope",
            "/dsseEnvelope".into(),
            Value::Null,
            "neither or both",
        ),
        (
            "another kind of payload",
            "/dsseEnvelope/payloadType".into(),
            "text/plain".into(),
            "not signed with the key",
        ),
        (
            "two signatures",
            "/dsseEnvelope/signatures".into(),
            vec![good["dsseEnvelope"]["signatures"][0].clone(); 2].into(),
            "2 signatures",
        ),
        (
            "a timestamp of nobody's",
            "/verificationMaterial/timestampVerificationData".into(),
            json!({ "rfc3161Timestamps": [{ "signedTimestamp": "MAA=" }] }),
            "timestamp does not hold",
        ),
    ];
    let judge = |bundle: &Value| {
        verify(
            &Evidence::Bundle(bundle.to_string()),
            IMAGE,
            &wanted(&authority, IDENTITY),
        )
    };
    judge(&good).unwrap();
    for (what, place, value, words) in cases {
        let mut changed = good.clone();
        set(&mut changed, &place, value);
        let said = judge(&changed).unwrap_err().to_string();
        assert!(said.contains(words), "{what}: {words:?} is not in {said}");
    }
    let huge = Evidence::Bundle(format!("{}{good}", " ".repeat(1 << 20)));
    let said = verify(&huge, IMAGE, &wanted(&authority, IDENTITY));
    assert!(
        matches!(said, Err(SignatureError::TooLarge { .. })),
        "{said:?}"
    );
}

#[test]
fn a_certificate_that_is_not_for_this_counts_for_nobody() {
    let authority = Authority::new();
    let said = |identity: &str, issuer: &str, how: Certify| {
        let by = authority.certify(identity, issuer, how);
        let bundle = bundle(&authority.bundle(&by, &statement(&digest(IMAGE))));
        verify(&bundle, IMAGE, &wanted(&authority, IDENTITY))
            .unwrap_err()
            .to_string()
    };
    for (identity, issuer, how, words) in [
        (
            "https://github.com/mallory/notes",
            ISSUER,
            Certify::Well,
            "signed by https://github.com/mallory/notes, and `identity` is",
        ),
        (
            IDENTITY,
            "https://accounts.example.com",
            Certify::Well,
            "https://accounts.example.com vouched",
        ),
        (
            IDENTITY,
            ISSUER,
            Certify::Unlogged,
            "in no log of certificates",
        ),
        (
            IDENTITY,
            ISSUER,
            Certify::ForServers,
            "does not lead to an authority",
        ),
        (
            "ada@example.com",
            ISSUER,
            Certify::Well,
            "signed by ada@example.com",
        ),
    ] {
        let said = said(identity, issuer, how);
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    // Given by an authority of the same name, and logged by another's log.
    let other = Authority::new();
    let by = other.certify(IDENTITY, ISSUER, Certify::Well);
    let forged = bundle(&authority.bundle(&by, &statement(&digest(IMAGE))));
    let said = verify(&forged, IMAGE, &wanted(&authority, IDENTITY));
    assert!(
        matches!(said, Err(SignatureError::Certificate(_))),
        "{said:?}"
    );
}

/// The certificate was good for a day, and the authority or the log was not believed then.
#[test]
fn what_was_not_believed_at_that_time_is_not_believed_later() {
    let authority = Authority::new();
    let by = authority.certify(IDENTITY, ISSUER, Certify::Well);
    let good = bundle(&authority.bundle(&by, &statement(&digest(IMAGE))));
    for (place, words) in [
        (
            "/certificateAuthorities/0/validFor",
            "none of its authorities was in force",
        ),
        (
            "/tlogs/0/publicKey/validFor",
            "the log's key was not trusted",
        ),
        (
            "/ctlogs/0/publicKey/validFor",
            "no promise is signed by one of these logs",
        ),
    ] {
        for period in [
            json!({ "start": "2026-02-01T00:00:00Z" }),
            json!({ "end": "2025-12-31T00:00:00Z" }),
        ] {
            let mut root = authority.trusted_root();
            *root.pointer_mut(place).unwrap() = period;
            let wanted = Wanted::Identity(Identity {
                identity: IDENTITY.into(),
                issuer: ISSUER.into(),
                root: Arc::new(TrustedRoot::parse(&root.to_string()).unwrap()),
            });
            let said = verify(&good, IMAGE, &wanted).unwrap_err().to_string();
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }
}

fn set(value: &mut Value, place: &str, new: Value) {
    if let Some(old) = value.pointer_mut(place) {
        *old = new;
        return;
    }
    let (folder, name) = place.rsplit_once('/').unwrap();
    value.pointer_mut(folder).unwrap()[name] = new;
}
