//! The words around a number, for numbers whose digits alone do not show what they are.

/// How many bytes before a number are searched for words.
const WINDOW: usize = 48;

/// The words that describe a value: the text before it, and the name of the member that holds it.
pub(crate) struct Context<'t> {
    pub(crate) text: &'t str,
    /// The member's name; empty where the text is not a member of a JSON object. It is only called when needed, because
    /// the answer costs a call to the host.
    pub(crate) key: &'t dyn Fn() -> String,
}

/// Words in lower case. A word of `exact` must stand alone: "tel" is not found in "hotel" or "tell". A word of `begun`
/// may be the beginning of a longer word: "phone" is found in "phones". Words that begin with a character beyond ASCII
/// may stand anywhere.
pub(crate) struct Words {
    pub(crate) exact: &'static [&'static str],
    pub(crate) begun: &'static [&'static str],
}

pub(crate) const PHONE: Words = Words {
    exact: &[
        "tel", "cell", "fax", "sms", "ring", "mob", "ph", "fon", "gsm",
    ],
    begun: &[
        "phone",
        "telephone",
        "telefon",
        "mobile",
        "cellphone",
        "cellular",
        "celular",
        "handy",
        "whatsapp",
        "hotline",
        "call",
        "dial",
        "contact",
        "reach",
        "landline",
        "téléphone",
        "teléfono",
        "móvil",
        "portable",
        "電話",
        "携帯",
        "連絡先",
        "連絡は",
        "でんわ",
        "ＴＥＬ",
        "ＦＡＸ",
        "ファックス",
        "ファクス",
        "内線",
        "电话",
        "手机",
        "手機",
        "联系",
        "連繫",
        "전화",
        "연락",
        "휴대",
        "핸드폰",
        "тел",
        "моб",
    ],
};

pub(crate) const CARD: Words = Words {
    exact: &[
        "visa", "amex", "jcb", "pan", "cc", "maestro", "diners", "discover",
    ],
    begun: &[
        "card",
        "credit",
        "debit",
        "mastercard",
        "creditcard",
        "カード",
        "クレジット",
        "信用卡",
        "카드",
        "karte",
        "carte",
        "tarjeta",
    ],
};

pub(crate) const MY_NUMBER: Words = Words {
    exact: &["my number", "my_number", "mynumber", "individual number"],
    begun: &[
        "マイナンバ",
        "個人番号",
        "ﾏｲﾅﾝﾊﾞ",
        "my number",
        "mynumber",
        "my_number",
        "my-number",
        "個人識別番号",
    ],
};

pub(crate) const SSN: Words = Words {
    exact: &["ssn", "ss#", "social security"],
    begun: &["social security", "socialsecurity"],
};

pub(crate) const IBAN: Words = Words {
    exact: &["iban"],
    begun: &["iban"],
};

/// Words that may follow a telephone number: "030 123 456 office".
pub(crate) const PHONE_AFTER: Words = Words {
    exact: &[
        "office", "fax", "mobile", "cell", "phone", "home", "tel", "work", "mob", "携帯", "電話",
        "自宅",
    ],
    begun: &[],
};

/// Words before numbers that do not belong to a person.
pub(crate) const IMPERSONAL: Words = Words {
    exact: &[
        "id",
        "ids",
        "order",
        "invoice",
        "ticket",
        "ref",
        "reference",
        "sku",
        "isbn",
        "issn",
        "part",
        "serial",
        "tracking",
        "version",
        "ver",
        "v",
        "port",
        "build",
        "model",
        "item",
        "case",
        "po",
        "lot",
        "batch",
        "rev",
        "release",
        "uuid",
        "hash",
        "commit",
        "timestamp",
        "epoch",
        "tin",
        "vat",
        "abn",
        "ean",
        "upc",
        "gtin",
    ],
    begun: &[
        "order_",
        "transaction",
        "注文",
        "品番",
        "型番",
        "法人番号",
        "口座",
        "郵便",
        "伝票",
        "追跡",
        "トランザクション",
        "課題",
        "バージョン",
        "管理番号",
        "商品",
        // Japanese article numbers, and not people called Jan or Jane.
        "jan code",
        "jan-code",
        "jan_code",
        "jancode",
        "janコード",
        "受付番号",
        "問い合わせ番号",
        "お問合せ番号",
        "予約番号",
        "会員番号",
        "社員番号",
        "製造番号",
        "シリアル",
    ],
};

