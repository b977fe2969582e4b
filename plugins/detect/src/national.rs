//! Detects numbers that states give to people: a table of forms, each with its check and with what else must speak for
//! it.
//!
//! To add a number, add its check to `check.rs` and a line to [`KINDS`]; if people call it by a name of its own, add the
//! name to `words.rs`.

use crate::check::*;
use crate::context::Context;
use crate::entity::{Entities, Entity};
use crate::token::Token;
use crate::words::Topic;

/// What must speak for a number besides its form and check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: other numbers have the form and pass the check less than once in two hundred times.
    Nothing,
    /// A word, or a text that is nothing but the number: up to once in fifty times.
    WordOrWhole,
    /// A word: more often.
    Word,
}
use Needs::{Nothing, Word, WordOrWhole};

/// A number: its country, its name, its forms, its check and what it needs.
///
/// In a form `9` is a digit, `A` a letter, `X` either; other characters stand for themselves. Small letters count as
/// capitals only where a word speaks for the number.
struct Kind {
    entity: Entity,
    forms: &'static [Form],
    check: fn(&[u8]) -> bool,
    needs: Needs,
}

/// A form, and how many letters and digits its first run has.
struct Form {
    pattern: &'static str,
    run: u8,
    digit: bool,
    /// What follows the first run; 0 at the form's end.
    next: u8,
}

/// Most letters and digits of a form.
const LONGEST: usize = 20;

/// The forms by their first run, so that a token is compared only with those that begin like it: where the forms of
/// each run begin, and the indices of kind and form.
struct Index {
    first: [u16; 2 * LONGEST + 1],
    forms: [(u8, u8); FORMS],
}

const FORMS: usize = {
    let (mut n, mut kind) = (0, 0);
    while kind < KINDS.len() {
        n += KINDS[kind].forms.len();
        kind += 1;
    }
    n
};

static INDEX: Index = {
    let mut index = Index {
        first: [0; 2 * LONGEST + 1],
        forms: [(0, 0); FORMS],
    };
    let (mut n, mut slot) = (0, 0);
    while slot < 2 * LONGEST {
        index.first[slot] = n as u16;
        let mut kind = 0;
        while kind < KINDS.len() {
            let mut form = 0;
            while form < KINDS[kind].forms.len() {
                let it = &KINDS[kind].forms[form];
                if 2 * (it.run as usize - 1) + it.digit as usize == slot {
                    index.forms[n] = (kind as u8, form as u8);
                    n += 1;
                }
                form += 1;
            }
            kind += 1;
        }
        slot += 1;
    }
    index.first[slot] = n as u16;
    index
};

const fn form(pattern: &'static str) -> Form {
    let bytes = pattern.as_bytes();
    let mut run = 0;
    while run < bytes.len() && matches!(bytes[run], b'9' | b'A' | b'X' | b'C' | b'H' | b'E') {
        run += 1;
    }
    Form {
        pattern,
        run: run as u8,
        digit: bytes[0] == b'9',
        next: if run < bytes.len() { bytes[run] } else { 0 },
    }
}

macro_rules! kinds {
    ($($country:literal $name:literal [$($form:literal),+] $check:ident $needs:ident $($entity:ident)?;)+) => {
        [$(Kind {
            entity: kinds!(@ $($entity)?),
            forms: const { &[$(form($form)),+] },
            check: $check,
            needs: $needs,
        }),+]
    };
    (@) => { Entity::NationalId };
    (@ $entity:ident) => { Entity::$entity };
}

