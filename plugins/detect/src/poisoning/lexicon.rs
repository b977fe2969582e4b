//! Words by what they may mean in an instruction. A word may be of several classes.

/// Classes of words, as a set.
pub(super) type Classes = u64;

macro_rules! classes {
    ($($name:ident = $bit:literal: $words:literal;)*) => {
        $(pub(super) const $name: Classes = 1 << $bit;)*
        const LISTS: &[(Classes, &str)] = &[$(($name, $words)),*];
    };
}

classes! {
    YOU = 0: "you your yourself assistant llm ai agent model claude chatgpt gpt gemini copilot";
    MUST = 1: "must always required mandatory shall ensure critical important essential crucial immediately should need necessary obligatory";
    NOT = 2: "not never don't dont without no nor cannot can't avoid refrain won't shouldn't mustn't needn't neither";
    TELL = 3: "tell telling mention mentioning inform informing notify notifying reveal revealing disclose disclosing alert alerting acknowledge admit confess";
    SHOW = 4: "show showing display displaying expose say saying explain explaining report reporting print describe discuss confirm ask asking";
    USER = 5: "user users user's human humans person anyone anybody customer";
    WHEN = 6: "before after prior when whenever once if first upon while every each additionally also";
    USE = 7: "use using used uses call calling called invoke invoking invoked run running execute executing available present loaded installed exists proceed proceeding performing";
    TOOL = 8: "tool tools function functions";
    OTHER = 9: "other any all every another others";
    READ = 10: "read open load cat fetch retrieve get access collect gather obtain extract dump look find grab locate capture scan take copy";
    SEND = 11: "send forward email post upload transmit share submit bcc cc mail exfiltrate leak deliver relay publish push curl sent forwarded emailed posted uploaded transmitted mirrored mirror replicate";
    PASS = 12: "pass include append insert add put attach provide supply fill embed set place prepend encode write paste store included passed attached appended provided supplied";
    SECRET = 13: "password passwords credential credentials secret secrets token tokens apikey cookie cookies passphrase mnemonic wallet keychain keyring privatekey passcode otp";
    CONTEXT = 14: "conversation history transcript prompt messages memory context chat dialogue instructions session";
    CONTENT = 15: "content contents text data value file files output result results everything body response information details payload";
    IGNORE = 16: "ignore disregard forget override overrides overrule bypass bypasses skip disable disables circumvent suspend ignoring overriding bypassing";
    PRIOR = 17: "previous prior above earlier preceding existing original safety system default initial former security";
    RULES = 18: "instruction instructions rule rules prompt prompts guideline guidelines restriction restrictions policy policies directive directives guardrails guardrail safeguards safeguard safety validation checks filters filtering restrictions limitations confirmation constraints";
    SECRETLY = 19: "secretly silently quietly covertly discreetly stealthily invisibly surreptitiously unnoticed";
    FIRST = 20: "my me mine i'm i'd i've myself";
    PLEASE = 21: "please kindly";
    EFFECT = 22: "transfer pay buy sell unlock lock delete remove grant revoke schedule book cancel wire withdraw deposit purchase order initiate disable change update drop install execute download turn leave create enable approve modify erase wipe format reset invite subscribe register redirect move rename encrypt shut start stop activate deactivate publish give make";
    EXAMPLE = 23: "example examples e.g eg i.e such like sample placeholder";
    KEY = 24: "key keys";
    KEYED = 25: "private api ssh secret access encryption signing pgp gpg rsa aws";
    PARAMETER = 26: "parameter parameters argument arguments field sidenote side note notes param args";
    AS = 27: "as in into to via through with";
    PRIVILEGE = 28: "unrestricted privileges privilege elevated elevate admin administrator root superuser superadmin restrictions freely";
    OTHERWISE = 29: "otherwise else failure failing compliance auditing audit gdpr soc2 legal proxying regulatory urgent required";
    PREFER = 30: "prefer preferred prioritize prioritise instead over best only favour favor exclusively rather";
    HIDDEN = 31: "hidden secret confidential invisible private internal";
    KEEP = 32: "keep remain stay kept keeping";
    ACT = 33: "act pretend simulate roleplay behave impersonate";
    NOW = 34: "now henceforth hereafter onwards";
    DECODE = 35: "decode decoded base64 base-64 rot13 hex decrypt deobfuscate";
    NOTE = 36: "note use provide see refer ensure check specify be contact visit consult try make sure verify select choose enter keep call review wait read do not don't follow set only pass give supply remember allow";
    ALSO = 37: "also additionally moreover furthermore then";
    BEHAVIOUR = 38: "behavior behaviour affects affect modifies modify changes change replaces replace supersedes intercepts overrides rules usage recipient recipients redirect";
    RECIPIENT = 39: "recipient recipients bcc cc address addresses destination endpoint webhook url server host account";
    ENVIRONMENT = 40: "environment env environ";
    FULL = 41: "full entire whole complete all verbatim exact raw current recent last previous";
    STEP = 42: "step operation action request behavior behaviour fact detail this that it these instruction";
    FUNDS = 44: "funds money btc eth usd eur bitcoin crypto payment payments dollars euros balance savings gift";
    AI = 45: "assistant llm ai agent agents model models chatbot copilot";
    REASONS = 46: "compliance auditing audit gdpr soc2 regulatory proxying telemetry legal retention";
    REASON = 47: "reason reasons purposes requirement requirements policy";
    CONTAIN = 48: "contain contains containing hold carry";
    REDIRECT = 49: "change replace redirect override set reroute swap modify alter changed replaced redirected";
    SHELL = 50: "curl wget iwr invoke chmod rm";
    CONSENT = 51: "agreed consented approved authorised authorized confirmed permission consent permitted";
    WORKS = 43: "work works working fail fails function succeed broken error";
}

