//! Whom a connection trusts.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, LazyLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use crate::FetchError;

/// The variables that name other authorities than the system's.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A client's TLS 1.2 and 1.3 with HTTP/1.1, which trusts these authorities, or, where none are given, those of the system
/// (Mozilla's where the system has none). Where `SSL_CERT_FILE` or `SSL_CERT_DIR` names others that cannot be read, it
/// trusts nobody.
pub fn client_config(roots: Option<Arc<RootCertStore>>) -> Arc<ClientConfig> {
    match roots {
        Some(roots) => finished(builder().with_root_certificates(roots)),
        None => of_the_system()
            .unwrap_or_else(|_| finished(builder().with_root_certificates(RootCertStore::empty()))),
    }
}

/// As [`client_config`], with the authorities of the system.
///
/// # Errors
///
/// `SSL_CERT_FILE` or `SSL_CERT_DIR` names authorities that cannot be read.
pub(crate) fn of_the_system() -> Result<Arc<ClientConfig>, FetchError> {
    static SYSTEM: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(|| {
        let read = builder().with_native_roots();
        trusting(read, |variable| std::env::var_os(variable)).map(finished)
    });
    let made = SYSTEM.clone();
    made.map_err(|why| FetchError::Tls(io::Error::other(why)))
}

/// Trusts what was read. Mozilla's authorities stand in where nobody has named others: whoever names some may want to
/// trust fewer.
fn trusting(
    read: io::Result<ConfigBuilder<ClientConfig, WantsClientCert>>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let why = match read {
        Ok(trusting) => return Ok(trusting),
        Err(why) => why,
    };
    let named = VARIABLES
        .into_iter()
        .find_map(|name| Some((name, variable(name)?)));
    match named {
        Some((name, value)) => Err(format!(
            "the variable {name} is {value:?}, where no authority can be read: {why}"
        )),
        None => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            Ok(builder().with_root_certificates(RootCertStore { roots }))
        }
    }
}

fn finished(trusting: ConfigBuilder<ClientConfig, WantsClientCert>) -> Arc<ClientConfig> {
    let mut config = trusting.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has the cipher suites of TLS 1.2 and 1.3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mozillas_authorities_stand_in_only_where_nobody_names_others() {
        let unreadable = || Err(io::Error::other("nothing there"));
        assert!(trusting(unreadable(), |_| None).is_ok());
        for variable in VARIABLES {
            let named = |name: &str| (name == variable).then(|| "/own/authorities".into());
            let why = trusting(unreadable(), named).map(drop).err();
            let why = why.unwrap_or_default();
            assert!(why.contains(variable), "{why}");
            assert!(why.contains("/own/authorities"), "{why}");
        }
        let read = Ok(builder().with_root_certificates(RootCertStore::empty()));
        assert!(trusting(read, |_| Some("x".into())).is_ok());
    }
}
