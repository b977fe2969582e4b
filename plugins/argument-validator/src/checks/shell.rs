//! The words of shells: whether a text begins with a command, and what is known of it.

/// What stands at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    /// What follows it.
    pub(crate) given: Given,
}

/// How much the name alone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program by its path in a folder of programs, or a shell's own variable for one.
    Rooted,
    /// A command that tells about the machine and is no word otherwise.
    Recon,
    /// A program that people also write about.
    Program,
    /// A command whose name is a word of a language or a name in a table.
    Word,
}

/// What follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing: the text ends, or another operator follows.
    Nothing,
    /// A flag, a rooted path, a variable, a redirection, a number or an address.
    Arguments,
    /// A name with a dot or a slash in it.
    File,
    /// Other words.
    Words,
}

impl Command {
    /// Whether the command certainly does something where it stands.
    pub(crate) fn is_given(self) -> bool {
        self.kind == Kind::Rooted || matches!(self.given, Given::Arguments | Given::File)
    }

    pub(crate) fn is_alone(self) -> bool {
        self.given == Given::Nothing
    }
}

const FOLDERS: [&str; 8] = [
    "/bin/",
    "/usr/bin/",
    "/sbin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "c:/windows/",
    "c:\\windows\\",
    "%systemroot%",
];

/// The command that the text begins with. The text is in small letters.
pub(crate) fn command(text: &str) -> Option<Command> {
    let text = text.trim_start_matches([' ', '\t', '(', '{', '\'', '"', '+', '@', ',']);
    let end = text
        .find(|character: char| {
            character.is_whitespace()
                || matches!(
                    character,
                    ';' | '|' | '&' | '`' | ')' | '>' | '<' | ',' | '}' | '+' | '#' | '('
                )
        })
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    // A variable for a blank ends the word.
    let (word, rest) = match word.find("$") {
        Some(at) if at > 0 => (&word[..at], &text[at..]),
        _ => (word, rest),
    };
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let given = given(rest);
    let kind = kind(word)?;
    // A call or a name with an ending is no command line.
    if rest.starts_with('(') && kind != Kind::Rooted {
        return None;
    }
    Some(Command { kind, given })
}

fn kind(word: &str) -> Option<Kind> {
    if matches!(word, "%comspec%" | "$shell" | "$0" | "${shell}" | "${0}") {
        return Some(Kind::Rooted);
    }
    if FOLDERS.iter().any(|folder| word.starts_with(folder)) && word.len() > 7 {
        return Some(Kind::Rooted);
    }
    let mut plain = [0; 64];
    let mut length = 0;
    // Quotes, carets and backslashes within a word mean nothing to a shell, and hide it from a reader.
    for byte in word.bytes() {
        if !matches!(byte, b'\'' | b'"' | b'^' | b'\\') {
            plain[length] = byte;
            length += 1;
        }
    }
    let word = std::str::from_utf8(&plain[..length]).ok()?;
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    Some(match name {
        "whoami" | "ifconfig" | "ipconfig" | "netstat" | "uname" | "systeminfo" | "sysinfo"
        | "tasklist" | "printenv" | "nslookup" | "lsof" | "dmesg" | "getent" | "vssadmin"
        | "wevtutil" | "hostname" | "arp" | "ls" | "shutdown" | "reboot" | "mkfifo"
        | "traceroute" | "tracert" => Kind::Recon,
        "curl" | "wget" | "nc" | "ncat" | "netcat" | "bash" | "zsh" | "ksh" | "dash" | "sh"
        | "powershell" | "pwsh" | "cmd" | "chmod" | "chown" | "perl" | "python" | "python2"
        | "python3" | "php" | "ruby" | "node" | "lua" | "xterm" | "telnet" | "ssh" | "scp"
        | "sftp" | "ftp" | "rsync" | "sudo" | "su" | "awk" | "gawk" | "sed" | "grep" | "egrep"
        | "crontab" | "useradd" | "adduser" | "usermod" | "passwd" | "ps" | "pwd" | "xargs"
        | "openssl" | "base64" | "xxd" | "certutil" | "bitsadmin" | "socat" | "tftp"
        | "killall" | "tar" | "gcc" | "dd" | "mv" | "cp" | "ln" | "ip" | "iptables"
        | "systemctl" | "wmic" | "rundll32" | "regsvr32" | "mshta" | "netsh" | "sc" | "cscript"
        | "wscript" | "schtasks" | "nohup" | "docker" | "kubectl" | "git" | "dig" | "mail"
        | "nmap" | "tee" | "rmdir" | "mkdir" | "strace" | "gdb" | "tac" | "nl" => Kind::Program,
        "cat" | "rm" | "echo" | "ping" | "sleep" | "find" | "kill" | "head" | "tail" | "more"
        | "less" | "touch" | "type" | "dir" | "net" | "del" | "copy" | "move" | "reg" | "which"
        | "env" | "id" | "start" | "set" | "host" | "w" | "who" | "last" | "cut" | "sort"
        | "timeout" | "export" | "exec" | "eval" | "source" | "printf" | "read" | "wait"
        | "true" | "expr" | "date" | "time" => Kind::Word,
        _ => return None,
    })
}

