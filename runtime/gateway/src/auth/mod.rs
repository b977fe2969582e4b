//! Who is let in: origins, client keys, TLS, and the challenges of servers that want a token.

pub(crate) mod challenge;
pub(crate) mod origin;
pub(crate) mod principals;
pub(crate) mod tls;