const KINDS: [Kind; 131] = kinds! {
    "us" "social security, taxpayer" ["999-99-9999"] us_ssn Nothing UsSsn;
    "us" "social security, taxpayer" ["999 99 9999", "999.99.9999", "999999999"] us_ssn Word UsSsn;
    "us" "Medicare beneficiary" ["9XX9-XX9-XX99"] us_mbi Nothing;
    "us" "Medicare beneficiary" ["9XX9XX9XX99"] us_mbi WordOrWhole;
    "us" "provider" ["9999999999", "9999-999-999", "9999 999 999"] us_npi Word;
    "us" "employer" ["99-9999999"] any Word;
    "us" "routing" ["999999999", "9999-9999-9"] us_routing Word BankAccount;
    "us" "drug enforcement" ["AA9999999"] us_dea Word;
    "jp" "my number" ["999999999999", "9999 9999 9999", "9999-9999-9999"] jp_my_number Word JpMyNumber;
    "gb" "national insurance" ["AA999999A", "AA 99 99 99 A", "AA 999999 A", "AA-99-99-99-A"] gb_nino Nothing;
    "gb" "national insurance" ["AA999999A", "AA 99 99 99 A", "AA 999999 A", "AA-99-99-99-A"] any Word;
    "gb" "health" ["999 999 9999", "9999999999", "999-999-9999"] gb_nhs Word;
    "gb" "driving licence" ["AXXXX999999XXXAA"] gb_licence Nothing Document;
    "gb" "taxpayer" ["9999999999", "99999 99999"] any Word;
    "fr" "social security" ["999999999999999", "9999999999999 99", "9 99 99 99 999 999 99", "99999X999999999", "9 99 99 9X 999 999 99"] fr_nir_usual Nothing;
    "fr" "social security" ["999999999999999", "9999999999999 99", "9 99 99 99 999 999 99", "99999X999999999", "9 99 99 9X 999 999 99"] fr_nir Word;
    "fr" "tax" ["9999999999999", "99 99 999 999 999"] fr_nif Word;
    "es" "identity" ["99999999A", "99999999-A", "99999999 A"] es_dni WordOrWhole;
    "es" "identity, short" ["9999999A", "9999999-A"] es_dni WordOrWhole;
    "es" "foreigner" ["A9999999A", "A-9999999-A", "A9999999-A", "A-9999999A"] es_dni_foreign Nothing;
    "es" "company" ["A9999999X", "A-9999999X", "A-9999999-X", "A9999999-X"] es_cif Word;
    "es" "social security" ["999999999999", "99-99999999-99", "99/99999999/99", "99 99999999 99"] es_nss Word;
    "it" "tax" ["AAAAAAXXAXXAXXXA", "AAA AAA XXAXX AXXXA"] it_fiscale Nothing;
    "it" "tax of a company" ["99999999999"] luhn Word;
    "it" "identity card" ["AA99999AA"] any Word Document;
    "pt" "tax" ["999999999", "999 999 999"] pt_nif Word;
    "pt" "citizen card" ["99999999 9 AX9", "999999999AX9"] pt_card Nothing;
    "de" "tax" ["99999999999", "99 999 999 999"] de_tax WordOrWhole;
    "de" "pension" ["99999999A999", "99 999999 A 999", "99 999999 A999", "99 99 99 99 A 999"] de_pension Nothing;
    "de" "health" ["A999999999", "A 999 999 999"] de_health Word;
    "de" "identity card, passport" ["CXXXXXXX9", "AXXXXXXX9", "9XXXXXXXX9", "AXXXXXXXX9"] icao Word Document;
    "at" "social security" ["9999 999999", "9999-999999"] at_svnr Nothing;
    "at" "social security" ["9999999999"] at_svnr Word;
    "ch" "social security" ["999.9999.9999.99", "9999999999999"] ch_ahv Nothing;
    "ch" "company" ["AAA-999.999.999", "AAA999999999"] ch_uid Nothing;
    "se" "person" ["999999-9999", "999999+9999", "99999999-9999"] se_person Nothing;
    "se" "person" ["9999999999", "999999999999"] se_person Word;
    "se" "company" ["999999-9999", "9999999999"] se_company Word;
    "fi" "person" ["999999-999X", "999999+999X"] fi_hetu Nothing;
    "fi" "person" ["999999A999X"] fi_hetu Nothing;
    "no" "person" ["99999999999", "999999 99999"] no_person Nothing;
    "dk" "person" ["999999-9999", "999999 9999", "9999999999"] dk_date Word;
    "dk" "person" ["999999-9999"] dk_cpr Nothing;
    "is" "person" ["999999-9999"] is_kennitala Nothing;
    "is" "person" ["9999999999"] is_kennitala Word;
    "nl" "citizen" ["999999999", "9999.99.999", "999 999 999", "9999 99 999"] nl_bsn Word;
    "be" "person" ["99999999999", "99.99.99-999.99", "99.99.99.999.99", "99 99 99 999 99", "999999-999-99", "999999 999 99"] be_person Nothing;
    "ie" "public service" ["9999999A", "9999999AA"] ie_pps Word;
    "pl" "person" ["99999999999"] pl_pesel WordOrWhole;
    "pl" "tax" ["999-999-99-99", "9999999999", "999-99-99-999"] pl_nip Word;
    "pl" "company" ["999999999"] pl_regon Word;
    "pl" "identity card" ["AAA999999", "AAA 999999"] pl_card Word Document;
    "cz" "birth" ["999999/9999", "999999 / 9999"] cz_birth Nothing;
    "cz" "birth" ["9999999999"] cz_birth Word;
    "cz" "birth, before 1954" ["999999/999", "999999999"] cz_birth_old Word;
    "hu" "social security" ["999 999 999", "999-999-999", "999999999"] hu_taj Word;
    "hu" "tax" ["9999999999"] hu_tax Word;
    "ro" "person" ["9999999999999"] ro_cnp Nothing;
    "bg" "person" ["9999999999"] bg_egn Word;
    "gr" "social security" ["99999999999"] gr_amka WordOrWhole;
    "gr" "tax" ["999999999"] gr_afm Word;
    "ee" "person; Lithuania" ["99999999999"] ee_code WordOrWhole;
    "lv" "person" ["999999-99999"] lv_code Nothing;
    "lv" "person" ["99999999999"] lv_code Word;
    "lv" "person, new" ["999999-99999", "99999999999"] lv_code_new Word;
    "hr" "person" ["99999999999"] mod_11_10 Word;
    "rs" "person; Slovenia and others" ["9999999999999"] yu_jmbg Nothing;
    "tr" "person" ["99999999999"] tr_tckn WordOrWhole;
    "tr" "person" ["999 999 999 99", "999 999 99 999"] tr_tckn Nothing;
    "tr" "tax" ["9999999999"] tr_vkn Word;
    "il" "person" ["999999999", "99999999-9", "99999999 9"] il_id Word;
    "in" "Aadhaar" ["9999 9999 9999", "9999-9999-9999", "999999999999"] aadhaar Word;
    "in" "tax" ["AAAAA9999A"] in_pan Nothing;
    "in" "goods and services tax" ["99AAAAA9999AXXX"] in_gstin Nothing;
    "in" "voter" ["AAA9999999"] any Word Document;
    "in" "vehicle" ["AA99AA9999", "AA99A9999", "AA9A9999", "AA9AA9999", "AA 99 AA 9999", "AA-99-AA-9999", "AA9AAA9999"] any Word Document;
    "cn" "resident" ["99999999999999999X"] cn_resident Nothing;
    "kr" "resident, foreigner" ["999999-9999999"] kr_resident Nothing;
    "kr" "resident, foreigner" ["9999999999999"] kr_resident WordOrWhole;
    "kr" "foreigner" ["999999-9999999"] kr_foreigner Nothing;
    "kr" "resident, new" ["999999-9999999", "9999999999999"] kr_resident_new Word;
    "kr" "company" ["999-99-99999"] kr_company Nothing;
    "kr" "company" ["9999999999"] kr_company Word;
    "kr" "driving licence" ["99-99-999999-99"] kr_licence Nothing Document;
    "kr" "driving licence" ["99 99 999999 99", "999999999999"] kr_licence Word Document;
    "tw" "person" ["A999999999"] tw_id WordOrWhole;
    "hk" "person" ["A999999(X)"] hk_id Nothing;
    "hk" "person" ["A999999X", "A999999-X"] hk_id Word;
    "sg" "person" ["A9999999A"] sg_nric Nothing;
    "my" "person" ["999999-99-9999"] my_kad Nothing;
    "my" "person" ["999999999999"] my_kad Word;
    "th" "person" ["9-9999-99999-99-9", "9 9999 99999 99 9"] th_id Nothing;
    "th" "person" ["9999999999999"] th_id Word;
    "id" "person" ["9999999999999999"] id_nik Word;
    "vn" "person" ["999999999999", "999999999"] any Word;
    "ph" "social security" ["99-9999999-9"] any Word;
    "br" "person" ["999.999.999-99"] br_cpf Nothing;
    "br" "person" ["99999999999", "999999999-99"] br_cpf WordOrWhole;
    "br" "company" ["99.999.999/9999-99"] br_cnpj Nothing;
    "br" "company" ["99999999999999"] br_cnpj_main Nothing;
    "br" "company" ["99999999999999"] br_cnpj Word;
    "ar" "tax" ["99-99999999-9"] ar_cuit Nothing;
    "ar" "tax" ["99999999999"] ar_cuit Word;
    "ar" "identity" ["99.999.999", "99999999"] any Word;
    "cl" "person" ["99.999.999-X", "9.999.999-X"] cl_rut Nothing;
    "cl" "person" ["99999999-X", "9999999-X", "99999999X"] cl_rut Word;
    "co" "tax" ["999999999-9", "999.999.999-9", "9999999999"] co_nit Word;
    "co" "identity" ["9.999.999.999", "99.999.999"] any Word;
    "ec" "identity" ["9999999999", "999999999-9"] ec_cedula Word;
    "do" "identity" ["999-9999999-9"] do_cedula Nothing;
    "do" "identity" ["99999999999"] do_cedula Word;
    "uy" "identity" ["9.999.999-9"] any Word;
    "ve" "identity" ["A-99999999-9", "A-99999999", "A99999999"] any Word;
    "mx" "person" ["AAAA999999AAAAAAX9"] mx_curp Nothing;
    "mx" "tax" ["AAAA999999XXX", "AAAA-999999-XXX"] mx_rfc Nothing;
    "mx" "tax of a company" ["AAA999999XXX", "AAA-999999-XXX"] mx_rfc Word;
    "ca" "social insurance" ["999 999 999", "999-999-999", "999999999"] ca_sin Word;
    "au" "tax" ["999 999 999", "999999999", "999-999-999"] au_tfn Word;
    "au" "business" ["99 999 999 999"] au_abn Nothing;
    "au" "business" ["99999999999"] au_abn WordOrWhole;
    "au" "company" ["999 999 999", "999999999"] au_acn Word;
    "au" "Medicare" ["9999 99999 9"] au_medicare Nothing;
    "au" "Medicare" ["9999999999", "9999-99999-9"] au_medicare Word;
    "nz" "tax" ["99-999-999", "999-999-999", "99999999", "999999999"] nz_ird Word;
    "za" "person" ["9999999999999", "999999 9999 999", "999999 9999 99 9"] za_id Nothing;
    "ru" "insurance" ["999-999-999 99", "999-999-999-99"] ru_snils Nothing;
    "ru" "insurance" ["99999999999"] ru_snils Word;
    "ru" "tax" ["999999999999"] ru_inn Word;
    "ru" "tax of a company" ["9999999999"] ru_inn_company Word;
    "ua" "tax" ["9999999999"] ua_tax Word;
    "kz" "person" ["999999999999"] kz_iin Word;
};