pub(crate) const VERSION: Words = Words {
    exact: &[
        "version", "ver", "v", "release", "firmware", "build", "rev", "revision", "section",
        "chapter", "oid",
    ],
    begun: &["バージョン", "version", "ファームウェア", "第"],
};

impl Context<'_> {
    /// Whether one of the words is in the last [`WINDOW`] bytes before `at`, or in the member's name.
    pub(crate) fn says(&self, words: &Words, at: usize) -> bool {
        self.says_within(words, at, WINDOW) || self.key_says(words)
    }

    /// Whether one of the words is in the last `window` bytes before `at`. More than [`WINDOW`] bytes are never
    /// searched.
    pub(crate) fn says_within(&self, words: &Words, at: usize, window: usize) -> bool {
        let mut start = at.saturating_sub(window.min(WINDOW));
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        let mut buffer = [0; WINDOW];
        words.in_lower_case(lowered(&self.text.as_bytes()[start..at], &mut buffer))
    }

    /// Whether one of the words is in the 12 bytes after `at`, on the same line.
    pub(crate) fn says_after(&self, words: &Words, at: usize) -> bool {
        let mut end = self.text.len().min(at + 12);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.text.as_bytes()[at..end]
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let mut buffer = [0; WINDOW];
        words.in_lower_case(lowered(line, &mut buffer))
    }

    /// Whether one of the words is in the member's name. `camelCase` and `snake_case` are split into words.
    pub(crate) fn key_says(&self, words: &Words) -> bool {
        let key = (self.key)();
        let mut parted = String::with_capacity(key.len() + 8);
        let mut before = ' ';
        for character in key.chars() {
            if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
                parted.push(' ');
            }
            parted.push(character.to_ascii_lowercase());
            before = character;
        }
        words.in_lower_case(parted.as_bytes())
    }
}

impl Words {
    fn in_lower_case(&self, text: &[u8]) -> bool {
        let is_letter = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(u8::is_ascii_alphabetic)
        };
        let stands = |word: &&str, alone: bool| {
            let word = word.as_bytes();
            text.windows(word.len()).enumerate().any(|(at, window)| {
                // Words in kana and kanji are not separated by spaces.
                window == word
                    && !(word[0].is_ascii() && is_letter(at.checked_sub(1)))
                    && !(alone && is_letter(Some(at + word.len())))
            })
        };
        self.exact.iter().any(|word| stands(word, true))
            || self.begun.iter().any(|word| stands(word, false))
    }
}

fn lowered<'b>(bytes: &[u8], buffer: &'b mut [u8; WINDOW]) -> &'b [u8] {
    let lowered = &mut buffer[..bytes.len()];
    lowered.copy_from_slice(bytes);
    lowered.make_ascii_lowercase();
    lowered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(words: &Words, text: &str) -> bool {
        Context {
            text,
            key: &String::new,
        }
        .says(words, text.len())
    }

    #[test]
    fn words_are_whole_words() {
        assert!(says(&PHONE, "Tel: "));
        assert!(says(&PHONE, "my phones are "));
        assert!(says(&PHONE, "ご連絡先は"));
        assert!(!says(&PHONE, "hotel "));
        assert!(!says(&PHONE, "tell "));
        assert!(!says(&PHONE, "recall "));
    }

    #[test]
    fn words_far_away_say_nothing() {
        assert!(!says(&PHONE, &format!("phone {}", "x".repeat(60))));
        // The window begins in the middle of a character.
        assert!(says(&PHONE, &format!("{}電話", "あ".repeat(14))));
    }

    #[test]
    fn names_of_members_are_taken_apart() {
        let key = |name: &str| {
            Context {
                text: "",
                key: &|| name.to_owned(),
            }
            .key_says(&PHONE)
        };
        assert!(key("homePhone"));
        assert!(key("contact_tel"));
        assert!(key("電話番号"));
        assert!(!key("hotelId"));
    }
}
