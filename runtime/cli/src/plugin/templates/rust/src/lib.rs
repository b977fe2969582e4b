{{#both}}
//! Masks e-mail addresses in replies; refuses destructive commands.
{{/both}}
{{#only-pre}}
//! Refuses destructive commands.
{{/only-pre}}
{{#only-post}}
//! Masks e-mail addresses in replies.
{{/only-post}}

{{#both}}
use regex_lite::Regex;
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision, export,
    map_texts, refuse,
};
{{/both}}
{{#only-pre}}
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, refuse,
};
{{/only-pre}}
{{#only-post}}
use regex_lite::Regex;
use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, export, map_texts,
};
{{/only-post}}

{{#post}}
struct {{Name}} {
    email: Regex,
}
{{/post}}
{{#only-pre}}
struct {{Name}};
{{/only-pre}}

impl Interceptor for {{Name}} {
    type Settings = NoSettings;

    /// Runs once, when the gateway prepares the plugin; every call starts from what it made.
    fn configure(_: NoSettings) -> Result<Self, Issues> {
{{#post}}
        let email = Regex::new(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}");
        email
            .map(|email| Self { email })
            .map_err(|error| Issues::one("", error.to_string()))
{{/post}}
{{#only-pre}}
        Ok(Self)
{{/only-pre}}
    }
{{#pre}}

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        if params.texts().iter().any(|text| text.contains("rm -rf")) {
            return Ok(refuse("command.destructive", "destructive command").into());
        }
        Ok(PreDecision::Proceed)
    }
{{/pre}}
{{#post}}

    fn post_call(&self, _: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let masked = map_texts(reply, |text| {
            self.email
                .is_match(text)
                .then(|| self.email.replace_all(text, "[email]").into_owned())
        });
        Ok(masked.into())
    }
{{/post}}
}

{{#both}}
export!({{Name}});
{{/both}}
{{#only-pre}}
export!({{Name}}: pre_call);
{{/only-pre}}
{{#only-post}}
export!({{Name}}: post_call);
{{/only-post}}

#[cfg(test)]
mod tests {
    use sandgate_sdk::testing::{context, document};

    use super::*;

    fn plugin() -> {{Name}} {
        {{Name}}::configure(NoSettings {}).expect("nothing to set")
    }
{{#pre}}

    #[test]
    fn a_destructive_command_is_refused() {
        let params = document(r#"{"name":"shell","arguments":{"command":"rm -rf /"}}"#);
        let decision = plugin().pre_call(&context("tools/call").build(), &params);
        assert!(matches!(decision, Ok(PreDecision::Refuse(_))));
    }
{{/pre}}
{{#post}}

    #[test]
    fn an_address_is_masked() {
        let reply = document(r#"{"content":[{"type":"text","text":"ada@example.com"}]}"#);
        let decision = plugin().post_call(&context("tools/call").build(), &reply);
        assert!(matches!(decision, Ok(PostDecision::Edit(edits)) if edits.len() == 1));
    }
{{/post}}
}
