//! The host of a registry.

/// The host and port of an address, without a name and password.
pub(crate) fn host(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_registry_the_host_alone_is_kept() {
        let address = "https://ada:secret@npm.example:8443/path?token=x";
        assert_eq!(host(address).as_deref(), Some("npm.example:8443"));
        assert_eq!(host("undefined"), None);
    }
}
