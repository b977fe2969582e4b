//! Masks e-mail addresses in replies; refuses destructive commands.

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PostDecision, PreDecision, export,
    map_texts, refuse,
};

struct MaskEmail;

impl Interceptor for MaskEmail {
    type Settings = NoSettings;

    /// Runs once, when the gateway prepares the plugin; every call starts from what it made.
    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        if params.texts().iter().any(|text| text.contains("rm -rf")) {
            return Ok(refuse("command.destructive", "destructive command").into());
        }
        Ok(PreDecision::Proceed)
    }

    fn post_call(&self, _: &Context, reply: &Document) -> Result<PostDecision, Error> {
        Ok(map_texts(reply, masked).into())
    }
}

/// The text with every address masked; none where it has none. By hand: for so little, a regular expression costs many
/// times as much.
fn masked(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices('@') {
        let local = bytes[done..at].iter().rev();
        let start = at - local.take_while(|byte| of_local(**byte)).count();
        if start == at {
            continue;
        }
        if let Some(end) = domain_end(bytes, at + 1) {
            out.push_str(&text[done..start]);
            out.push_str("[email]");
            done = end;
        }
    }
    (done > 0).then(|| out + &text[done..])
}

fn of_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte)
}

/// Where the domain ends that begins here: after the last dot that two letters follow, and all letters after it.
fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let of_domain = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let domain = &bytes[start..];
    let domain = &domain[..domain.iter().take_while(of_domain).count()];
    let letters = |dot: usize| {
        domain[dot + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count()
    };
    let dot = (1..domain.len())
        .rev()
        .find(|&dot| domain[dot] == b'.' && letters(dot) >= 2)?;
    Some(start + dot + 1 + letters(dot))
}

export!(MaskEmail);

#[cfg(test)]
mod tests {
    use sandgate_sdk::testing::{self, Decision, context, document};

    use super::*;

    fn plugin() -> MaskEmail {
        testing::configure("{}").expect("nothing to set")
    }

    #[test]
    fn a_destructive_command_is_refused() {
        let params = document(r#"{"name":"shell","arguments":{"command":"rm -rf /"}}"#);
        let outcome = testing::pre_call(&plugin(), &context("tools/call").build(), &params);
        assert_eq!(outcome.decision, Decision::Refuse, "{outcome:?}");
    }

    #[test]
    fn an_address_is_masked() {
        let reply = document(r#"{"content":[{"type":"text","text":"ada@example.com"}]}"#);
        let outcome = testing::post_call(&plugin(), &context("tools/call").build(), &reply);
        assert_eq!(outcome.decision, Decision::Edit, "{outcome:?}");
        assert_eq!(outcome.after["content"][0]["text"], "[email]");
    }
}