/// Slots of the table: a power of two, at least twice as many as words.
const SLOTS: usize = 2048;

/// A hash of the word and its classes; no classes in an empty slot.
static TABLE: [(u32, Classes); SLOTS] = table();

const fn table() -> [(u32, Classes); SLOTS] {
    let mut table = [(0, 0); SLOTS];
    let mut list = 0;
    while list < LISTS.len() {
        let (class, words) = (LISTS[list].0, LISTS[list].1.as_bytes());
        let mut at = 0;
        while at < words.len() {
            let mut hash = START;
            while at < words.len() && words[at] != b' ' {
                hash = step(hash, words[at]);
                at += 1;
            }
            at += 1;
            let mut slot = hash as usize % SLOTS;
            while table[slot].1 != 0 && table[slot].0 != hash {
                slot = (slot + 1) % SLOTS;
            }
            table[slot] = (hash, table[slot].1 | class);
        }
        list += 1;
    }
    table
}

/// The hash of no letters (FNV-1a).
pub(super) const START: u32 = 0x811C_9DC5;

/// The hash with one more letter, which is a small one.
pub(super) const fn step(hash: u32, letter: u8) -> u32 {
    (hash ^ letter as u32).wrapping_mul(0x0100_0193)
}

/// The classes of the word with this hash.
pub(super) fn classes(hash: u32) -> Classes {
    let mut slot = hash as usize % SLOTS;
    loop {
        match TABLE.get(slot) {
            Some((_, 0)) | None => return 0,
            Some((found, classes)) if *found == hash => return *classes,
            Some(_) => slot = (slot + 1) % SLOTS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_and_others_are_not() {
        let hash = |word: &str| word.bytes().fold(START, step);
        assert_eq!(classes(hash("secretly")), SECRETLY);
        assert_eq!(classes(hash("secret")), SECRET | KEYED | HIDDEN);
        assert_eq!(classes(hash("repository")), 0);
        for (class, words) in LISTS {
            for word in words.split(' ') {
                assert_ne!(classes(hash(word)) & class, 0, "{word}");
            }
        }
        assert!(TABLE.iter().filter(|slot| slot.1 != 0).count() < SLOTS / 2);
    }
}
