//! Signers of images, and what Sigstore is for those without a key of their own: an authority of certificates, a log of
//! them, and a transparency log. All keys are made anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SerialNumber, SigningKey, date_time_ymd,
};
use serde_json::{Value, json};

/// When certificates begin, and when the log takes entries in: the first of January 2026, at midnight and at noon.
/// They end a day later.
pub const NOON: u64 = 1_767_268_800;

/// Who signs, unless a test says otherwise.
pub const IDENTITY: &str =
    "https://github.com/example/notes/.github/workflows/release.yml@refs/tags/v1";
/// Who vouches for that name.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// An authority of certificates with its logs.
pub struct Authority {
    root: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    certificate_log: KeyPair,
    log: KeyPair,
}

/// A certificate with its key.
pub struct Certified {
    key: KeyPair,
    der: Vec<u8>,
}

/// What differs from a good certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certify {
    /// Nothing.
    Well,
    /// No log of certificates promised to show it.
    Unlogged,
    /// It is meant for servers.
    ForServers,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// # Panics
    /// Where a key cannot be made.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = name("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2035, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            root: Issuer::new(params, key),
            certificate,
            certificate_log: KeyPair::generate().unwrap(),
            log: KeyPair::generate().unwrap(),
        }
    }

    /// Its `trusted_root.json`.
    pub fn trusted_root(&self) -> Value {
        let log = |key: &KeyPair| {
            json!({
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.subject_public_key_info()),
                    "validFor": { "start": "2025-01-01T00:00:00Z" },
                },
                "logId": { "keyId": STANDARD.encode(id(key)) },
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.log)],
            "ctlogs": [log(&self.certificate_log)],
            "certificateAuthorities": [{
                "certChain": { "certificates": [{ "rawBytes": STANDARD.encode(&self.certificate) }] },
                "validFor": { "start": "2025-01-01T00:00:00Z" },
            }],
        })
    }

    /// A certificate for a day.
    ///
    /// # Panics
    /// Where a name is none.
    pub fn certify(&self, identity: &str, issuer: &str, how: Certify) -> Certified {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from(id(&key)[..8].to_vec()));
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 1, 2);
        params.subject_alt_names = vec![match identity.contains("://") {
            true => SanType::URI(identity.try_into().unwrap()),
            false => SanType::Rfc822Name(identity.try_into().unwrap()),
        }];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match how {
            Certify::ForServers => ExtendedKeyUsagePurpose::ServerAuth,
            _ => ExtendedKeyUsagePurpose::CodeSigning,
        }];
        let text = [
            &[0x0c, u8::try_from(issuer.len()).unwrap()],
            issuer.as_bytes(),
        ]
        .concat();
        let fulcio = [1, 3, 6, 1, 4, 1, 57264, 1, 8];
        params.custom_extensions = vec![CustomExtension::from_oid_content(&fulcio, text)];
        let der = params.signed_by(&key, &self.root).unwrap().der().to_vec();
        if how == Certify::Unlogged {
            return Certified { key, der };
        }
        let promise = self.promise(first_element(&der));
        let promises = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
        let promise = CustomExtension::from_oid_content(&promises, promise);
        params.custom_extensions.push(promise);
        let der = params.signed_by(&key, &self.root).unwrap().der().to_vec();
        Certified { key, der }
    }

    /// What a log of certificates says of one that has no promise yet.
    fn promise(&self, certificate: &[u8]) -> Vec<u8> {
        let time = (NOON * 1000).to_be_bytes();
        let issuer = sha256(&self.root.key().subject_public_key_info());
        let long = u32::try_from(certificate.len()).unwrap().to_be_bytes();
        let signed = [
            &[0, 0][..],
            &time,
            &[0, 1],
            &issuer,
            &long[1..],
            certificate,
            &[0, 0],
        ]
        .concat();
        let signature = self.certificate_log.sign(&signed).unwrap();
        let long = u16::try_from(signature.len()).unwrap().to_be_bytes();
        let one = [
            &[0][..],
            &id(&self.certificate_log),
            &time,
            &[0, 0, 4, 3],
            &long,
            &signature,
        ]
        .concat();
        let list = block(&block(&one));
        let long = u8::try_from(list.len()).unwrap();
        match long < 0x80 {
            true => [&[4, long][..], &list].concat(),
            false => [&[4, 0x81, long][..], &list].concat(),
        }
    }

    /// An entry of the log, the first of two.
    ///
    /// # Panics
    /// Where it cannot be signed.
    pub fn entry(&self, kind: &str, spec: &Value) -> Value {
        let body = json!({ "apiVersion": "0.0.1", "kind": kind, "spec": spec }).to_string();
        let other = sha256(b"\0another entry");
        let own = sha256(&[&[0], body.as_bytes()].concat());
        let root = STANDARD.encode(sha256(&[&[1], &own[..], &other].concat()));
        let tree = format!("log.example - 1\n2\n{root}\n");
        let key = id(&self.log);
        let signed = self.log.sign(tree.as_bytes()).unwrap();
        let signed = STANDARD.encode([&key[..4], &signed].concat());
        let body = STANDARD.encode(body);
        let promised = format!(
            "{{\"body\":\"{body}\",\"integratedTime\":{NOON},\"logID\":\"{}\",\"logIndex\":7}}",
            hex(&key)
        );
        json!({
            "logIndex": "7",
            "logId": { "keyId": STANDARD.encode(key) },
            "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": NOON.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": STANDARD.encode(self.log.sign(promised.as_bytes()).unwrap()),
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "2",
                "hashes": [STANDARD.encode(other)],
                "checkpoint": { "envelope": format!("{tree}\n\u{2014} log.example {signed}\n") },
            },
            "canonicalizedBody": body,
        })
    }

    /// A bundle (v0.3) of a statement, as cosign writes it since version 3.
    ///
    /// # Panics
    /// Where it cannot be signed.
    pub fn bundle(&self, by: &Certified, statement: &Value) -> Value {
        let payload = statement.to_string();
        let (envelope, signature) = envelope(&by.key, &payload);
        let spec = json!({
            "payloadHash": { "algorithm": "sha256", "value": hex(&sha256(payload.as_bytes())) },
            "signatures": [{ "signature": signature, "verifier": STANDARD.encode(by.pem()) }],
        });
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(&by.der) },
                "tlogEntries": [self.entry("dsse", &spec)],
            },
            "dsseEnvelope": envelope,
        })
    }

    /// The annotations of a layer under the tag `sha256-….sig`, as cosign wrote them before.
    ///
    /// # Panics
    /// Where it cannot be signed.
    pub fn annotations(&self, by: &Certified, payload: &str) -> Value {
        let signature = STANDARD.encode(by.key.sign(payload.as_bytes()).unwrap());
        let spec = json!({
            "data": { "hash": { "algorithm": "sha256", "value": hex(&sha256(payload.as_bytes())) } },
            "signature": { "content": signature, "publicKey": { "content": STANDARD.encode(by.pem()) } },
        });
        let entry = self.entry("hashedrekord", &spec);
        let bundle = json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": NOON,
                "logIndex": 7,
                "logID": hex(&id(&self.log)),
            },
        });
        json!({
            "dev.cosignproject.cosign/signature": signature,
            "dev.sigstore.cosign/certificate": by.pem(),
            "dev.sigstore.cosign/bundle": bundle.to_string(),
        })
    }
}

