//! Who is let in: origins, client keys, TLS, and the challenges of servers that want a token.

pub(crate) mod origin;
pub(crate) mod principals;
