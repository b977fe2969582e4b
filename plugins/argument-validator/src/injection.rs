//! Finds values that bring a command of their own to the shell that runs them.

use std::borrow::Cow;

use crate::role::Role;

/// Commands whose names are not words of a language.
const COMMANDS: [&str; 52] = [
    "ls",
    "ifconfig",
    "ipconfig",
    "netstat",
    "whoami",
    "uname",
    "curl",
    "wget",
    "nc",
    "ncat",
    "bash",
    "zsh",
    "powershell",
    "cmd.exe",
    "cmd",
    "chmod",
    "chown",
    "mkfifo",
    "systeminfo",
    "sysinfo",
    "nslookup",
    "phpinfo",
    "phpinfo()",
    "perl",
    "python",
    "python3",
    "php",
    "ruby",
    "xterm",
    "telnet",
    "ssh",
    "scp",
    "sudo",
    "su",
    "awk",
    "sed",
    "grep",
    "printenv",
    "crontab",
    "useradd",
    "adduser",
    "ps",
    "pwd",
    "xargs",
    "openssl",
    "base64",
    "tasklist",
    "certutil",
    "bitsadmin",
    "socat",
    "tftp",
    "sh",
];

/// Commands whose names are also words. They count only with an argument that a command would have.
const WORDS: [&str; 22] = [
    "cat", "rm", "echo", "ping", "sleep", "find", "kill", "head", "tail", "more", "less", "touch",
    "type", "dir", "net", "del", "copy", "move", "reg", "which", "env", "id",
];

/// What is wrong with a value that a tool may pass to a shell, in words that do not repeat the value. `None` where
/// nothing is found. The roles `command` and `text` are not judged: the tool exists to take such values.
pub fn injection(role: Role, value: &str) -> Option<&'static str> {
    if matches!(role, Role::Text | Role::Command) {
        return None;
    }
    // Nearly every value returns here.
    if !value.bytes().any(is_suspicious) {
        return None;
    }
    let value = newlines_decoded(value);
    for (at, byte) in value
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii())
    {
        let rest = &value[at..];
        let found = match byte {
            b'`' => rest[1..]
                .find('`')
                .is_some_and(|end| begins_with_a_command(&rest[1..=end])),
            b'$' if rest.starts_with("$(") => {
                !rest.starts_with("$((") && begins_with_a_command(&rest[2..])
            }
            b'<' | b'>' if rest[1..].starts_with('(') => begins_with_a_command(&rest[2..]),
            b'$' => rest
                .get(..6)
                .is_some_and(|start| start.eq_ignore_ascii_case("${ifs}")),
            // Of consecutive separators only the first one is judged.
            b';' | b'|' | b'&' | b'\n'
                if is_separator(at.checked_sub(1).map(|before| value.as_bytes()[before])) =>
            {
                false
            }
            // In a URL, `&` separates parameters.
            b'&' if role == Role::Url && !rest.starts_with("&&") => false,
            b';' | b'|' | b'&' | b'\n' => {
                begins_with_a_command(rest.trim_start_matches([';', '|', '&', '\n', '\r']))
            }
            _ => false,
        };
        if found {
            return Some("A value with a command of its own");
        }
    }
    None
}

fn is_separator(byte: Option<u8>) -> bool {
    matches!(byte, Some(b';' | b'|' | b'&' | b'\n'))
}

/// Whether the byte can begin a second command. Other bytes cannot.
pub(crate) fn is_suspicious(byte: u8) -> bool {
    matches!(
        byte,
        b';' | b'|' | b'&' | b'`' | b'$' | b'\n' | b'%' | b'<' | b'>'
    )
}

fn newlines_decoded(value: &str) -> Cow<'_, str> {
    const ENCODED: [(&str, char); 7] = [
        ("%0a", '\n'),
        ("%0A", '\n'),
        ("%0d", '\n'),
        ("%0D", '\n'),
        ("%20", ' '),
        ("%3B", ';'),
        ("%7C", '|'),
    ];
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = ENCODED.iter().find(|(code, _)| rest.starts_with(code));
        let (code, character) = found.copied().unwrap_or(("%", '%'));
        decoded.push(character);
        rest = &rest[code.len()..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// Whether the text begins with a command, perhaps with its folder. The name of a command that is also a word must be
/// followed by an argument; only `id`, `dir` and `env` may stand alone.
fn begins_with_a_command(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['\'', '"', '(', '{']);
    let end = text
        .find(|character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '/' | '.' | '_' | '-'))
        })
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let name = word
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_rooted = [
        "/bin/",
        "/usr/bin/",
        "/sbin/",
        "/usr/sbin/",
        "/usr/local/bin/",
    ]
    .iter()
    .any(|folder| word.starts_with(folder));
    if is_rooted || COMMANDS.contains(&name.as_str()) {
        return rest.is_empty()
            || rest.starts_with([
                ' ', '\t', '\n', ';', '|', '&', '`', ')', '\'', '"', '>', '<', '$', '#', '{', ',',
                '(',
            ]);
    }
    if !WORDS.contains(&name.as_str()) {
        return false;
    }
    let given = rest.trim_start_matches([' ', '\t', '+']);
    let ends = given.is_empty() || given.starts_with([';', '|', '&', '`', ')', '#', '\n']);
    let is_given = given.starts_with(['/', '-', '~', '$', '<', '>', '\\', '{', '*'])
        || given.get(1..3) == Some(":\\")
        || (matches!(name.as_str(), "sleep" | "ping" | "kill")
            && given.starts_with(|character: char| character.is_ascii_digit()))
        || (name == "net" && given.starts_with("user"))
        || given.split_whitespace().next().is_some_and(|first| {
            first.contains('/') || first.contains('.') && !first.ends_with('.')
        });
    is_given || (ends && matches!(name.as_str(), "id" | "dir" | "env"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_command_is_found() {
        for value in [
            "x; ls -la",
            "x && whoami",
            "x | nc 10.0.0.1 99",
            "x\nid",
            "$(curl http://x)",
            "`id`",
            "a;cat /etc/passwd",
            "x%0A/usr/bin/id",
            "'||/usr/bin/id|'",
            "x;sleep 5",
            "{x}$(sleep 5)",
        ] {
            assert!(injection(Role::Plain, value).is_some(), "{value}");
            assert!(injection(Role::Path, value).is_some(), "{value}");
        }
    }

    #[test]
    fn names_and_prices_are_no_commands() {
        for value in [
            "AT&T",
            "Tom & Jerry",
            "dogs & cat",
            "R&D; more to come",
            "$5",
            "a|b|c",
            "x > y",
            "Q&A id",
            "50% off; find out",
            "echo & friends",
            "$((1+1))",
            "`name`",
            "ping pong & type b",
            "big cat; id card",
        ] {
            assert_eq!(injection(Role::Plain, value), None, "{value}");
        }
    }

    #[test]
    fn any_text_can_be_judged() {
        for mark in [";", "|", "&", "`", "$(", "\n", "%0a", "<(", ">("] {
            for text in ["é", "\u{200b}", "あ`い`", "`", "` `", ""] {
                injection(Role::Plain, &format!("{text}{mark}{text}{mark}{text}"));
            }
        }
    }

    #[test]
    fn commands_and_texts_are_not_judged() {
        for role in [Role::Command, Role::Text] {
            assert_eq!(injection(role, "make && ls -la"), None);
        }
        assert_eq!(
            injection(Role::Url, "https://example.com/?a=1&id=2&cat=3"),
            None
        );
    }
}