impl Certified {
    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
        let lines = lines.collect::<Vec<_>>().join("\n");
        format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    }
}

/// A signer with a key of its own, as `cosign generate-key-pair` makes it.
pub struct KeySigner(KeyPair);

impl Default for KeySigner {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySigner {
    /// # Panics
    /// Where no key can be made.
    pub fn new() -> Self {
        Self::of(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    /// With a key of this kind.
    ///
    /// # Panics
    /// Where no key can be made.
    pub fn of(kind: &'static rcgen::SignatureAlgorithm) -> Self {
        Self(KeyPair::generate_for(kind).unwrap())
    }

    /// The public key in PEM.
    pub fn public(&self) -> String {
        self.0.public_key_pem()
    }

    /// SHA-256 of the public key.
    pub fn fingerprint(&self) -> String {
        hex(&id(&self.0))
    }

    /// The annotations of a layer under the tag `sha256-….sig`.
    ///
    /// # Panics
    /// Where it cannot be signed.
    pub fn annotations(&self, payload: &str) -> Value {
        let signature = STANDARD.encode(self.0.sign(payload.as_bytes()).unwrap());
        json!({ "dev.cosignproject.cosign/signature": signature })
    }

    /// A bundle (v0.3) of a statement.
    pub fn bundle(&self, statement: &Value) -> Value {
        let (envelope, _) = envelope(&self.0, &statement.to_string());
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": "x" } },
            "dsseEnvelope": envelope,
        })
    }
}

/// What cosign signs of an image.
pub fn payload(digest: &str) -> String {
    json!({
        "critical": {
            "identity": { "docker-reference": "" },
            "image": { "docker-manifest-digest": digest },
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
}

/// What cosign signs of an image since version 3.
pub fn statement(digest: &str) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "digest": { "sha256": digest.trim_start_matches("sha256:") } }],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    })
}

fn envelope(key: &KeyPair, payload: &str) -> (Value, String) {
    let kind = "application/vnd.in-toto+json";
    let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    let signature = STANDARD.encode(key.sign(signed.as_bytes()).unwrap());
    let envelope = json!({
        "payload": STANDARD.encode(payload),
        "payloadType": kind,
        "signatures": [{ "sig": signature }],
    });
    (envelope, signature)
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn id(key: &KeyPair) -> Vec<u8> {
    sha256(&key.subject_public_key_info())
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().to_vec()
}

/// `sha256:` and the digits of these bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha256(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes behind their length.
fn block(bytes: &[u8]) -> Vec<u8> {
    let long = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&long[..], bytes].concat()
}

/// The first element within a sequence in DER, both with lengths of two bytes.
fn first_element(sequence: &[u8]) -> &[u8] {
    let within = &sequence[4..];
    assert_eq!((sequence[1], within[1]), (0x82, 0x82));
    let long = usize::from(u16::from_be_bytes([within[2], within[3]]));
    &within[..4 + long]
}
