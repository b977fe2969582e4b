//! Authentication and access: origins and client keys.

pub(crate) mod origin;
pub(crate) mod principals;
