//! The words of tools' names that say what a tool does. Each list is sorted.

/// What a verb does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Reads,
    Sends,
    Pays,
    Changes,
    Destroys,
    /// Gives or takes rights.
    Grants,
    /// Starts what somebody else wrote.
    Runs,
}

const READS: &[&str] = &[
    "browse",
    "check",
    "compare",
    "count",
    "describe",
    "download",
    "fetch",
    "find",
    "get",
    "inspect",
    "list",
    "load",
    "lookup",
    "navigate",
    "open",
    "peek",
    "poll",
    "preview",
    "query",
    "read",
    "receive",
    "retrieve",
    "scan",
    "scrape",
    "search",
    "see",
    "show",
    "summarize",
    "view",
    "visit",
    "watch",
];
const SENDS: &[&str] = &[
    "announce",
    "broadcast",
    "dial",
    "dm",
    "export",
    "forward",
    "invite",
    "mail",
    "message",
    "notify",
    "post",
    "publish",
    "push",
    "reply",
    "retweet",
    "send",
    "share",
    "submit",
    "tweet",
    "upload",
];
const PAYS: &[&str] = &[
    "book", "buy", "checkout", "donate", "order", "pay", "place", "purchase", "reserve", "sell",
    "tip", "trade", "transfer", "wire", "withdraw",
];
const CHANGES: &[&str] = &[
    "add",
    "append",
    "apply",
    "assign",
    "attach",
    "change",
    "commit",
    "copy",
    "create",
    "edit",
    "enroll",
    "fork",
    "give",
    "insert",
    "make",
    "manage",
    "merge",
    "modify",
    "move",
    "patch",
    "prescribe",
    "put",
    "register",
    "rename",
    "replace",
    "save",
    "schedule",
    "set",
    "store",
    "subscribe",
    "update",
    "upsert",
    "write",
];
const DESTROYS: &[&str] = &[
    "abort",
    "archive",
    "ban",
    "block",
    "cancel",
    "clear",
    "close",
    "deactivate",
    "delete",
    "destroy",
    "disable",
    "drop",
    "erase",
    "kick",
    "kill",
    "leave",
    "purge",
    "remove",
    "reset",
    "rm",
    "shutdown",
    "stop",
    "terminate",
    "truncate",
    "uninstall",
    "unsubscribe",
    "wipe",
];
const GRANTS: &[&str] = &[
    "allow",
    "approve",
    "authorize",
    "delegate",
    "elevate",
    "grant",
    "impersonate",
    "lock",
    "revoke",
    "rotate",
    "unblock",
    "unlock",
];
const RUNS: &[&str] = &["bash", "eval", "exec", "execute", "run", "shell", "spawn"];

/// Words that may go before the verb of a command.
const LEADS: &[&str] = &[
    "also",
    "and",
    "be",
    "before",
    "can",
    "could",
    "do",
    "finally",
    "first",
    "have",
    "immediately",
    "important",
    "instead",
    "just",
    "kindly",
    "must",
    "need",
    "next",
    "note",
    "now",
    "please",
    "remember",
    "should",
    "sure",
    "task",
    "then",
    "to",
    "todo",
    "urgent",
    "will",
    "would",
    "you",
];
/// Verbs of commands that no tool is named by, or that may mean several.
const ORDERS: &[&str] = &[
    "act",
    "ask",
    "call",
    "click",
    "contact",
    "disregard",
    "email",
    "forget",
    "go",
    "ignore",
    "insert",
    "introduce",
    "make",
    "output",
    "override",
    "pretend",
    "print",
    "provide",
    "recommend",
    "refer",
    "respond",
    "reveal",
    "say",
    "tell",
    "text",
    "use",
    "visit",
];

/// What anybody may have written.
const UNTRUSTED: &[&str] = &[
    "article",
    "attachment",
    "bookmark",
    "browser",
    "calendar",
    "channel",
    "chat",
    "comment",
    "commit",
    "contents",
    "conversation",
    "conversations",
    "description",
    "discussion",
    "doc",
    "docs",
    "document",
    "email",
    "emails",
    "event",
    "feed",
    "feedback",
    "file",
    "forum",
    "gist",
    "history",
    "html",
    "inbox",
    "internet",
    "issue",
    "listing",
    "log",
    "mail",
    "mention",
    "message",
    "news",
    "note",
    "notification",
    "page",
    "pdf",
    "post",
    "product",
    "profile",
    "pull",
    "question",
    "rating",
    "readme",
    "repo",
    "repositories",
    "repository",
    "resource",
    "review",
    "rss",
    "site",
    "sms",
    "story",
    "subject",
    "task",
    "text",
    "thread",
    "ticket",
    "timeline",
    "todo",
    "transaction",
    "transcript",
    "tweet",
    "url",
    "user",
    "video",
    "voicemail",
    "web",
    "webpage",
    "website",
    "wiki",
];
/// What is somebody's own.
const PRIVATE: &[&str] = &[
    "account",
    "address",
    "addresses",
    "balance",
    "bank",
    "billing",
    "calendar",
    "card",
    "contact",
    "conversation",
    "customer",
    "diagnosis",
    "email",
    "emails",
    "employee",
    "file",
    "genetic",
    "health",
    "holding",
    "inbox",
    "info",
    "information",
    "invoice",
    "location",
    "log",
    "medical",
    "message",
    "metadata",
    "note",
    "order",
    "patient",
    "payment",
    "payroll",
    "personal",
    "portfolio",
    "prescription",
    "private",
    "profile",
    "record",
    "reservation",
    "salary",
    "secret",
    "sms",
    "statement",
    "transaction",
    "user",
    "vault",
];
/// What opens doors.
const CREDENTIALS: &[&str] = &[
    "2fa",
    "access",
    "acl",
    "admin",
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "certificate",
    "collaborator",
    "credential",
    "door",
    "factor",
    "firewall",
    "guest",
    "iam",
    "identity",
    "key",
    "lock",
    "mfa",
    "oauth",
    "otp",
    "owner",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "permission",
    "pin",
    "policies",
    "policy",
    "privilege",
    "role",
    "secret",
    "security",
    "ssh",
    "sudo",
    "token",
    "vault",
];

