//! What happened: one thing that rules may look for.

use std::time::Duration;

use sandgate_config::AlertKind;

/// What happened. It borrows, so that what no rule looks for costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) kind: AlertKind,
    /// The code, as the call log has it. Empty: there is none.
    pub(crate) code: &'a str,
    /// Whom it is counted against: a client, a server, an interceptor, or what is stopped. Never a name that a client or a
    /// server chooses.
    pub(crate) subject: &'a str,
    pub(crate) server: Option<&'a str>,
    pub(crate) client: Option<&'a str>,
    pub(crate) tool: Option<&'a str>,
    /// The id of the call.
    pub(crate) call: Option<&'a str>,
    pub(crate) detail: Detail<'a>,
}

/// What else is to be said of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detail<'a> {
    None,
    /// How long a call took.
    Took(Duration),
    /// Words of the gateway or of the operator.
    Words(&'a str),
    /// A host that was to be reached.
    Host(&'a str, Option<u16>),
}

impl<'a> Event<'a> {
    /// What happened to this subject, and nothing else yet.
    pub(crate) fn of(kind: AlertKind, code: &'a str, subject: &'a str) -> Self {
        Self {
            kind,
            code,
            subject,
            server: None,
            client: None,
            tool: None,
            call: None,
            detail: Detail::None,
        }
    }

    /// Whether it lasts until it is mended.
    pub(crate) fn lasts(&self) -> bool {
        matches!(self.kind, AlertKind::Stop | AlertKind::Audit)
    }

    /// Whether each code is an alert of its own, so that a harmless finding hides no other.
    pub(crate) fn is_told_apart(&self) -> bool {
        matches!(self.kind, AlertKind::Finding | AlertKind::Pin)
    }
}

impl Detail<'_> {
    /// It in words, if there is something to be said.
    pub(crate) fn words(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Took(took) => Some(format!("{}.{:03} s", took.as_secs(), took.subsec_millis())),
            Self::Words(words) => Some((*words).to_owned()),
            Self::Host(host, Some(port)) => Some(format!("{host}:{port}")),
            Self::Host(host, None) => Some((*host).to_owned()),
        }
    }
}
