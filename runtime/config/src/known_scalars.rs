//! Every scalar by the name under which the schema defines it.

use crate::scalar::{Mistake, Scalar};

/// A scalar, as the schema check uses it.
pub(crate) struct Known {
    pub(crate) kind: &'static str,
    pub(crate) check: fn(&str) -> Result<(), Mistake>,
}

/// Finds a scalar by the name under which the schema defines it.
pub(crate) fn known(name: &str) -> Option<Known> {
    fn of<W: Scalar>() -> Known {
        Known {
            kind: W::KIND,
            check: |text| W::read(text).map(drop),
        }
    }
    Some(match name {
        "Period" => of::<super::amount::Period>(),
        "Size" => of::<super::amount::Size>(),
        "Share" => of::<super::candidate::Share>(),
        "Pattern" => of::<super::pattern::Pattern>(),
        "Digest" => of::<super::plugin_source::Digest>(),
        "PluginSource" => of::<super::plugin_source::PluginSource>(),
        "HttpHost" => of::<super::grants::HttpHost>(),
        "EgressHost" => of::<super::egress::EgressHost>(),
        "InjectHost" => of::<super::server_secret::InjectHost>(),
        "Moment" => of::<super::egress::Moment>(),
        "GuestPath" => of::<super::grants::GuestPath>(),
        "IssuerUrl" => of::<super::authorization::IssuerUrl>(),
        "JsonPointer" => of::<super::authorization::JsonPointer>(),
        "Url" => of::<super::url::Url>(),
        "Syslog" => of::<super::alert::Syslog>(),
        "Anchor" => of::<super::audit::Anchor>(),
        "Image" => of::<super::image::Image>(),
        "Package" => of::<super::package::Package>(),
        "Collector" => of::<super::telemetry::Collector>(),
        "AdminSocket" => of::<super::gateway::AdminSocket>(),
        "Network" => of::<super::gateway::Network>(),
        "RatePerSecond" => of::<super::client::RatePerSecond>(),
        "Listen" => of::<super::gateway::Listen>(),
        "HostName" => of::<super::gateway::HostName>(),
        "KnownMethod" => of::<super::gateway::KnownMethod>(),
        "Origin" => of::<super::gateway::Origin>(),
        "PublicUrl" => of::<super::gateway::PublicUrl>(),
        "Target" => of::<super::view::Target>(),
        "TokenHash" => of::<super::client::TokenHash>(),
        "Destination" => of::<super::call_log::Destination>(),
        _ => return None,
    })
}
