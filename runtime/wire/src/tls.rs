//! TLS certificates: the gateway's own for its clients, and the authorities that are trusted for a server. Both are
//! read from PEM text; the caller reads the files.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The gateway's TLS identity: a certificate chain and its key, checked against each other.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    until: SystemTime,
}

/// Why a certificate and key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The text contains no certificate.
    #[error("there is no certificate in it (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("certificate {0} of it cannot be read: {1}")]
    Certificate(usize, String),
    /// A certificate has expired.
    #[error("certificate {} of it expired {} ago", .0, ago(.1))]
    Expired(usize, Duration),
    /// A certificate is not valid yet.
    #[error("certificate {} of it is valid only in {}", .0, ago(.1))]
    NotYet(usize, Duration),
    /// The text contains no usable key. The reason is the parser's, which never repeats the text.
    #[error("there is no private key in it that can be used: {0}")]
    Key(String),
    /// The key does not belong to the certificate.
    #[error("the key does not belong to the certificate")]
    Strangers,
}

impl IdentityError {
    /// Whether the error is about the key, and not about the certificate.
    pub fn is_about_key(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Strangers)
    }
}

/// What a client's certificate says of it. The certificate was verified when the connection began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    names: Vec<String>,
    until: SystemTime,
}

/// The certificate authorities that are trusted for a server, or for clients.
#[derive(Clone, Debug)]
pub struct Authorities(pub Arc<RootCertStore>);

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.0.roots == other.0.roots
    }
}

impl Identity {
    /// Creates an identity from a chain, with the gateway's own certificate first, and its key, checked at the time
    /// `now`. It offers HTTP/2 and HTTP/1.1 over TLS 1.2 and 1.3. With `clients`, those authorities may vouch for clients:
    /// a client may show a certificate, and one that they do not vouch for ends the connection.
    ///
    /// # Errors
    ///
    /// The chain or the key is one that clients would reject.
    pub fn from_pem(
        chain: &[u8],
        key: &[u8],
        clients: Option<&Authorities>,
        now: SystemTime,
    ) -> Result<Self, IdentityError> {
        let chain = certificates(chain)?;
        let mut until = None;
        for (number, certificate) in (1..).zip(&chain) {
            let end = judge(number, certificate, now)?;
            until = Some(until.map_or(end, |until: SystemTime| until.min(end)));
        }
        let until = until.ok_or(IdentityError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| IdentityError::Key(error.to_string()))?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(clients.0.clone(), provider())
                        .allow_unauthenticated()
                        .build()
                        .map_err(|error| IdentityError::Certificate(1, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let built = builder.with_single_cert(chain, key);
        let mut config = built.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => IdentityError::Strangers,
            rustls::Error::InvalidCertificate(why) => {
                IdentityError::Certificate(1, format!("{why:?}"))
            }
            other => IdentityError::Key(other.to_string()),
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            until,
        })
    }

    /// When the first certificate of the chain to expire does so.
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// The TLS configuration with this identity.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

impl ClientCertificate {
    /// Reads a verified certificate: its alternative names that are URIs, mail addresses or host names, or, where it has
    /// no alternative names, the common name of its subject. `None` if it cannot be read.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Certificate::from_der(certificate).ok()?;
        let body = parsed.tbs_certificate();
        let names = match body.get_extension::<SubjectAltName>().ok()? {
            Some((_, alternatives)) => {
                let all = alternatives.0.iter();
                all.filter_map(|name| match name {
                    GeneralName::UniformResourceIdentifier(name)
                    | GeneralName::Rfc822Name(name)
                    | GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
                    _ => None,
                })
                .collect()
            }
            None => {
                let name = body.subject().common_name().ok()?;
                name.map(|name| name.value().into_owned())
                    .into_iter()
                    .collect()
            }
        };
        Some(Self {
            names,
            until: body.validity().not_after.to_system_time(),
        })
    }

    /// The names that the certificate has at the time `now`: none once it has expired.
    pub fn names(&self, now: SystemTime) -> &[String] {
        match now < self.until {
            true => &self.names,
            false => &[],
        }
    }
}

impl Authorities {
    /// Reads one or several certificates.
    ///
    /// # Errors
    ///
    /// There is no certificate, or one cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, IdentityError> {
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(certificates(text)?) {
            let added = roots.add(certificate);
            added.map_err(|error| IdentityError::Certificate(number, error.to_string()))?;
        }
        Ok(Self(Arc::new(roots)))
    }
}

/// The cryptography of all TLS here: ring.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let read: Result<Vec<_>, _> = (1..)
        .zip(CertificateDer::pem_slice_iter(text))
        .map(|(number, one)| {
            one.map_err(|error| IdentityError::Certificate(number, error.to_string()))
        })
        .collect();
    match read? {
        none if none.is_empty() => Err(IdentityError::NoCertificate),
        some => Ok(some),
    }
}

