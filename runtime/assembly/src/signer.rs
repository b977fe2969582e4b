//! Whether servers' images, and plugins of registries, are signed by whom the configuration names: judged at each start
//! and reload, from what is kept.

use sandgate_config::{Issue, Loaded, Package, Server, Side, SignedBy};
use sandgate_supply::{FILE, ImageSignatureError, LockedImage, LockedServer, Signer, Wanted};

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
    let subject = Subject {
        loaded,
        name,
        place: format!("/servers/{name}"),
        source: "image",
        shown: package.to_string(),
        is_here: package.name.starts_with("localhost/"),
        by: server.signed_by.as_ref(),
        locked: entry.signer.as_deref(),
    };
    subject.signer(|wanted| image.signer(wanted))
}

/// What must be signed.
pub(super) struct Subject<'a> {
    pub(super) loaded: &'a Loaded,
    /// Its name in the lock.
    pub(super) name: &'a str,
    /// The table that has its `signed-by`.
    pub(super) place: String,
    /// The key, in that table, that says what it is.
    pub(super) source: &'a str,
    /// What it is, for people.
    pub(super) shown: String,
    /// Whether no registry has it.
    pub(super) is_here: bool,
    pub(super) by: Option<&'a SignedBy>,
    /// By whom the lock says that it is signed.
    pub(super) locked: Option<&'a str>,
}

impl Subject<'_> {
    /// By whom it is signed; `None`: nobody asks for that.
    ///
    /// # Errors
    ///
    /// It is not signed as it must be.
    pub(super) fn signer(
        &self,
        kept: impl FnOnce(&Wanted) -> Result<Signer, ImageSignatureError>,
    ) -> Result<Option<String>, Issue> {
        let Some(by) = self.by else {
            return self.unasked().map_or(Ok(None), Err);
        };
        let shown = &self.shown;
        let update = format!("`sandgate lock --update {}`", self.name);
        let wrong = |why: String, help: String| {
            let place = format!("{}/signed-by", self.place);
            self.loaded.error(&place, Side::Key, why).help(help)
        };
        let found = kept(&self.wanted(by)?).map_err(|error| {
            let help = format!("run {update}, which looks for a signature and shows by whom it is");
            wrong(format!("{shown} does not run: {error}"), help)
        })?;
        let found = found.to_string();
        if self.locked != Some(&*found) {
            let locked = self.locked.unwrap_or("nobody");
            let why = format!("{shown} is signed by {found}, and {FILE} says by {locked}");
            return Err(wrong(
                why,
                format!("run {update}, which shows what changes"),
            ));
        }
        Ok(Some(found))
    }

    /// What the files of `signed-by` say.
    fn wanted(&self, by: &SignedBy) -> Result<Wanted, Issue> {
        sandgate_supply::wanted(self.loaded, by).map_err(|error| {
            let place = format!("{}/signed-by/{}", self.place, error.key);
            let help = "put the file there, or correct the name";
            self.loaded.error(&place, Side::Value, &error).help(help)
        })
    }

    /// What is wrong where the configuration asks for no signature.
    fn unasked(&self) -> Option<Issue> {
        let source = self.source;
        let (why, help) = if self.loaded.config.gateway.require_signatures {
            let what = match source {
                "image" => "images that are",
                _ => "plugins of registries that are",
            };
            let why = format!(
                "`gateway.require-signatures` asks for {what} signed, and nothing says by whom this one must be"
            );
            let help = match self.is_here {
                true => "push it to a registry, sign it there, and write `signed-by`",
                false => {
                    "write `signed-by`, { key = \"cosign.pub\" } or { identity = \"…\", issuer = \"…\" }"
                }
            };
            (why, help.to_owned())
        } else {
            let signer = self.locked?;
            (
                format!(
                    "{FILE} has it as signed by {signer}, and the configuration asks for no signature"
                ),
                format!(
                    "write `signed-by` again, or run `sandgate lock --update {}`, which shows what changes",
                    self.name
                ),
            )
        };
        let place = format!("{}/{source}", self.place);
        Some(self.loaded.error(&place, Side::Value, why).help(help))
    }
}
