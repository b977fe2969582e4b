//! Marks and surrogates: what replaces a value, and how it is recognised when it comes back in an argument.
//!
//! A mark (`[email~bcdfgh]`) is for people and models. A surrogate (`masked-1-bcdfgh@example.invalid`) is for programs
//! that check the form of a value. Both end in a tag, which is a keyed hash of everything before it: what a person or
//! another program writes is never taken for ours. A tag has letters alone, so that no detector sees a number in it.

use std::hash::Hasher;

use sandgate_detect::{Entities, Entity, position};
use siphasher::sip::SipHasher24;

/// Letters of a tag: 24 bits.
const TAG: usize = 6;
/// The letters of a tag. Consonants make no words.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";
/// Longest mark.
const LONGEST: usize = 64;
/// The domain of surrogate addresses, which RFC 2606 reserves.
const DOMAIN: &str = "@example.invalid";

/// The key of the tags.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    keys: (u64, u64),
}

impl Marks {
    /// The marks of whoever has the secret.
    pub(crate) fn new(secret: &str) -> Self {
        let half = |number| {
            let mut hasher = SipHasher24::new_with_keys(number, 0x7061_7269_7479_6d6b);
            hasher.write(secret.as_bytes());
            hasher.finish()
        };
        Self {
            keys: (half(1), half(2)),
        }
    }

    fn hash(self, whole: &str) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.keys.0, self.keys.1);
        hasher.write(whole.as_bytes());
        hasher.finish()
    }

    fn tag(self, whole: &str) -> [u8; TAG] {
        let hash = self.hash(whole);
        std::array::from_fn(|place| LETTERS[(hash >> (4 * place)) as usize & 15])
    }

    fn push_tag(self, whole: &str, into: &mut String) {
        into.extend(self.tag(whole).map(char::from));
    }

    /// The mark of a kind. `part` says more of the value: ` ****1881`, `:91c4…`, `-2`, or nothing.
    pub(crate) fn mark(self, entity: Entity, part: &str) -> String {
        let mut mark = String::with_capacity(LONGEST);
        mark.push('[');
        mark.push_str(entity.name());
        mark.push_str(part);
        mark.push('~');
        let whole = mark[1..mark.len() - 1].to_owned();
        self.push_tag(&whole, &mut mark);
        mark.push(']');
        mark
    }

    /// A value of the same form that belongs to nobody. Only e-mail addresses and addresses of IPv6 have one: numbers
    /// with a tag in them would be the numbers of somebody else. `serial` distinguishes the values of a reply.
    pub(crate) fn surrogate(self, entity: Entity, value: &str, serial: usize) -> Option<String> {
        match entity {
            Entity::Email => {
                let mut address = format!("masked-{serial}");
                let whole = address.clone();
                address.push('-');
                self.push_tag(&whole, &mut address);
                Some(address + DOMAIN)
            }
            // 100::/64 is the discard-only prefix of RFC 6666.
            Entity::Ip if value.contains(':') => {
                let serial = serial % 0xffff;
                let hash = self.hash(&format!("ip-{serial}"));
                Some(format!(
                    "100::{:x}:{:x}:{serial:x}",
                    hash as u16 | 0x1000,
                    (hash >> 16) as u16 | 0x1000
                ))
            }
            _ => None,
        }
    }

    /// The kind of the first mark or surrogate of these marks in a text.
    pub(crate) fn ours_in(self, text: &str, entities: Entities) -> Option<Entity> {
        let bytes = text.as_bytes();
        let is_one = |byte: u8| (byte == b'~') | (byte == b'@') | (byte == b':');
        let mut at = position(bytes, 0, is_one);
        while at < bytes.len() {
            if let Some((_, _, entity)) = self.around(text, at)
                && entities.has(entity)
            {
                return Some(entity);
            }
            at = position(bytes, at + 1, is_one);
        }
        None
    }

    /// Whether the bytes `start..end` of the text are, or are in, a mark or surrogate of these marks.
    pub(crate) fn covers(self, text: &str, start: usize, end: usize) -> bool {
        let bytes = text.as_bytes();
        let is_one = |byte: &u8| matches!(byte, b'~' | b'@' | b':');
        let last = bytes.len().min(end + LONGEST);
        let candidates = bytes[start..last]
            .iter()
            .enumerate()
            .filter(|(_, byte)| is_one(byte));
        candidates
            .take(8)
            .filter_map(|(place, _)| self.around(text, start + place))
            .any(|(begins, ends, _)| begins <= start && end <= ends)
    }

    /// The start, end and kind of the mark or surrogate around the `~`, `@` or `:` at `at`.
    fn around(self, text: &str, at: usize) -> Option<(usize, usize, Entity)> {
        match text.as_bytes()[at] {
            b'~' => self.mark_around(text, at),
            b'@' => self.address_around(text, at),
            _ => self.ip_around(text, at),
        }
    }

    fn mark_around(self, text: &str, at: usize) -> Option<(usize, usize, Entity)> {
        let bytes = text.as_bytes();
        let tag = bytes.get(at + 1..at + 1 + TAG)?;
        if bytes.get(at + 1 + TAG) != Some(&b']')
            || !tag.iter().all(|letter| LETTERS.contains(letter))
        {
            return None;
        }
        let back = bytes[..at]
            .iter()
            .rev()
            .take(LONGEST)
            .position(|byte| *byte == b'[')?;
        let start = at - back - 1;
        let whole = text.get(start + 1..at)?;
        let entity = Entity::ALL.into_iter().find(|entity| {
            let rest = whole.strip_prefix(entity.name());
            rest.is_some_and(|rest| {
                rest.is_empty()
                    || rest.starts_with([' ', ':'])
                    || rest.starts_with('-') && rest[1..].bytes().all(|byte| byte.is_ascii_digit())
            })
        })?;
        (self.tag(whole) == tag).then_some((start, at + 2 + TAG, entity))
    }

    fn address_around(self, text: &str, at: usize) -> Option<(usize, usize, Entity)> {
        let before = text.get(..at)?;
        if !text.get(at..)?.starts_with(DOMAIN) {
            return None;
        }
        let start = before.len().saturating_sub(TAG + 32);
        let start = (start..at).find(|start| before.is_char_boundary(*start))?;
        let begins = start + before[start..].rfind("masked-")?;
        let (whole, tag) = before[begins..].rsplit_once('-')?;
        (self.tag(whole).as_slice() == tag.as_bytes()).then_some((
            begins,
            at + DOMAIN.len(),
            Entity::Email,
        ))
    }

    fn ip_around(self, text: &str, at: usize) -> Option<(usize, usize, Entity)> {
        let start = at.checked_sub(3)?;
        let rest = text.get(start..)?.strip_prefix("100::")?;
        let length = rest
            .bytes()
            .take(16)
            .take_while(|byte| byte.is_ascii_hexdigit() || *byte == b':')
            .count();
        let mut groups = rest[..length]
            .splitn(3, ':')
            .map(|group| u16::from_str_radix(group, 16));
        let (Some(Ok(one)), Some(Ok(two)), Some(Ok(serial))) =
            (groups.next(), groups.next(), groups.next())
        else {
            return None;
        };
        let hash = self.hash(&format!("ip-{serial}"));
        let is_ours = one == hash as u16 | 0x1000 && two == (hash >> 16) as u16 | 0x1000;
        is_ours.then_some((start, start + 5 + length, Entity::Ip))
    }
}

