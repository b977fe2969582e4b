//! Refuses destructive commands, and deletions by anybody who is no admin.

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export, refuse,
};

struct Guard;

impl Interceptor for Guard {
    type Settings = NoSettings;

    /// Runs once, when the gateway prepares the plugin; every call starts from what it made.
    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, call: &Context, params: &Document) -> Result<PreDecision, Error> {
        if params.texts().iter().any(|text| text.contains("rm -rf")) {
            return Ok(refuse("command.destructive", "destructive command").into());
        }
        let deletes = call.target().is_some_and(|tool| tool.starts_with("delete_"));
        if deletes && !call.groups().iter().any(|group| group == "admins") {
            return Ok(refuse("delete.forbidden", "Only admins may delete.").into());
        }
        Ok(PreDecision::Proceed)
    }
}

export!(Guard: pre_call);

#[cfg(test)]
mod tests {
    use sandgate_sdk::testing::{Decision, configure, context, document, pre_call};

    use super::*;

    #[test]
    fn only_admins_delete() {
        let guard: Guard = configure("{}").expect("nothing to set");
        let params = document(r#"{"name":"delete_note","arguments":{"id":7}}"#);
        let call = || context("tools/call").target("delete_note");
        let outcome = pre_call(&guard, &call().groups(&["staff"]).build(), &params);
        assert_eq!(outcome.refusal.expect("refused").code, "delete.forbidden");
        let outcome = pre_call(&guard, &call().groups(&["admins"]).build(), &params);
        assert_eq!(outcome.decision, Decision::Proceed);
    }
}
