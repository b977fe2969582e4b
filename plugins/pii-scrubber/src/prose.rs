//! Decides which texts of a message are prose, where a mask may stand. Other texts are for programs: names, URIs,
//! values to choose from.

/// Where a message has prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prose {
    /// All texts, except URIs and values to choose from, which a client uses. In structured content they are data.
    Everywhere,
    /// All texts of an error, except the same.
    OfError,
    /// The texts below these members, and every description, title and example.
    Within(&'static [&'static str]),
    /// The status messages of tasks, and the results and errors of tasks.
    OfTasks,
}

impl Prose {
    /// The prose of the reply to a request with this method.
    pub(crate) fn of_reply(method: &str, failed: bool) -> Self {
        match method {
            _ if failed => Self::OfError,
            "tools/call" | "resources/read" | "prompts/get" | "tasks/result" => Self::Everywhere,
            "completion/complete" => Self::Within(&["completion"]),
            method if method.starts_with("tasks/") => Self::OfTasks,
            _ => Self::Within(&["instructions"]),
        }
    }

    /// The prose of the params of a server's notification or request.
    pub(crate) fn of_params(method: &str) -> Self {
        match method {
            "notifications/message" => Self::Within(&["data", "logger"]),
            "notifications/progress" | "elicitation/create" => Self::Within(&["message"]),
            "notifications/cancelled" => Self::Within(&["reason"]),
            "sampling/createMessage" => Self::Within(&["messages", "systemPrompt"]),
            _ => Self::OfTasks,
        }
    }

    /// Whether the text at the pointer is prose.
    pub(crate) fn has(self, pointer: &str) -> bool {
        let mut tokens = pointer.split('/').skip(1);
        let first = tokens.next().unwrap_or_default();
        let last = pointer.rsplit('/').next().unwrap_or_default();
        match self {
            Self::Everywhere => first == "structuredContent" || !is_used(pointer),
            Self::OfError => !is_used(pointer),
            Self::Within(members) => {
                // The data of a log line are the server's own.
                members.contains(&first) && (first == "data" || !is_used(pointer))
                    || describes(pointer)
            }
            Self::OfTasks => {
                let is_data = pointer.starts_with("/result/structuredContent/");
                matches!(first, "result" | "error") && (is_data || !is_used(pointer))
                    || last == "statusMessage"
            }
        }
    }
}

/// Whether the pointer leads to a URI, the id of an elicitation or a value to choose from. Changed, it would lead nowhere.
fn is_used(pointer: &str) -> bool {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    matches!(last, "uri" | "url" | "elicitationId" | "uriTemplate") || pointer.contains("/enum/")
}

/// Whether the pointer leads to a description, a title or an example. A property that is named `description` or `title`
/// is not one.
fn describes(pointer: &str) -> bool {
    let mut tokens = pointer.rsplit('/');
    let last = tokens.next().unwrap_or_default();
    let around = tokens.next().unwrap_or_default();
    matches!(last, "description" | "title") && around != "properties"
        || around == "examples" && last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_read_is_no_prose() {
        let list = Prose::of_reply("tools/list", false);
        for pointer in [
            "/tools/0/description",
            "/tools/0/annotations/title",
            "/tools/0/inputSchema/properties/to/description",
            "/tools/0/inputSchema/properties/to/examples/0",
            "/instructions",
        ] {
            assert!(list.has(pointer), "{pointer}");
        }
        for pointer in [
            "/tools/0/name",
            "/tools/0/inputSchema/properties/to/enum/0",
            "/tools/0/inputSchema/properties/description/enum/0",
            "/tools/0/inputSchema/properties/to/default",
            "/resources/0/uri",
            "/nextCursor",
        ] {
            assert!(!list.has(pointer), "{pointer}");
        }
        let task = Prose::of_reply("tasks/get", false);
        assert!(task.has("/statusMessage") && task.has("/result/content/0/text"));
        assert!(!task.has("/taskId") && !task.has("/createdAt"));
        let error = Prose::of_reply("resources/read", true);
        assert!(error.has("/message") && error.has("/data/why"));
        assert!(!error.has("/data/elicitations/0/url"));
    }
}
