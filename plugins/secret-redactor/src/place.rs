//! Where a message has texts that may become a mark. Others are for programs: names, URIs, values to choose from.

/// Whether all texts of such a reply may be changed, wherever they stand.
pub(crate) fn is_anywhere_in_reply(method: &str, failed: bool) -> bool {
    !failed
        && matches!(
            method,
            "tools/call" | "resources/read" | "prompts/get" | "tasks/result"
        )
}

/// Whether the text at the pointer, in the reply to a request with this method, may be changed.
pub(crate) fn in_reply(method: &str, failed: bool, pointer: &str) -> bool {
    let (first, last) = ends(pointer);
    match method {
        _ if failed => !matches!(last, "url" | "elicitationId"),
        method if is_anywhere_in_reply(method, failed) => true,
        "completion/complete" => first == "completion",
        method if method.starts_with("tasks/") => in_task(pointer),
        _ => first == "instructions" || describes(pointer),
    }
}

/// Whether the text at the pointer, in the params of a server's notification or request, may be changed.
pub(crate) fn in_params(method: &str, pointer: &str) -> bool {
    let (first, _) = ends(pointer);
    match method {
        "notifications/message" => matches!(first, "data" | "logger"),
        "notifications/progress" | "elicitation/create" => first == "message" || describes(pointer),
        "notifications/cancelled" => first == "reason",
        "sampling/createMessage" => matches!(first, "messages" | "systemPrompt"),
        _ => in_task(pointer),
    }
}

fn ends(pointer: &str) -> (&str, &str) {
    let first = pointer.split('/').nth(1).unwrap_or_default();
    let last = pointer.rsplit('/').next().unwrap_or_default();
    (first, last)
}

fn in_task(pointer: &str) -> bool {
    let (first, last) = ends(pointer);
    matches!(first, "result" | "error") || last == "statusMessage"
}

/// Whether the pointer leads to a description, a title or an example. A property that is named so is not one.
fn describes(pointer: &str) -> bool {
    let mut tokens = pointer.rsplit('/');
    let last = tokens.next().unwrap_or_default();
    let around = tokens.next().unwrap_or_default();
    matches!(last, "description" | "title") && around != "properties"
        || around == "examples" && last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_read_stays() {
        assert!(in_reply("tools/list", false, "/tools/0/description"));
        assert!(!in_reply("tools/list", false, "/tools/0/name"));
        assert!(!in_reply("resources/list", false, "/resources/0/uri"));
        assert!(in_reply("tools/call", false, "/structuredContent/a"));
        assert!(in_reply("tools/list", true, "/message"));
        assert!(!in_reply("tools/call", true, "/data/elicitations/0/url"));
        assert!(in_params("notifications/message", "/data/a"));
        assert!(!in_params(
            "elicitation/create",
            "/requestedSchema/properties/a/enum/0"
        ));
    }
}