/// The words that a command may begin with, by their first four letters: most words are none, and are told so at once.
static BEGINNINGS: [u64; 64] = beginnings();

const fn beginnings() -> [u64; 64] {
    let lists = [LEADS, ORDERS, SENDS, PAYS, CHANGES, DESTROYS, GRANTS];
    let mut bits = [0; 64];
    let mut list = 0;
    while list < lists.len() {
        let mut word = 0;
        while word < lists[list].len() {
            let place = beginning(lists[list][word].as_bytes());
            bits[place / 64] |= 1 << (place % 64);
            word += 1;
        }
        list += 1;
    }
    bits
}

/// Below 4096. Capitals are small letters.
const fn beginning(word: &[u8]) -> usize {
    let mut place = 0;
    let mut at = 0;
    while at < 4 {
        let letter = if at < word.len() {
            (word[at] | 0x20) as usize
        } else {
            0
        };
        place = place * 29 + (letter & 0x1f);
        at += 1;
    }
    place % 4096
}

/// Whether a command may begin with this word, whatever its capitals. Seldom wrong, and then only by a yes.
pub(crate) fn may_command(word: &[u8]) -> bool {
    let place = beginning(word);
    BEGINNINGS[place / 64] >> (place % 64) & 1 == 1
}

/// What the word does, where it is a verb.
pub(crate) fn verb(word: &str) -> Option<Verb> {
    let lists = [
        (READS, Verb::Reads),
        (SENDS, Verb::Sends),
        (PAYS, Verb::Pays),
        (CHANGES, Verb::Changes),
        (DESTROYS, Verb::Destroys),
        (GRANTS, Verb::Grants),
        (RUNS, Verb::Runs),
    ];
    lists
        .iter()
        .find_map(|(list, verb)| list.binary_search(&word).is_ok().then_some(*verb))
}

/// A verb as a description begins with: `Sends a message`, `Searching the web`.
pub(crate) fn verb_of_sentence(word: &str) -> Option<Verb> {
    let endings = ["", "s", "es"];
    endings
        .iter()
        .find_map(|ending| verb(word.strip_suffix(ending)?))
}

/// Whether the word may go before the verb of a command.
pub(crate) fn is_lead(word: &str) -> bool {
    LEADS.binary_search(&word).is_ok()
}

/// Whether the word is a verb of commands.
pub(crate) fn is_order(word: &str) -> bool {
    ORDERS.binary_search(&word).is_ok()
}

pub(crate) fn is_untrusted(word: &str) -> bool {
    is_in(UNTRUSTED, word)
}

pub(crate) fn is_private(word: &str) -> bool {
    is_in(PRIVATE, word)
}

pub(crate) fn is_credential(word: &str) -> bool {
    is_in(CREDENTIALS, word)
}

/// Whether the word, or the one that it is the plural of, is on the list.
fn is_in(list: &[&str], word: &str) -> bool {
    let has = |word: &str| list.binary_search(&word).is_ok();
    has(word) || word.strip_suffix('s').is_some_and(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        for list in [
            LEADS,
            ORDERS,
            READS,
            SENDS,
            PAYS,
            CHANGES,
            DESTROYS,
            GRANTS,
            RUNS,
            UNTRUSTED,
            PRIVATE,
            CREDENTIALS,
        ] {
            let wrong = list.windows(2).find(|pair| pair[0] >= pair[1]);
            assert_eq!(wrong, None);
        }
    }

    #[test]
    fn a_sentence_begins_with_its_verb() {
        assert_eq!(verb_of_sentence("sends"), Some(Verb::Sends));
        assert_eq!(verb_of_sentence("searches"), Some(Verb::Reads));
        assert_eq!(verb_of_sentence("the"), None);
    }
}
