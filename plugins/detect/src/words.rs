//! The words that say what a number is. A topic is a bit of meaning; its words come from English and from the languages
//! of the countries whose numbers are looked for. One pass over the text before a number finds every topic at once.

/// What the words around a value speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Topic {
    /// Telephones.
    Phone,
    /// Calls and messages, which need not be by telephone.
    Call,
    /// Where a telephone stands: behind a number.
    Place,
    /// Payment cards.
    Card,
    /// International bank accounts.
    Iban,
    /// Numbers that states give to people and companies, by their names: their check digits must be right.
    National,
    /// The same in general words, which are enough without check digits.
    Identity,
    /// The social security number of the United States.
    Ssn,
    /// The Individual Number of Japan.
    MyNumber,
    /// Passports, identity cards and permits.
    Document,
    /// Driving licences.
    Licence,
    /// Plates of vehicles.
    Plate,
    /// Postal codes.
    Postal,
    /// Bank accounts and routing numbers.
    Bank,
    /// Dates of birth.
    Birth,
    /// Hardware addresses.
    Mac,
    /// Addresses of the Internet Protocol.
    Ip,
    /// Numbers that do not belong to a person.
    Impersonal,
    /// Versions and sections.
    Version,
}

/// How many topics there are.
pub(crate) const TOPICS: usize = 19;

