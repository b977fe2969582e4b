//! Whom a connection trusts.

use std::sync::{Arc, LazyLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// A client's TLS 1.2 and 1.3 with HTTP/1.1, which trusts these authorities, or, where none are given, those of the system
/// (Mozilla's where the system has none).
pub fn client_config(roots: Option<Arc<RootCertStore>>) -> Arc<ClientConfig> {
    static SYSTEM: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let trusting = builder().with_native_roots().unwrap_or_else(|_| {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            builder().with_root_certificates(RootCertStore { roots })
        });
        finished(trusting)
    });
    match roots {
        Some(roots) => finished(builder().with_root_certificates(roots)),
        None => SYSTEM.clone(),
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