fn given(rest: &str) -> Given {
    let is_end = |text: &str| {
        text.is_empty()
            || text.starts_with([
                ';', '|', '&', '`', ')', '#', '\n', '\r', '\'', '"', '}', '\0',
            ])
    };
    if rest.starts_with(['$', '<', '>']) {
        return Given::Arguments;
    }
    let line = rest.split([';', '|', '&', '`']).next().unwrap_or_default();
    if line.contains("> ") || line.contains(">>") || line.contains(">/") {
        return Given::Arguments;
    }
    let given = rest.trim_start_matches([' ', '\t', '+', ',']);
    if is_end(given)
        && !(given.starts_with(['\'', '"']) && given.len() > 2 && given.len() < rest.len())
    {
        return Given::Nothing;
    }
    if given.len() == rest.len() {
        // Neither a blank nor the end: another word.
        return Given::Words;
    }
    let given = given.trim_start_matches(['\'', '"']);
    let first = given
        .split(|character: char| {
            character.is_whitespace()
                || matches!(character, ';' | '|' | '&' | '+' | '}' | '`' | ')')
        })
        .next()
        .unwrap_or_default();
    let bytes = first.as_bytes();
    let is_flag = bytes.len() > 1 && bytes[0] == b'-' && bytes[1].is_ascii_alphanumeric()
        || first.starts_with("--") && first.len() > 2;
    let is_switch = bytes.len() == 2 && bytes[0] == b'/';
    let is_rooted = bytes.len() > 1
        && matches!(bytes[0], b'/' | b'~' | b'$' | b'*' | b'>' | b'<' | b'%')
        || first.contains(":\\")
        || first.contains("://")
        || first.starts_with("../")
        || first.starts_with("..\\")
        || first.starts_with("\\\\")
        || matches!(first, "." | ".." | "*");
    let is_number = !first.is_empty()
        && first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_flag
        || is_switch
        || is_rooted
        || is_number
        || matches!(
            first,
            "user"
                | "localgroup"
                | "localhost"
                | "passwd"
                | "view"
                | "share"
                | "add"
                | "query"
                | "export"
                | "accounts"
        )
    {
        Given::Arguments
    } else if first.contains('/') || first.trim_end_matches('.').contains('.') {
        Given::File
    } else {
        Given::Words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_by_its_name_and_what_follows() {
        for (text, kind, given) in [
            ("cat /etc/passwd", Kind::Word, Given::Arguments),
            ("ls -la", Kind::Recon, Given::Arguments),
            ("cat pictures.md", Kind::Word, Given::File),
            ("id", Kind::Word, Given::Nothing),
            ("/usr/bin/id;", Kind::Rooted, Given::Nothing),
            ("c'a't /x", Kind::Word, Given::Arguments),
            ("w^ho^ami", Kind::Recon, Given::Nothing),
            ("cat$ifs/etc/passwd", Kind::Word, Given::Arguments),
            ("{cat,/etc/passwd}", Kind::Word, Given::Arguments),
            ("sleep 5", Kind::Word, Given::Arguments),
            ("python; bash", Kind::Program, Given::Nothing),
            ("%comspec% /c dir", Kind::Rooted, Given::Arguments),
        ] {
            assert_eq!(command(text), Some(Command { kind, given }), "{text}");
        }
        for text in ["jerry", "", "print(x)", "cats", "more-of-it"] {
            assert_eq!(command(text), None, "{text}");
        }
    }
}
