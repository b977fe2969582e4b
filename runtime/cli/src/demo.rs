//! `sandgate demo`.

/// Shows it.
pub async fn run(_serve: bool) -> std::io::Result<()> {
    Err(std::io::Error::other("not here yet"))
}
