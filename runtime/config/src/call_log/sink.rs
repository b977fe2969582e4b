//! `[[call-log.sinks]]`: where records are sent as well.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::Syslog;
use crate::amount::Size;
use crate::secret::{Secret, Sources, ValueOrRef};
use crate::url::Url;

/// A place to which each record of the call log is sent: `syslog` or `url`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallLogSink {
    /// Where RFC 5424's messages go: `tls://HOST:PORT`, `tcp://HOST:PORT` on this machine alone (a loopback address), or the
    /// path of a Unix datagram socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syslog: Option<Syslog>,
    /// The `https` URL to which records are posted, many at a time, a JSON object a line. `http` on this machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// With `url`: sent as `Authorization: Bearer`. Text, `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ValueOrRef>,
    /// File with the certificates (PEM) of the authorities that may vouch for it, instead of those that browsers trust.
    /// Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How records are written.
    #[serde(default)]
    pub format: SinkFormat,
    /// The most records that wait for it, in bytes.
    #[serde(default = "queue")]
    pub queue: Size,
}

fn queue() -> Size {
    Size::mib(16)
}

/// How records are written for a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkFormat {
    /// Each line of the call log as it is, those of its chain too: so the log can be verified there.
    #[default]
    Record,
    /// An event a call: OCSF 1.9, API Activity.
    Ocsf,
    /// An event a call: Elastic Common Schema 8.17.
    Ecs,
    /// An event a call: ArcSight Common Event Format.
    Cef,
}

/// A sink, with the values that it needs from outside the file.
#[derive(Clone, PartialEq, Eq)]
pub struct ResolvedSink {
    /// Where records go.
    pub to: SinkTarget,
    /// The certificates (PEM) of the authorities that may vouch for it. `None`: those that browsers trust.
    pub ca: Option<Vec<u8>>,
    /// How records are written.
    pub format: SinkFormat,
    /// The most records that wait, in bytes.
    pub queue: u64,
}

/// Where records go.
#[derive(Clone, PartialEq, Eq)]
pub enum SinkTarget {
    /// Syslog.
    Syslog(Syslog),
    /// They are posted, with this token.
    Url(http::Uri, Option<Secret>),
}

impl ResolvedSink {
    /// Whether both send the same to the same place, perhaps with another token, other certificates or another queue.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_place = match (&self.to, &other.to) {
            (SinkTarget::Syslog(one), SinkTarget::Syslog(other)) => one == other,
            (SinkTarget::Url(one, _), SinkTarget::Url(other, _)) => one == other,
            _ => false,
        };
        same_place && self.format == other.format
    }

    /// The sink, as operators are shown it: without what may be a secret, which is all after a URL's host.
    pub fn shown(&self) -> String {
        match &self.to {
            SinkTarget::Syslog(to) => format!("syslog {to}"),
            SinkTarget::Url(url, _) => {
                let scheme = url.scheme_str().unwrap_or_default();
                let host = url.authority().map_or("", |authority| authority.as_str());
                format!("{scheme}://{host}")
            }
        }
    }
}

impl std::fmt::Debug for ResolvedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl CallLogSink {
    /// The sink, and the secret that it was made of.
    ///
    /// # Errors
    ///
    /// A value cannot be had: the key that has it, and why.
    pub(crate) fn resolved(
        &self,
        sources: Sources<'_>,
    ) -> Result<ResolvedSink, (&'static str, String)> {
        /// The longest file of certificates, in bytes.
        const LONGEST: u64 = 1 << 20;
        let told = |key: &'static str| move |error: String| (key, error);
        let token = self.token.as_ref().map(|token| token.resolve(sources));
        let token = token
            .transpose()
            .map_err(|e| told("token")(e.to_string()))?;
        if let Some(token) = &token {
            let sendable = |byte: u8| byte.is_ascii_graphic();
            if token.expose().is_empty() || !token.expose().bytes().all(sendable) {
                let why = "the value is empty, or has a character that no header takes";
                return Err(("token", why.to_owned()));
            }
        }
        let ca = self.ca.as_ref().map(|ca| sources.files.read(ca, LONGEST));
        let ca = ca.transpose().map_err(|e| told("ca")(e.to_string()))?;
        let to = match (&self.syslog, &self.url) {
            (Some(syslog), _) => SinkTarget::Syslog(syslog.clone()),
            (None, Some(url)) => SinkTarget::Url(url.0.clone(), token),
            // The rules have told it before.
            (None, None) => return Err(("url", "there is no place to send to".to_owned())),
        };
        Ok(ResolvedSink {
            to,
            ca,
            format: self.format,
            queue: self.queue.0,
        })
    }
}