static TABLE: [Kind; 131] = KINDS;

/// The number that begins where the token begins: its kind and its end.
pub(crate) fn found(token: &Token, wanted: Entities, context: &Context) -> Option<(Entity, usize)> {
    let mut characters = [0; LONGEST];
    let mut best = None;
    let slot = 2
        * (usize::from(token.run)
            .checked_sub(1)
            .filter(|run| *run < LONGEST)?)
        + usize::from(token.begins_with_digit);
    let follows = token.follows();
    let forms = &INDEX.forms[usize::from(INDEX.first[slot])..usize::from(INDEX.first[slot + 1])];
    for (kind, form) in forms {
        let kind = &TABLE[usize::from(*kind)];
        let form = &kind.forms[usize::from(*form)];
        // Most forms go on with another separator than the text.
        if form.next != 0 && form.next != follows || !wanted.has(kind.entity) {
            continue;
        }
        let Some((count, end, small)) = token.matches(form.pattern, &mut characters) else {
            continue;
        };
        if best.is_some_and(|(_, best)| best >= end)
            || is_example(&characters[..count])
            || !(kind.check)(&characters[..count])
        {
            continue;
        }
        // Times in seconds and milliseconds are the commonest numbers of ten and thirteen digits.
        let is_a_time = form.digit
            && form.pattern.len() == count
            && matches!(count, 10 | 13)
            && (b'5'..=b'8').contains(&characters[1])
            && characters[0] == b'1';
        let speaks = match kind.needs {
            Nothing => !small && !is_a_time,
            WordOrWhole => !small && context.is_all(token.start, end),
            Word => false,
        };
        if speaks || is_called(kind.entity, context, token.start) {
            best = Some((kind.entity, end));
        }
    }
    best
}