/// The words of each topic, in lower case; in capitals where only capitals count, because the word is another one
/// otherwise. A `*` at the end allows more letters: `phone*` is found in "phones", and
/// `tel` is not found in "tell". Words that begin with a character beyond ASCII may stand anywhere, because kana and
/// kanji are not separated by spaces.
const WORDS: &[(Topic, &[&str])] = &[
    (
        Topic::Phone,
        &[
            "tel",
            "cell",
            "fax",
            "sms",
            "mob",
            "ph",
            "fon",
            "gsm",
            "tlf",
            "tfno",
            "phone*",
            "telephone*",
            "telefon*",
            "telefax*",
            "mobile*",
            "mobil",
            "mobiel*",
            "cellphone*",
            "cellular*",
            "celular*",
            "cellulare*",
            "handy*",
            "whatsapp*",
            "hotline*",
            "contact*",
            "landline*",
            "portable*",
            "puhelin*",
            "matka*",
            "telpon*",
            "telp",
            "puh",
            "msisdn*",
            "fixnetz*",
            "festnetz*",
            "rufnummer*",
            "mobiltelefon*",
            "t\u{e9}l\u{e9}phone",
            "t\u{e9}l",
            "tel\u{e9}fono",
            "m\u{f3}vil",
            "voicemail*",
            "dzwo*",
            "komorka*",
            "numara*",
            "ponsel*",
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
            "電郵",
            "联系",
            "連繫",
            "聯絡",
            "전화",
            "연락",
            "휴대",
            "핸드폰",
            "тел",
            "Тел",
            "моб",
            "Моб",
            "τηλ",
            "Τηλ",
            "κινητ",
            "Κινητ",
            "טלפון",
            "נייד",
            "هاتف",
            "جوال",
            "فون",
            "โทร",
            "มือถือ",
            "điện thoại",
            "फ़ोन",
            "फोन",
            "मोबाइल",
        ],
    ),
    (
        Topic::Card,
        &[
            "visa",
            "amex",
            "jcb",
            "cc",
            "ccn",
            "maestro",
            "diners*",
            "discover",
            "card*",
            "credit*",
            "debit*",
            "mastercard*",
            "creditcard*",
            "karte*",
            "kreditkarte*",
            "carte*",
            "carta",
            "tarjeta*",
            "cart\u{e3}o",
            "kart*",
            "kort*",
            "kaart*",
            "unionpay*",
            "cvv*",
            "cvc*",
            "expir*",
            "カード",
            "クレジット",
            "信用卡",
            "银行卡",
            "카드",
            "карт",
            "Карт",
            "κάρτα",
            "paid",
            "payment*",
            "billing*",
            "charged",
            "bankcard*",
            "cardnumber*",
        ],
    ),
    (Topic::Iban, &["iban*"]),
    (
        Topic::National,
        &[
            "national id*",
            "national identi*",
            "national insurance*",
            "national registration*",
            "nationalid*",
            "national_id*",
            "NIN",
            "nino",
            "nhs*",
            "identity*",
            "identification*",
            "identifiant*",
            "personal id*",
            "personal code*",
            "personal number*",
            "personalnumber*",
            "citizen*",
            "resident*",
            "taxpayer*",
            "tax*",
            "tax id*",
            "tax no*",
            "tax number*",
            "tin",
            "tax_id*",
            "fiscal*",
            "fiscale*",
            "taxid*",
            "tin",
            "EIN",
            "VAT",
            "vat_*",
            "social security*",
            "social insurance*",
            "socialsecurity*",
            "social_*",
            "insurance*",
            "SIN",
            "ssn*",
            "sozialversicherung*",
            "steuer*",
            "idnr*",
            "krankenversicher*",
            "versichert*",
            "ahv*",
            "avs*",
            "NIR",
            "insee*",
            "securite sociale*",
            "num\u{e9}ro de s\u{e9}cu*",
            "s\u{e9}curit\u{e9} sociale",
            "dni*",
            "NIE",
            "nif*",
            "CIF",
            "curp*",
            "rfc",
            "cuit*",
            "cuil*",
            "RUT",
            "RUN",
            "cedula*",
            "c\u{e9}dula*",
            "cpf*",
            "cnpj*",
            "CNH",
            "PIS",
            "codice*",
            "partita iva*",
            "p. iva*",
            "p.iva*",
            "IVA",
            "pesel*",
            "NIP",
            "regon*",
            "dowod*",
            "personnummer*",
            "personnr*",
            "person nummer*",
            "organisationsnummer*",
            "samordningsnummer*",
            "henkil*",
            "hetu*",
            "f\u{f8}dselsnummer*",
            "fodselsnummer*",
            "fnr",
            "d-nummer*",
            "cpr*",
            "personnumre*",
            "bsn*",
            "burgerservice*",
            "sofinummer*",
            "rijksregister*",
            "RRN",
            "registre national*",
            "niss",
            "insz",
            "PPS",
            "ppsn",
            "rodne*",
            "rodn\u{e9}*",
            "r.\u{10d}.",
            "TAJ",
            "ad\u{f3}",
            "cnp*",
            "egn*",
            "егн",
            "ЕГН",
            "oib*",
            "emso*",
            "em\u{161}o*",
            "jmbg*",
            "amka*",
            "αμκα",
            "ΑΜΚΑ",
            "αφμ",
            "ΑΦΜ",
            "afm",
            "isikukood*",
            "asmens*",
            "personas*",
            "INN",
            "инн",
            "ИНН",
            "снилс",
            "СНИЛС",
            "snils*",
            "паспорт",
            "рнокпп",
            "РНОКПП",
            "ипн",
            "tckn*",
            "kimlik*",
            "vergi*",
            "t.c.*",
            "teudat*",
            "ת.ז",
            "זהות",
            "aadhaar*",
            "aadhar*",
            "uidai*",
            "आधार",
            "PAN",
            "gst*",
            "gstin*",
            "voter*",
            "EPIC",
            "nric*",
            "FIN",
            "uen",
            "hkid*",
            "mykad*",
            "ktp*",
            "NIK",
            "cccd*",
            "cmnd*",
            "citizen identification*",
            "บัตรประชาชน",
            "身份证",
            "身分證",
            "身份證",
            "公民身份",
            "주민",
            "외국인등록",
            "사업자",
            "rrn*",
            "frn*",
            "brn*",
            "基礎年金",
            "年金",
            "保険者番号",
            "被保険者",
            "住民票コード",
            "在留",
            "tfn*",
            "abn*",
            "acn*",
            "medicare*",
            "mbi",
            "npi*",
            "provider id*",
            "dea",
            "IRD",
            "nhi*",
            "sa id*",
            "rsa id*",
            "south african id*",
            "id number*",
            "id no*",
            "idnumber*",
            "id_number*",
            "id card*",
            "identity card*",
            "ausweis*",
            "unique id*",
            "registration number*",
            "civil id*",
            "kennitala*",
            "sjukratrygging*",
            "CUI",
            "cuil",
            "fiscaal*",
            "fiskal*",
            "beneficiary*",
            "patient*",
            "hkid",
            "permanent resident*",
            "finnish id*",
            "turkish id*",
            "korean*",
            "applicant*",
            "id code*",
            "identiteit*",
        ],
    ),
    (
        Topic::Call,
        &[
            "ring",
            "call",
            "calling",
            "dial*",
            "contact*",
            "reach*",
            "answering*",
            "message*",
            "messages*",
            "text me*",
            "registered",
        ],
    ),
    (
        Topic::Place,
        &["office", "off", "home", "work", "自宅", "勤務先"],
    ),
    (
        Topic::Identity,
        &[
            "national id*",
            "nationalid*",
            "national_id*",
            "national insurance*",
            "identity number*",
            "identity no*",
            "identity card*",
            "identification number*",
            "personal id*",
            "personal identi*",
            "id card*",
            "citizen id*",
            "citizenship*",
            "civil id*",
            "social security n*",
            "social insurance n*",
            "numero de identi*",
            "n\u{fa}mero de identi*",
            "documento de identidad*",
            "carta d'identit*",
            "carte d'identit*",
            "personalausweis*",
            "identit\u{e4}t*",
            "身份证号",
            "身分證字號",
            "주민등록번호",
            "身分証",
            "基礎年金番号",
            "被保険者番号",
            "住民票コード",
            "在留カード番号",
            "nomor induk*",
            "t.c. kimlik*",
            "kimlik no*",
        ],
    ),
    (
        Topic::Ssn,
        &[
            "ssn*",
            "ss#",
            "social security*",
            "socialsecurity*",
            "social_security*",
            "itin*",
            "tin",
            "taxpayer*",
        ],
    ),
    (
        Topic::MyNumber,
        &[
            "my number*",
            "mynumber*",
            "my_number*",
            "my-number*",
            "individual number*",
            "マイナンバ",
            "個人番号",
            "ﾏｲﾅﾝﾊﾞ",
            "個人識別番号",
        ],
    ),
    (
        Topic::Document,
        &[
            "passport*",
            "passeport*",
            "pasaporte*",
            "passaporto*",
            "passaporte*",
            "reisepass*",
            "pass-nr*",
            "passnummer*",
            "paspoort*",
            "paszport*",
            "pasaport*",
            "passi*",
            "pass no*",
            "passi",
            "PAS",
            "travel document*",
            "identity card*",
            "id card*",
            "personalausweis*",
            "ausweis*",
            "ausweisnummer*",
            "carta d'identit*",
            "carte d'identit*",
            "documento*",
            "dow\u{f3}d*",
            "residence card*",
            "residence permit*",
            "aufenthaltstitel*",
            "titre de s\u{e9}jour*",
            "green card*",
            "alien*",
            "voter*",
            "vote",
            "パスポート",
            "旅券",
            "在留カード",
            "護照",
            "护照",
            "여권",
            "паспорт",
            "Паспорт",
            "διαβατ",
            "דרכון",
            "جواز",
        ],
    ),
    (
        Topic::Licence,
        &[
            "driver's lic*",
            "driver lic*",
            "drivers lic*",
            "driver_lic*",
            "driverlic*",
            "driving lic*",
            "driving_lic*",
            "licence",
            "license",
            "DL",
            "fahrerlaubnis*",
            "f\u{fc}hrerschein*",
            "permis*",
            "permiso de conducir*",
            "carnet de conducir*",
            "licencia*",
            "patente*",
            "rijbewijs*",
            "prawo jazdy*",
            "k\u{f6}rkort*",
            "ajokort*",
            "免許",
            "驾驶证",
            "驾照",
            "駕照",
            "운전면허",
        ],
    ),
    (
        Topic::Plate,
        &[
            "plate*",
            "license plate*",
            "number plate*",
            "vehicle*",
            "kennzeichen*",
            "immatriculation*",
            "matr\u{ed}cula*",
            "targa*",
            "kenteken*",
            "registration number*",
            "rejestracyjn*",
            "車両番号",
            "ナンバープレート",
            "登録番号標",
            "车牌",
        ],
    ),
    (
        Topic::Postal,
        &[
            "zip",
            "zip code*",
            "zipcode*",
            "zip_code*",
            "postal*",
            "post code*",
            "postcode*",
            "postleitzahl*",
            "plz",
            "code postal*",
            "codigo postal*",
            "c\u{f3}digo postal*",
            "cep",
            "CAP",
            "pin code*",
            "pincode*",
            "postnummer*",
            "postnr*",
            "postinumero*",
            "kod pocztowy*",
            "eircode*",
            "郵便番号",
            "〒",
            "邮编",
            "邮政编码",
            "郵遞區號",
            "우편번호",
            "индекс",
            "Индекс",
        ],
    ),
    (
        Topic::Bank,
        &[
            "account*",
            "acct*",
            "bank*",
            "routing*",
            "aba",
            "rtn",
            "sort code*",
            "sortcode*",
            "bsb",
            "kontonummer*",
            "konto",
            "compte",
            "rib",
            "cuenta*",
            "clabe*",
            "conta",
            "rekening*",
            "rachun*",
            "ifsc*",
            "口座",
            "普通",
            "当座",
            "振込",
            "账号",
            "帳號",
            "계좌",
        ],
    ),
    (
        Topic::Birth,
        &[
            "date of birth*",
            "birth date*",
            "birthdate*",
            "birthday*",
            "birth_date*",
            "date_of_birth*",
            "dateofbirth*",
            "dob",
            "d.o.b*",
            "born",
            "geboren*",
            "geburtsdatum*",
            "geburtstag*",
            "geb",
            "date de naissance*",
            "n\u{e9}*",
            "naissance*",
            "fecha de nacimiento*",
            "nacimiento*",
            "nacido*",
            "nacida*",
            "data di nascita*",
            "nascita*",
            "nato",
            "nata",
            "nascimento*",
            "nascid*",
            "geboorte*",
            "f\u{f6}dd*",
            "f\u{f6}delse*",
            "f\u{f8}dt*",
            "fodt",
            "syntym*",
            "urodz*",
            "narozen*",
            "sz\u{fc}let*",
            "do\u{11f}um*",
            "生年月日",
            "誕生日",
            "生まれ",
            "出生",
            "생년월일",
            "생일",
            "рожд",
            "Рожд",
            "γέννησ",
        ],
    ),
    (
        Topic::Mac,
        &[
            "mac",
            "macaddress*",
            "mac_address*",
            "hwaddr*",
            "hardware address*",
            "ether",
            "bssid*",
            "physical address*",
            "ethernet*",
        ],
    ),
    (
        Topic::Ip,
        &[
            "ip", "ips", "ipv6*", "ipv4*", "host", "remote*", "inet*", "src", "dst",
        ],
    ),
    (
        Topic::Impersonal,
        &[
            "id",
            "ids",
            "order*",
            "invoice*",
            "ticket*",
            "ref",
            "reference*",
            "sku",
            "isbn*",
            "issn",
            "part",
            "serial*",
            "tracking*",
            "version*",
            "ver",
            "port",
            "build",
            "model*",
            "item*",
            "case",
            "po",
            "lot",
            "batch*",
            "rev",
            "release*",
            "uuid",
            "guid",
            "hash*",
            "commit*",
            "timestamp*",
            "time",
            "ts",
            "epoch*",
            "ean",
            "upc",
            "gtin",
            "transaction*",
            "size",
            "bytes",
            "offset*",
            "count*",
            "length",
            "sha*",
            "checksum*",
            "trace*",
            "request*",
            "pid",
            "line",
            "lines",
            "total*",
            "sum",
            "price*",
            "amount*",
            "quantity*",
            "qty",
            "score",
            "lat*",
            "lon*",
            "lng",
            "coord*",
            "width",
            "height",
            "duration*",
            "elapsed*",
            "copyright*",
            "page*",
            "pages",
            "years*",
            "vol",
            "doi",
            "arxiv*",
            "pmid*",
            "rfc",
            "cve*",
            "issue*",
            "bug*",
            "pr",
            "seed*",
            "key",
            "token*",
            "auftrag*",
            "rechnung*",
            "bestell*",
            "commande*",
            "facture*",
            "pedido*",
            "factura*",
            "ordine*",
            "fattura*",
            "article*",
            "artikel*",
            "zakaz*",
            "注文",
            "品番",
            "型番",
            "法人番号",
            "郵便",
            "伝票",
            "追跡",
            "トランザクション",
            "課題",
            "バージョン",
            "管理番号",
            "商品",
            "jan code*",
            "jan-code*",
            "jan_code*",
            "jancode*",
            "janコード",
            "受付番号",
            "問い合わせ番号",
            "お問合せ番号",
            "予約番号",
            "会員番号",
            "社員番号",
            "製造番号",
            "シリアル",
            "订单",
            "訂單",
            "发票",
            "주문",
            "заказ",
            "Заказ",
        ],
    ),
    (
        Topic::Version,
        &[
            "version*",
            "ver",
            "release*",
            "firmware*",
            "build*",
            "rev",
            "revision*",
            "section*",
            "chapter*",
            "oid",
            "oids",
            "kernel*",
            "chrome*",
            "driver",
            "assembly*",
            "package*",
            "upgrade*",
            "sdk",
            "clause",
            "バージョン",
            "ファームウェア",
            "第",
        ],
    ),
];

