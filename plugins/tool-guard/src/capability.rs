//! Tools that say of themselves that they attack.

/// Beginnings of words that name an attack and little else.
const ATTACKS: [&str; 34] = [
    "exploit",
    "exfiltrat",
    "malware",
    "malicious",
    "ransomware",
    "keylog",
    "backdoor",
    "bruteforce",
    "phish",
    "spoof",
    "shellcode",
    "payload",
    "rootkit",
    "botnet",
    "privesc",
    "cve-",
    "deserializ",
    "mimikatz",
    "kerberoast",
    "ntds",
    "metasploit",
    "xss",
    "sqli",
    "ssrf",
    "xxe",
    "csrf",
    "lfi",
    "rfi",
    "cmdi",
    "c2",
    "hijack",
    "exhaust",
    "poison",
    "bypass",
];

/// Pairs of words that do.
const PAIRS: [(&str, &str); 16] = [
    ("brute", "force"),
    ("reverse", "shell"),
    ("dump", "cred"),
    ("dump", "password"),
    ("dump", "hash"),
    ("dump", "memory"),
    ("privilege", "escalat"),
    ("command", "inject"),
    ("sql", "inject"),
    ("template", "inject"),
    ("arbitrary", "command"),
    ("arbitrary", "shell"),
    ("zone", "transfer"),
    ("port", "scan"),
    ("crack", "password"),
    ("steal", ""),
];

/// Whether a name or a description names an attack.
pub(crate) fn is_offensive(name: &str, description: &str) -> bool {
    [name, description].iter().any(|text| {
        let text = text
            .get(..text.len().min(2000))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let words: Vec<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .collect();
        let names_attack = words.iter().any(|word| {
            ATTACKS.iter().any(|attack| {
                if attack.len() <= 4 {
                    word == attack
                } else {
                    word.starts_with(attack)
                }
            })
        });
        names_attack
            || words.windows(3).any(|three| {
                PAIRS.iter().any(|(one, other)| {
                    three.first().is_some_and(|word| word.starts_with(one))
                        && three.iter().skip(1).any(|word| word.starts_with(other))
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_that_attack_say_so() {
        assert!(is_offensive(
            "cred_dump_ntds",
            "Dump credentials of a domain controller."
        ));
        assert!(is_offensive("x", "Open a reverse TCP shell."));
        assert!(!is_offensive("get_me", "Gets the profile of a user."));
    }
}