/// Whether a word speaks for a number of that kind, nearer than one that speaks of something else.
fn is_called(entity: Entity, context: &Context, start: usize) -> bool {
    let own: &[Topic] = match entity {
        Entity::UsSsn => &[Topic::Ssn, Topic::National, Topic::Identity],
        Entity::JpMyNumber => &[Topic::MyNumber, Topic::National],
        Entity::Document => &[Topic::Document, Topic::Licence, Topic::Plate],
        Entity::BankAccount => &[Topic::Bank],
        _ => &[Topic::National, Topic::Identity],
    };
    own.iter().any(|topic| {
        context.says(*topic, start)
            && !context.is_nearer(Topic::Impersonal, *topic, start)
            && !context.is_nearer(Topic::Phone, *topic, start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, scan};

    fn found(text: &str) -> Vec<(Entity, &str)> {
        let mut hits = Vec::new();
        scan(
            text,
            Entity::ALL.into_iter().collect(),
            &String::new,
            &mut |Found { entity, start, end }| hits.push((entity, &text[start..end])),
        );
        hits
    }

    #[test]
    fn a_strong_form_with_its_check_needs_no_word() {
        for text in [
            "219-09-9999",
            "AB123456C",
            "AB 12 34 56 C",
            "RSSMRA85T10A562S",
            "811228-9874",
            "131052-308T",
            "131052A308T",
            "150847 10099",
            "85.07.30-033.28",
            "51 824 753 556",
            "111.444.777-35",
            "16.727.230/0001-97",
            "S1234567D",
            "1-2345-45678-78-1",
            "11010519491231002X",
            "X1234567L",
            "756.9217.0769.85",
            "ABCPE1234F",
        ] {
            assert!(
                matches!(found(text)[..], [(_, whole)] if whole == text),
                "{text} {:?}",
                found(text)
            );
        }
    }

    #[test]
    fn a_weak_form_needs_a_word() {
        for (words, number) in [
            ("NHS number ", "9434765919"),
            ("my BSN is ", "111222333"),
            ("SIN: ", "046 454 286"),
            ("TFN ", "123 456 782"),
            ("個人番号は", "１２３４－５６７８－９０１８"),
            ("PESEL: ", "44051401458"),
            ("TC Kimlik No: ", "10000000146"),
            ("ssn ", "219099999"),
        ] {
            let text = format!("{words}{number}.");
            assert!(
                matches!(found(&text)[..], [(_, whole)] if whole == number),
                "{text} {:?}",
                found(&text)
            );
            assert_eq!(found(&format!("order {number}, done")), [], "{number}");
        }
    }

    #[test]
    fn a_wrong_check_is_no_number() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "219-00-9999",
            "219-09-99999",
            "219-09-9999-1",
            "id-219-09-9999",
            "131052-308U",
            "51 824 753 557",
            "111.444.777-36",
            "RSSMRA85T10A562T",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