/// Whether a text may have a mark or a surrogate, by what each must contain.
pub(crate) fn may_be_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_one = |byte: u8| (byte == b'~') | (byte == b'@') | (byte == b':');
    let mut at = position(bytes, 0, is_one);
    while at < bytes.len() {
        let rest = &bytes[at..];
        if matches!(rest, [b'~', _, _, _, _, _, _, b']', ..])
            || rest.starts_with(DOMAIN.as_bytes())
            || bytes[..at].ends_with(b"100")
        {
            return true;
        }
        at = position(bytes, at + 1, is_one);
    }
    false
}

/// What a mark shows of the value: ` ****1881` with `shown` = 4.
pub(crate) fn tail(value: &str, shown: usize) -> String {
    if shown == 0 {
        return String::new();
    }
    let mut tail: Vec<char> = value
        .chars()
        .rev()
        .filter(|character| character.is_alphanumeric())
        .take(shown)
        .collect();
    tail.reverse();
    format!(" ****{}", tail.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sandgate_detect::scan;

    fn all() -> Entities {
        Entity::ALL.into_iter().collect()
    }

    #[test]
    fn whatever_we_put_in_is_known_when_it_comes_back() {
        let marks = Marks::new("a secret");
        for entity in Entity::ALL {
            for part in ["", " ****1881", ":0123456789abcdef", "-12"] {
                let text = format!("é to {} now", marks.mark(entity, part));
                assert_eq!(marks.ours_in(&text, all()), Some(entity), "{text}");
                assert_eq!(Marks::new("another").ours_in(&text, all()), None, "{text}");
            }
        }
        for (entity, value) in [
            (Entity::Email, "ann@example.com"),
            (Entity::Ip, "2001:db8::1"),
        ] {
            for serial in 1..300 {
                let text = format!("to {} now", marks.surrogate(entity, value, serial).unwrap());
                assert_eq!(marks.ours_in(&text, all()), Some(entity), "{text}");
                assert_eq!(Marks::new("another").ours_in(&text, all()), None, "{text}");
            }
        }
    }

    #[test]
    fn what_people_write_is_not_taken_for_ours() {
        let marks = Marks::new("a secret");
        for text in [
            "[email]",
            "[email-1]",
            "reply to [email]",
            "order_id = 100000000001",
            "sessions[ip] = now()",
            "user[email]=a",
            "240.0.0.1",
            "masked-1@example.invalid",
            "masked-1-bcdfgh@example.invalid",
            "[email~bcdfgh]",
            "100::1",
            "100::1000:1000:1",
            "~",
            "[~bcdfgh]",
            "@example.invalid",
        ] {
            assert_eq!(marks.ours_in(text, all()), None, "{text}");
        }
    }

    #[test]
    fn only_the_wanted_kinds_are_known_again() {
        let marks = Marks::new("a secret");
        let text = marks.mark(Entity::Phone, "") + &marks.mark(Entity::Email, "");
        assert_eq!(
            marks.ours_in(&text, [Entity::Email].into_iter().collect()),
            Some(Entity::Email)
        );
    }

    #[test]
    fn what_is_found_in_a_mark_is_known() {
        let marks = Marks::new("a secret");
        for entity in Entity::ALL {
            let text = format!("phone {0} card {0} id {0}", marks.mark(entity, " ****1881"));
            scan(&text, all(), &String::new, &mut |found| {
                assert!(marks.covers(&text, found.start, found.end), "{text}")
            });
        }
        let text = marks.surrogate(Entity::Email, "", 7).unwrap()
            + " "
            + &marks.surrogate(Entity::Ip, "::", 7).unwrap();
        scan(&text, all(), &String::new, &mut |found| {
            assert!(marks.covers(&text, found.start, found.end))
        });
    }
}
