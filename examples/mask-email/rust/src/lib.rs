//! Masks e-mail addresses in replies; refuses destructive commands.

use regex_lite::Regex;
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision, export,
    map_texts, refuse,
};

struct MaskEmail {
    email: Regex,
}

impl Interceptor for MaskEmail {
    type Settings = NoSettings;

    /// Runs once, when the gateway prepares the plugin; every call starts from what it made.
    fn configure(_: NoSettings) -> Result<Self, Issues> {
        let email = Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}");
        email
            .map(|email| Self { email })
            .map_err(|error| Issues::one("", error.to_string()))
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        if params.texts().iter().any(|text| text.contains("rm -rf")) {
            return Ok(refuse("command.destructive", "destructive command").into());
        }
        Ok(PreDecision::Proceed)
    }

    fn post_call(&self, _: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let masked = map_texts(reply, |text| {
            self.email
                .is_match(text)
                .then(|| self.email.replace_all(text, "[email]").into_owned())
        });
        Ok(masked.into())
    }
}

export!(MaskEmail);

#[cfg(test)]
mod tests {
    use sandgate_sdk::testing::{context, document};

    use super::*;

    fn plugin() -> MaskEmail {
        MaskEmail::configure(NoSettings {}).expect("nothing to set")
    }

    #[test]
    fn a_destructive_command_is_refused() {
        let params = document(r#"{"name":"shell","arguments":{"command":"rm -rf /"}}"#);
        let decision = plugin().pre_call(&context("tools/call").build(), &params);
        assert!(matches!(decision, Ok(PreDecision::Refuse(_))));
    }

    #[test]
    fn an_address_is_masked() {
        let reply = document(r#"{"content":[{"type":"text","text":"ada@example.com"}]}"#);
        let decision = plugin().post_call(&context("tools/call").build(), &reply);
        assert!(matches!(decision, Ok(PostDecision::Edit(edits)) if edits.len() == 1));
    }
}