/// The end of a certificate's validity.
///
/// # Errors
///
/// The certificate cannot be read, or is not valid at the time `now`.
fn judge(
    number: usize,
    certificate: &CertificateDer<'_>,
    now: SystemTime,
) -> Result<SystemTime, IdentityError> {
    let parsed = Certificate::from_der(certificate)
        .map_err(|error| IdentityError::Certificate(number, error.to_string()))?;
    let validity = parsed.tbs_certificate().validity();
    let (from, until) = (
        validity.not_before.to_system_time(),
        validity.not_after.to_system_time(),
    );
    if let Ok(over) = now.duration_since(until) {
        return Err(IdentityError::Expired(number, over));
    }
    if let Ok(early) = from.duration_since(now)
        && !early.is_zero()
    {
        return Err(IdentityError::NotYet(number, early));
    }
    Ok(until)
}

/// A duration in its largest unit.
fn ago(time: &Duration) -> String {
    let seconds = time.as_secs();
    for (unit, length) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] {
        match seconds / length {
            0 => {}
            1 => return format!("1 {unit}"),
            many => return format!("{many} {unit}s"),
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    struct Made {
        certificate: String,
        key: String,
    }

    fn made(adjust: impl FnOnce(&mut CertificateParams)) -> Made {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        adjust(&mut params);
        Made {
            certificate: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn read(certificate: &str, key: &str) -> Result<Identity, IdentityError> {
        Identity::from_pem(
            certificate.as_bytes(),
            key.as_bytes(),
            None,
            SystemTime::now(),
        )
    }

    #[test]
    fn a_chain_and_its_key_are_an_identity_for_as_long_as_all_of_it_is_valid() {
        let (long, short) = (
            made(|params| params.not_after = date_time_ymd(2200, 1, 1)),
            made(|params| params.not_after = date_time_ymd(2100, 1, 1)),
        );
        let chain = format!("{}{}", long.certificate, short.certificate);
        let identity = read(&chain, &long.key).unwrap();
        let until = SystemTime::from(date_time_ymd(2100, 1, 1));
        assert_eq!(identity.until(), until);
        assert_eq!(identity.config().alpn_protocols.len(), 2);
    }

    #[test]
    fn a_clients_certificate_has_its_alternative_names_or_else_its_common_name() {
        use rcgen::{DnType, SanType};
        let names = |adjust: &dyn Fn(&mut CertificateParams)| {
            let made = made(|params| adjust(params));
            let der = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
            let read = ClientCertificate::of(&der).unwrap();
            assert!(
                read.names(SystemTime::from(date_time_ymd(5000, 1, 1)))
                    .is_empty()
            );
            read.names(SystemTime::now()).to_vec()
        };
        let spiffe = "spiffe://example.com/agent";
        let all = names(&|params| {
            params.subject_alt_names = vec![
                SanType::URI(spiffe.try_into().unwrap()),
                SanType::Rfc822Name("ada@example.com".try_into().unwrap()),
                SanType::IpAddress([127, 0, 0, 1].into()),
            ];
            params.distinguished_name.push(DnType::CommonName, "root");
        });
        assert_eq!(all, [spiffe, "ada@example.com"]);
        let common = names(&|params| {
            params.subject_alt_names = Vec::new();
            params.distinguished_name.push(DnType::CommonName, "ada");
        });
        assert_eq!(common, ["ada"]);
    }

    #[test]
    fn what_clients_would_turn_away_from_is_no_identity() {
        let good = made(|_| {});
        let old = made(|params| params.not_after = date_time_ymd(2020, 1, 1));
        let early = made(|params| params.not_before = date_time_ymd(2190, 1, 1));
        let error = |certificate: &str, key: &str| read(certificate, key).err().unwrap();
        assert!(matches!(
            error(&old.certificate, &old.key),
            IdentityError::Expired(1, _)
        ));
        assert!(matches!(
            error(&early.certificate, &early.key),
            IdentityError::NotYet(1, _)
        ));
        let chain = format!("{}{}", good.certificate, old.certificate);
        assert!(matches!(
            error(&chain, &good.key),
            IdentityError::Expired(2, _)
        ));
        assert_eq!(error(&good.certificate, &old.key), IdentityError::Strangers);
        assert_eq!(error("", &good.key), IdentityError::NoCertificate);
        assert!(error(&good.certificate, "").is_about_key());
        assert!(error(&good.certificate, &good.certificate).is_about_key());
        let cut = good.certificate.replace("-----END", "----END");
        assert!(matches!(
            error(&cut, &good.key),
            IdentityError::Certificate(1, _)
        ));
    }

    #[test]
    fn an_error_never_repeats_the_key() {
        let good = made(|_| {});
        let broken = good.key.replace("-----END", "-----ENDE");
        let secret = good.key.lines().nth(1).unwrap();
        let said = read(&good.certificate, &broken).err().unwrap();
        assert!(!format!("{said} {said:?}").contains(secret));
    }

    #[test]
    fn authorities_are_certificates_and_nothing_else() {
        let good = made(|_| {});
        assert_eq!(
            Authorities::from_pem(good.certificate.as_bytes())
                .unwrap()
                .0
                .len(),
            1
        );
        assert!(Authorities::from_pem(good.key.as_bytes()).is_err());
        assert!(Authorities::from_pem(b"").is_err());
    }

    #[test]
    fn time_is_told_in_its_largest_unit() {
        for (seconds, text) in [
            (5, "5 s"),
            (60, "1 minute"),
            (7_200, "2 hours"),
            (172_801, "2 days"),
        ] {
            assert_eq!(ago(&Duration::from_secs(seconds)), text);
        }
    }
}
