//! The authority that one program trusts: it may vouch for the hosts of its list and for nothing else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sandgate_address::Host;

/// How many years a certificate is valid: no gateway runs longer.
const YEARS: i32 = 10;

/// A certificate of an authority, and for each host what a server with a certificate of it shows.
pub(crate) struct Authority {
    pem: String,
    servers: BTreeMap<String, Arc<ServerConfig>>,
}

impl Authority {
    /// Makes the keys and certificates. The authority's own key is forgotten at the end.
    pub(crate) fn new(hosts: &[&Host]) -> Result<Self, String> {
        let failed = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.distinguished_name.push(
            DnType::CommonName,
            "Sandgate, for one server of this machine",
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(constraints(hosts));
        bounded(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(failed)?)
            .map_err(failed)?;
        let mut servers = BTreeMap::new();
        for host in hosts {
            let name = bare(host);
            let mut params = CertificateParams::new(vec![name.clone()]).map_err(failed)?;
            params
                .distinguished_name
                .push(DnType::CommonName, "Sandgate");
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.use_authority_key_identifier_extension = true;
            bounded(&mut params);
            let key = KeyPair::generate().map_err(failed)?;
            let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key);
            let mut config = config.map_err(|error| error.to_string())?;
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            servers.insert(name, Arc::new(config));
        }
        Ok(Self {
            pem: issuer.pem(),
            servers,
        })
    }

    pub(crate) fn certificate(&self) -> &str {
        &self.pem
    }

    pub(crate) fn server(&self, host: &Host) -> Option<Arc<ServerConfig>> {
        self.servers.get(&bare(host)).cloned()
    }
}

fn bare(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Ip(address) => address.to_string(),
    }
}

/// These hosts alone. A kind of name of which none is permitted is excluded whole: else it would be free.
fn constraints(hosts: &[&Host]) -> NameConstraints {
    let permitted: Vec<_> = hosts
        .iter()
        .map(|host| match host {
            Host::Name(name) => GeneralSubtree::DnsName(name.clone()),
            Host::Ip(IpAddr::V4(address)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address.octets(), 32))
            }
            Host::Ip(IpAddr::V6(address)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address.octets(), 128))
            }
        })
        .collect();
    let mut excluded = Vec::new();
    if !hosts.iter().any(|host| matches!(host, Host::Name(_))) {
        excluded.push(GeneralSubtree::DnsName(String::new()));
    }
    if !hosts.iter().any(|host| matches!(host, Host::Ip(_))) {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(
            [0; 4], 0,
        )));
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
            [0; 16], 0,
        )));
    }
    NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: excluded,
    }
}

/// From last year on, so that a clock that is a little slow matters to nobody.
fn bounded(params: &mut CertificateParams) {
    let days = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |age| age.as_secs() / 86_400);
    let year = 1970 + i32::try_from(days / 366).unwrap_or(0);
    params.not_before = date_time_ymd(year - 1, 1, 1);
    params.not_after = date_time_ymd(year + YEARS, 1, 1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    /// What a client says of a certificate for a name, of an authority that may vouch for these hosts.
    fn judged(hosts: &[&str], name: &str) -> Result<(), rustls::Error> {
        let hosts: Vec<Host> = hosts
            .iter()
            .map(|host| Host::parse(host).unwrap())
            .collect();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.name_constraints = Some(constraints(&hosts.iter().collect::<Vec<_>>()));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier
            .verify_server_cert(leaf.der(), &[], &name, &[], UnixTime::now())
            .map(drop)
    }

    #[test]
    fn an_authority_vouches_for_its_hosts_and_for_no_other_name_or_address() {
        for (hosts, name) in [
            (&["api.example.com"][..], "api.example.com"),
            (&["127.0.0.1"], "127.0.0.1"),
        ] {
            assert!(judged(hosts, name).is_ok(), "{name}");
        }
        for (hosts, name) in [
            (&["api.example.com"][..], "example.com"),
            (&["api.example.com"], "evil.example"),
            (&["api.example.com"], "127.0.0.1"),
            (&["127.0.0.1"], "127.0.0.2"),
            (&["127.0.0.1"], "api.example.com"),
            (&["api.example.com", "127.0.0.1"], "other.example.com"),
        ] {
            assert!(judged(hosts, name).is_err(), "{hosts:?} vouches for {name}");
        }
    }

    #[test]
    fn its_certificates_are_trusted_by_who_trusts_it() {
        let hosts = ["localhost", "10.0.0.7"].map(|host| Host::parse(host).unwrap());
        let authority = Authority::new(&hosts.iter().collect::<Vec<_>>()).unwrap();
        assert!(
            authority
                .certificate()
                .starts_with("-----BEGIN CERTIFICATE-----")
        );
        for host in &hosts {
            assert!(authority.server(host).is_some());
        }
        assert!(
            authority
                .server(&Host::parse("other.example").unwrap())
                .is_none()
        );
    }
}