const fn count() -> usize {
    let (mut n, mut topic) = (0, 0);
    while topic < WORDS.len() {
        n += WORDS[topic].1.len();
        topic += 1;
    }
    n
}

/// How many places the index has: one for each pair of a letter and the byte after it, and some for other characters.
const SLOTS: usize = 26 * 32 + 16 * 64;

/// The place of the words that begin with these two bytes. Capitals and small letters share it.
const fn slot(first: u8, second: u8) -> usize {
    match first.is_ascii_alphabetic() {
        true => ((first | 0x20) - b'a') as usize * 32 + (second & 31) as usize,
        false => 26 * 32 + (first & 15) as usize * 64 + (second & 63) as usize,
    }
}

/// The words in the order of their first two bytes, and where those of each pair begin: built by the compiler, so that
/// the table above can be kept by topic.
struct Index {
    words: [(Topic, &'static str); count()],
    first: [u16; SLOTS + 1],
}

static INDEX: Index = {
    let mut first = [0u16; SLOTS + 1];
    let mut topic = 0;
    while topic < WORDS.len() {
        let mut word = 0;
        while word < WORDS[topic].1.len() {
            let bytes = WORDS[topic].1[word].as_bytes();
            first[slot(bytes[0], bytes[1]) + 1] += 1;
            word += 1;
        }
        topic += 1;
    }
    let mut place = 0;
    while place < SLOTS {
        first[place + 1] += first[place];
        place += 1;
    }
    let mut next = first;
    let mut words = [(Topic::Phone, ""); count()];
    topic = 0;
    while topic < WORDS.len() {
        let mut word = 0;
        while word < WORDS[topic].1.len() {
            let bytes = WORDS[topic].1[word].as_bytes();
            let place = slot(bytes[0], bytes[1]);
            words[next[place] as usize] = (WORDS[topic].0, WORDS[topic].1[word]);
            next[place] += 1;
            word += 1;
        }
        topic += 1;
    }
    Index { words, first }
};

/// Passes each topic that a word of the text belongs to, and the index after the word. The text may begin or end inside
/// a character.
pub(crate) fn topics(text: &[u8], said: &mut dyn FnMut(Topic, usize)) {
    let is_letter = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphabetic);
    for (at, &byte) in text.iter().enumerate() {
        let first = byte.to_ascii_lowercase();
        if byte.is_ascii() {
            // A capital within a word begins one: `homePhone`.
            let begins = at == 0
                || !is_letter(at - 1)
                || (byte.is_ascii_uppercase() && text[at - 1].is_ascii_lowercase());
            if !byte.is_ascii_alphabetic() || !begins {
                continue;
            }
        } else if byte & 0xC0 == 0x80 {
            continue;
        }
        // In `MAX_CALL_DEPTH` the words name a constant.
        let is_underscore = |at: Option<usize>| at.is_some_and(|at| text.get(at) == Some(&b'_'));
        let is_capital =
            byte.is_ascii_uppercase() && text.get(at + 1).is_some_and(u8::is_ascii_uppercase);
        if is_capital && is_underscore(at.checked_sub(1)) {
            continue;
        }
        let Some(&second) = text.get(at + 1) else {
            break;
        };
        let slot = slot(byte, second);
        let (start, end) = (INDEX.first[slot], INDEX.first[slot + 1]);
        for &(topic, word) in &INDEX.words[start as usize..end as usize] {
            let (word, open) = match word.strip_suffix('*') {
                Some(word) => (word, true),
                None => (word, !first.is_ascii()),
            };
            let after = at + word.len();
            let is_it = |here: &[u8]| match word.as_bytes()[0].is_ascii_uppercase() {
                true => here == word.as_bytes(),
                false => here.eq_ignore_ascii_case(word.as_bytes()),
            };
            if text.get(at..after).is_some_and(is_it)
                && !(is_capital && is_underscore(Some(after)))
                && (open
                    || !is_letter(after)
                    || (text[after].is_ascii_uppercase() && text[after - 1].is_ascii_lowercase()))
            {
                said(topic, after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(topic: Topic, text: &str) -> bool {
        let mut said = false;
        topics(text.as_bytes(), &mut |it, _| said |= it == topic);
        said
    }

    #[test]
    fn words_are_whole_words() {
        assert!(says(Topic::Phone, "Tel: "));
        assert!(says(Topic::Phone, "my phones are "));
        assert!(says(Topic::Phone, "ご連絡先は"));
        assert!(says(Topic::Phone, "homePhone"));
        assert!(says(Topic::Phone, "telNumber"));
        assert!(!says(Topic::Phone, "hotel "));
        assert!(!says(Topic::Phone, "tell "));
        assert!(!says(Topic::Phone, "recall "));
    }

    #[test]
    fn every_word_is_in_one_case_and_in_the_index() {
        for (_, list) in WORDS {
            for word in *list {
                assert!(word.to_ascii_lowercase() == **word || word.to_ascii_uppercase() == **word);
            }
        }
        assert_eq!(usize::from(INDEX.first[SLOTS]), count());
    }
}
