//! Whether servers' images are signed by whom the configuration names: judged at each start and reload, from what is
//! kept.

use sandgate_config::{Issue, Loaded, Package, Server, Side, SignedBy};
use sandgate_supply::{FILE, LockedImage, LockedServer};

/// By whom a server's image is signed, verified from what is kept; `None`: nobody asks for that.
///
/// # Errors
///
/// It is not signed as it must be.
pub fn signer(
    loaded: &Loaded,
    (name, server, package): (&str, &Server, &Package),
    entry: &LockedServer,
    image: &LockedImage,
) -> Result<Option<String>, Issue> {
    let by = match &server.signed_by {
        Some(by) => by,
        None => return unasked(loaded, (name, package), entry).map_or(Ok(None), Err),
    };
    let update = format!("`sandgate lock --update {name}`");
    let wrong = |why: String, help: String| {
        let place = format!("/servers/{name}/signed-by");
        loaded.error(&place, Side::Key, why).help(help)
    };
    let found = image.signer(&wanted(loaded, name, by)?).map_err(|error| {
        let help = format!("run {update}, which looks for a signature and shows by whom it is");
        wrong(format!("{package} does not run: {error}"), help)
    })?;
    let found = found.to_string();
    if entry.signer.as_ref() != Some(&found) {
        let locked = entry.signer.as_deref().unwrap_or("nobody");
        let why = format!("{package} is signed by {found}, and {FILE} says by {locked}");
        return Err(wrong(
            why,
            format!("run {update}, which shows what changes"),
        ));
    }
    Ok(Some(found))
}

/// What the files of `signed-by` say.
fn wanted(loaded: &Loaded, name: &str, by: &SignedBy) -> Result<sandgate_supply::Wanted, Issue> {
    sandgate_supply::wanted(loaded, by).map_err(|error| {
        let place = format!("/servers/{name}/signed-by/{}", error.key);
        let help = "put the file there, or correct the name";
        loaded.error(&place, Side::Value, &error).help(help)
    })
}

/// What is wrong where the configuration asks for no signature of an image.
fn unasked(
    loaded: &Loaded,
    (name, package): (&str, &Package),
    entry: &LockedServer,
) -> Option<Issue> {
    let (why, help) = if loaded.config.gateway.require_signatures {
        let why = "`gateway.require-signatures` asks for images that are signed, and nothing says by whom \
                   this one must be";
        let help = match package.name.starts_with("localhost/") {
            true => "push it to a registry, sign it there, and write `signed-by`".to_owned(),
            false => "write `signed-by`, { key = \"cosign.pub\" } or { identity = \"…\", issuer = \"…\" }".into(),
        };
        (why.to_owned(), help)
    } else {
        let signer = entry.signer.as_ref()?;
        (
            format!(
                "{FILE} has it as signed by {signer}, and the configuration asks for no signature"
            ),
            format!(
                "write `signed-by` again, or run `sandgate lock --update {name}`, which shows what changes"
            ),
        )
    };
    let place = format!("/servers/{name}/image");
    Some(loaded.error(&place, Side::Value, why).help(help))
}
