//! Authentication and access: origins, client keys, and tokens of issuers.

pub(crate) mod authorization;
pub(crate) mod challenge;
pub(crate) mod origin;
pub(crate) mod principals;
pub(crate) mod scopes;
