//! Checks of national numbers: check digits and dates within. Each takes the number's letters and digits in capital
//! ASCII, without separators, in the length and shape that its form has. The algorithms are those that the issuing
//! authorities publish.

use crate::checksum;

/// The value of a digit or, for letters, 10 to 35.
fn value(character: u8) -> u32 {
    match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A'..=b'Z' => u32::from(character - b'A') + 10,
        _ => 0,
    }
}

fn number(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(value(*digit)))
}

/// The sum of the digits, each times its weight.
fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| value(*digit) * weight)
        .sum()
}

fn same(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

/// Whether day and month exist.
fn day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (day <= 29 || (month != 2 && (day <= 30 || !matches!(month, 4 | 6 | 9 | 11))))
}

fn yymmdd(digits: &[u8]) -> bool {
    day(number(&digits[2..4]), number(&digits[4..6]))
}

fn ddmmyy(digits: &[u8]) -> bool {
    day(number(&digits[2..4]), number(&digits[..2]))
}

fn yyyymmdd(digits: &[u8]) -> bool {
    matches!(number(&digits[..4]), 1880..=2030) && day(number(&digits[4..6]), number(&digits[6..8]))
}

/// No check: the shape or the words decide.
pub(crate) fn any(n: &[u8]) -> bool {
    !same(n)
}

pub(crate) fn luhn(n: &[u8]) -> bool {
    let mut digits = [0; 24];
    for (digit, character) in digits.iter_mut().zip(n) {
        *digit = character.wrapping_sub(b'0');
    }
    !same(n)
        && digits[..n.len()].iter().all(|digit| *digit < 10)
        && checksum::luhn(&digits[..n.len()]) == 0
}

/// ISO 7064 MOD 11,10.
pub(crate) fn mod_11_10(n: &[u8]) -> bool {
    let check = n.iter().take(n.len() - 1).fold(10, |check, digit| {
        let sum = (value(*digit) + check) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - check) % 10 == value(n[n.len() - 1])
}

const D: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// Verhoeff's check digit: India's Aadhaar.
pub(crate) fn aadhaar(n: &[u8]) -> bool {
    const ONCE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let check = n
        .iter()
        .rev()
        .enumerate()
        .fold(0u8, |check, (place, digit)| {
            let moved = (0..place % 8).fold(value(*digit) as u8, |digit, _| ONCE[digit as usize]);
            D[check as usize][moved as usize]
        });
    check == 0 && n[0] >= b'2'
}

pub(crate) fn us_ssn(n: &[u8]) -> bool {
    let area = number(&n[..3]);
    if area >= 900 {
        // Individual taxpayer numbers.
        return matches!(number(&n[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99);
    }
    !matches!(area, 0 | 666)
        && &n[3..5] != b"00"
        && &n[5..] != b"0000"
        && n != b"123456789"
        && !same(n)
}

pub(crate) fn us_npi(n: &[u8]) -> bool {
    let mut whole = *b"808400000000000";
    whole[5..].copy_from_slice(n);
    matches!(n[0], b'1' | b'2') && luhn(&whole)
}

pub(crate) fn us_routing(n: &[u8]) -> bool {
    matches!(number(&n[..2]), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(n, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

pub(crate) fn us_dea(n: &[u8]) -> bool {
    let sum = weighted(&n[2..8], &[1, 2, 1, 2, 1, 2]);
    sum % 10 == value(n[8])
}

/// Medicare's beneficiary number: letters without S, L, O, I, B, Z at fixed places.
pub(crate) fn us_mbi(n: &[u8]) -> bool {
    let letter = |at: usize| n[at].is_ascii_uppercase() && !b"SLOIBZ".contains(&n[at]);
    let digit = |at: usize| n[at].is_ascii_digit();
    let either = |at: usize| letter(at) || digit(at);
    (b'1'..=b'9').contains(&n[0])
        && letter(1)
        && either(2)
        && digit(3)
        && letter(4)
        && either(5)
        && digit(6)
        && letter(7)
        && letter(8)
        && digit(9)
        && digit(10)
}

pub(crate) fn gb_nino(n: &[u8]) -> bool {
    let prefix = &n[..2];
    n.iter().take(2).all(|letter| !b"DFIQUV".contains(letter))
        && n[1] != b'O'
        && ![b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
            .iter()
            .any(|none| *none == prefix)
        && matches!(n[8], b'A'..=b'D')
}

pub(crate) fn gb_nhs(n: &[u8]) -> bool {
    let check = 11 - weighted(&n[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check != 10 && check % 11 == value(n[9]) && !same(n)
}

/// Five letters of the surname filled up with 9, a digit of the decade, the month (plus 50 for women), day, year.
pub(crate) fn gb_licence(n: &[u8]) -> bool {
    let letters = n[..5]
        .iter()
        .take_while(|letter| letter.is_ascii_uppercase())
        .count();
    let month = number(&n[6..8]) % 50;
    letters > 0
        && n[letters..5].iter().all(|fill| *fill == b'9')
        && n[5..11].iter().all(u8::is_ascii_digit)
        && number(&n[6..8]) < 63
        && day(month, number(&n[8..10]))
        && (n[11].is_ascii_uppercase() || n[11] == b'9')
        && (n[12].is_ascii_uppercase() || n[12] == b'9')
        && n[14..].iter().all(u8::is_ascii_uppercase)
}

pub(crate) fn fr_nir(n: &[u8]) -> bool {
    let mut digits = [0; 15];
    digits.copy_from_slice(n);
    let mut less = 0;
    match &n[5..7] {
        b"2A" => (digits[6], less) = (b'0', 1_000_000),
        b"2B" => (digits[6], less) = (b'0', 2_000_000),
        _ => {}
    }
    let month = number(&n[3..5]);
    matches!(n[0], b'1'..=b'4' | b'7' | b'8')
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && digits.iter().all(u8::is_ascii_digit)
        && 97 - (number(&digits[..13]) - less * u64::from(digits[5] == b'2')) % 97
            == number(&n[13..])
}

/// Of people born in France and registered with their sex and month.
pub(crate) fn fr_nir_usual(n: &[u8]) -> bool {
    matches!(n[0], b'1' | b'2') && matches!(number(&n[3..5]), 1..=12) && fr_nir(n)
}

pub(crate) fn fr_nif(n: &[u8]) -> bool {
    n[0] <= b'3' && number(&n[..10]) % 511 == number(&n[10..])
}

const DNI: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";

pub(crate) fn es_dni(n: &[u8]) -> bool {
    let last = n.len() - 1;
    let number = match n[0] {
        b'X'..=b'Z' => number(&n[1..last]) + u64::from(n[0] - b'X') * 10_000_000,
        _ => number(&n[..last]),
    };
    number > 0 && DNI[(number % 23) as usize] == n[last]
}

pub(crate) fn es_cif(n: &[u8]) -> bool {
    let odd: u32 = n[1..8]
        .iter()
        .step_by(2)
        .map(|digit| value(*digit) * 2)
        .map(|twice| twice / 10 + twice % 10)
        .sum();
    let even: u32 = n[2..8].iter().step_by(2).map(|digit| value(*digit)).sum();
    let check = (10 - (odd + even) % 10) % 10;
    b"ABCDEFGHJNPQRSUVW".contains(&n[0])
        && (value(n[8]) == check || n[8] == b"JABCDEFGHI"[check as usize])
}

pub(crate) fn es_nss(n: &[u8]) -> bool {
    let (province, middle) = (number(&n[..2]), number(&n[2..10]));
    let whole = if middle < 10_000_000 {
        province * 10_000_000 + middle
    } else {
        number(&n[..10])
    };
    matches!(province, 1..=53) && whole % 97 == number(&n[10..])
}

/// The tax code of Italy: sixteen characters, some of whose digits may be replaced by letters.
pub(crate) fn it_fiscale(n: &[u8]) -> bool {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
        6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let even = |character: u8| {
        if character.is_ascii_digit() {
            value(character)
        } else {
            value(character) - 10
        }
    };
    let sum: u32 = n[..15]
        .iter()
        .enumerate()
        .map(|(place, character)| {
            if place % 2 == 0 {
                ODD[value(*character) as usize]
            } else {
                even(*character)
            }
        })
        .sum();
    let numeric = |at: usize| n[at].is_ascii_digit() || b"LMNPQRSTUV".contains(&n[at]);
    [6, 7, 9, 10, 12, 13, 14].into_iter().all(numeric)
        && b"ABCDEHLMPRST".contains(&n[8])
        && sum % 26 + 10 == value(n[15])
}

pub(crate) fn de_tax(n: &[u8]) -> bool {
    let mut counts = [0; 10];
    n[..10]
        .iter()
        .for_each(|digit| counts[value(*digit) as usize] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    n[0] != b'0' && repeated == 1 && counts.iter().all(|count| *count < 4) && mod_11_10(n)
}

/// Pension insurance: area, date of birth, letter, serial, check digit.
pub(crate) fn de_pension(n: &[u8]) -> bool {
    let letter = value(n[8]) - 9;
    let digits = [
        value(n[0]),
        value(n[1]),
        value(n[2]),
        value(n[3]),
        value(n[4]),
        value(n[5]),
        value(n[6]),
        value(n[7]),
        letter / 10,
        letter % 10,
        value(n[9]),
        value(n[10]),
    ];
    let sum: u32 = digits
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    ddmmyy(&n[2..8]) && sum % 10 == value(n[11])
}

/// Health insurance: a letter and nine digits.
pub(crate) fn de_health(n: &[u8]) -> bool {
    let letter = value(n[0]) - 9;
    let sum: u32 = [letter / 10, letter % 10]
        .into_iter()
        .chain(n[1..9].iter().map(|digit| value(*digit)))
        .zip([1, 2, 1, 2, 1, 2, 1, 2, 1, 2])
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    sum % 10 == value(n[9])
}

/// Machine-readable travel documents (ICAO 9303): weights 7, 3, 1.
pub(crate) fn icao(n: &[u8]) -> bool {
    let last = n.len() - 1;
    let sum: u32 = n[..last]
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(character, weight)| value(*character) * weight)
        .sum();
    sum % 10 == value(n[last]) && n.iter().any(u8::is_ascii_digit)
}

pub(crate) fn at_svnr(n: &[u8]) -> bool {
    n[0] != b'0'
        && ddmmyy(&n[4..])
        && weighted(n, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == value(n[3])
}

pub(crate) fn se_person(n: &[u8]) -> bool {
    let short = &n[n.len() - 10..];
    let mut date = [0; 6];
    date.copy_from_slice(&short[..6]);
    // Coordination numbers add 60 to the day.
    if date[4] >= b'6' {
        date[4] -= 6;
    }
    yymmdd(&date) && (n.len() == 10 || matches!(number(&n[..2]), 18..=20)) && luhn(short)
}

pub(crate) fn se_company(n: &[u8]) -> bool {
    n[2] >= b'2' && luhn(n)
}

pub(crate) fn fi_hetu(n: &[u8]) -> bool {
    let mut digits = [0; 9];
    digits[..6].copy_from_slice(&n[..6]);
    let tail = &n[n.len() - 4..];
    digits[6..].copy_from_slice(&tail[..3]);
    ddmmyy(n)
        && (n.len() == 10 || b"ABCDEFUVWXY".contains(&n[6]))
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(number(&digits) % 31) as usize] == tail[3]
}

pub(crate) fn no_person(n: &[u8]) -> bool {
    let mut date = [0; 6];
    date.copy_from_slice(&n[..6]);
    if date[0] >= b'4' {
        date[0] -= 4;
    }
    if matches!(date[2], b'4' | b'5' | b'8' | b'9') {
        date[2] -= if date[2] >= b'8' { 8 } else { 4 };
    }
    ddmmyy(&date)
        && weighted(n, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(n, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(crate) fn dk_date(n: &[u8]) -> bool {
    ddmmyy(n)
}

pub(crate) fn dk_cpr(n: &[u8]) -> bool {
    ddmmyy(n) && weighted(n, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(crate) fn is_kennitala(n: &[u8]) -> bool {
    ddmmyy(n)
        && matches!(n[9], b'0' | b'8' | b'9')
        && weighted(n, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(crate) fn nl_bsn(n: &[u8]) -> bool {
    !same(n)
        && weighted(&n[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == value(n[8]) % 11
        && number(n) > 9_999_999
}

pub(crate) fn be_person(n: &[u8]) -> bool {
    let check = number(&n[9..]);
    let base = number(&n[..9]);
    let month = number(&n[2..4]);
    // Numbers without a known sex or date of birth add 20 or 40 to the month.
    day(month % 20, number(&n[4..6]))
        && (97 - base % 97 == check || 97 - (2_000_000_000 + base) % 97 == check)
}

pub(crate) fn ie_pps(n: &[u8]) -> bool {
    let more = if n.len() > 8 && n[8] != b'W' {
        (value(n[8]) - 9) * 9
    } else {
        0
    };
    let sum = weighted(&n[..7], &[8, 7, 6, 5, 4, 3, 2]) + more;
    b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize] == n[7]
}

pub(crate) fn pt_nif(n: &[u8]) -> bool {
    let check = 11 - weighted(&n[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    matches!(n[0], b'1' | b'2' | b'3' | b'5'..=b'9')
        && (if check > 9 { 0 } else { check }) == value(n[8])
}

pub(crate) fn pt_card(n: &[u8]) -> bool {
    let sum: u32 = n
        .iter()
        .rev()
        .enumerate()
        .map(|(place, character)| {
            let value = value(*character);
            if place % 2 == 0 {
                value
            } else if value > 4 {
                value * 2 - 9
            } else {
                value * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

pub(crate) fn pl_pesel(n: &[u8]) -> bool {
    day(number(&n[2..4]) % 20, number(&n[4..6]))
        && weighted(n, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

pub(crate) fn pl_nip(n: &[u8]) -> bool {
    !same(n) && weighted(&n[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == value(n[9])
}

pub(crate) fn pl_regon(n: &[u8]) -> bool {
    !same(n) && weighted(&n[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == value(n[8])
}

pub(crate) fn pl_card(n: &[u8]) -> bool {
    let sum = weighted(&n[..3], &[7, 3, 1]) + weighted(&n[4..], &[7, 3, 1, 7, 3]);
    sum % 10 == value(n[3])
}

pub(crate) fn cz_birth(n: &[u8]) -> bool {
    let month = number(&n[2..4]);
    let month = if month > 50 { month - 50 } else { month };
    let whole = number(n);
    day(
        if month > 20 { month - 20 } else { month },
        number(&n[4..6]),
    ) && (whole.is_multiple_of(11) || (whole / 10 % 11 == 10 && n[9] == b'0'))
}

pub(crate) fn cz_birth_old(n: &[u8]) -> bool {
    day(number(&n[2..4]) % 50, number(&n[4..6])) && number(&n[..2]) < 54
}

pub(crate) fn hu_taj(n: &[u8]) -> bool {
    !same(n) && weighted(&n[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == value(n[8])
}

pub(crate) fn hu_tax(n: &[u8]) -> bool {
    n[0] == b'8' && weighted(&n[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == value(n[9])
}

pub(crate) fn ro_cnp(n: &[u8]) -> bool {
    let check = weighted(&n[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    n[0] != b'0' && yymmdd(&n[1..]) && (if check == 10 { 1 } else { check }) == value(n[12])
}

pub(crate) fn bg_egn(n: &[u8]) -> bool {
    let month = number(&n[2..4]);
    day(
        if month > 40 {
            month - 40
        } else if month > 20 {
            month - 20
        } else {
            month
        },
        number(&n[4..6]),
    ) && weighted(&n[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == value(n[9])
}

pub(crate) fn gr_amka(n: &[u8]) -> bool {
    ddmmyy(n) && luhn(n)
}

pub(crate) fn gr_afm(n: &[u8]) -> bool {
    !same(n) && weighted(&n[..8], &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == value(n[8])
}

/// Estonia and Lithuania.
pub(crate) fn ee_code(n: &[u8]) -> bool {
    let first = weighted(n, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let check = if first < 10 {
        first
    } else {
        weighted(n, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10
    };
    matches!(n[0], b'1'..=b'8') && yymmdd(&n[1..]) && check == value(n[10])
}

pub(crate) fn lv_code(n: &[u8]) -> bool {
    let sum = 1 + weighted(&n[..10], &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    ddmmyy(n) && sum % 11 % 10 == value(n[10])
}

/// The unique master citizen number of the states of former Yugoslavia.
pub(crate) fn yu_jmbg(n: &[u8]) -> bool {
    let check = 11 - weighted(&n[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    ddmmyy(n)
        && matches!(n[4], b'0' | b'8' | b'9')
        && (if check > 9 { 0 } else { check }) == value(n[12])
}

pub(crate) fn ch_ahv(n: &[u8]) -> bool {
    n.starts_with(b"756") && ean(n)
}

fn ean(n: &[u8]) -> bool {
    weighted(n, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

pub(crate) fn ch_uid(n: &[u8]) -> bool {
    n.starts_with(b"CHE")
        && (11 - weighted(&n[3..11], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == value(n[11])
}

pub(crate) fn tr_tckn(n: &[u8]) -> bool {
    let odd: u32 = n[..9].iter().step_by(2).map(|digit| value(*digit)).sum();
    let even: u32 = n[1..8].iter().step_by(2).map(|digit| value(*digit)).sum();
    let tenth = (odd * 7 + 100 - even) % 10;
    n[0] != b'0' && tenth == value(n[9]) && (odd + even + tenth) % 10 == value(n[10])
}

pub(crate) fn tr_vkn(n: &[u8]) -> bool {
    let sum: u32 = (0..9)
        .map(|place| {
            let first = (value(n[place as usize]) + 9 - place) % 10;
            let second = first * 2u32.pow(9 - place) % 9;
            if first != 0 && second == 0 { 9 } else { second }
        })
        .sum();
    (10 - sum % 10) % 10 == value(n[9])
}

/// Luhn over Israel's nine digits.
pub(crate) fn il_id(n: &[u8]) -> bool {
    luhn(n)
}

pub(crate) fn in_pan(n: &[u8]) -> bool {
    b"PCHFATBLJG".contains(&n[3])
}

pub(crate) fn in_gstin(n: &[u8]) -> bool {
    matches!(number(&n[..2]), 1..=37 | 97 | 99) && n[12] != b'0' && n[13] == b'Z'
}

pub(crate) fn cn_resident(n: &[u8]) -> bool {
    let sum = weighted(
        &n[..17],
        &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
    );
    n[0] != b'0' && yyyymmdd(&n[6..14]) && b"10X98765432"[(sum % 11) as usize] == n[17]
}

pub(crate) fn jp_my_number(n: &[u8]) -> bool {
    let mut digits = [0; 12];
    for (digit, character) in digits.iter_mut().zip(n) {
        *digit = character - b'0';
    }
    checksum::my_number(&digits) == digits[11] && !same(n)
}

fn kr_date(n: &[u8]) -> bool {
    yymmdd(n) && (b'1'..=b'8').contains(&n[6])
}

pub(crate) fn kr_resident(n: &[u8]) -> bool {
    let sum = weighted(&n[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let offset = if n[6] >= b'5' { 13 } else { 11 };
    kr_date(n) && (offset - sum % 11) % 10 == value(n[12])
}

/// Numbers given since October 2020 have no check digit.
pub(crate) fn kr_resident_new(n: &[u8]) -> bool {
    kr_date(n)
}

pub(crate) fn kr_company(n: &[u8]) -> bool {
    let sum = weighted(&n[..9], &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + value(n[8]) * 5 / 10;
    !same(n) && number(&n[..3]) > 100 && (10 - sum % 10) % 10 == value(n[9])
}

pub(crate) fn kr_licence(n: &[u8]) -> bool {
    matches!(number(&n[..2]), 11..=28)
}

/// Taiwan: a letter as two digits, then weights 8 to 1.
pub(crate) fn tw_id(n: &[u8]) -> bool {
    const AREA: [u32; 26] = [
        10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32,
        30, 31, 33,
    ];
    let area = AREA[(value(n[0]) as usize).saturating_sub(10) % 26];
    let sum =
        area / 10 + area % 10 * 9 + weighted(&n[1..9], &[8, 7, 6, 5, 4, 3, 2, 1]) + value(n[9]);
    matches!(n[1], b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

pub(crate) fn hk_id(n: &[u8]) -> bool {
    let sum = 9 * 36 + 8 * value(n[0]) + weighted(&n[1..7], &[7, 6, 5, 4, 3, 2]);
    let check = (11 - sum % 11) % 11;
    (if check == 10 {
        b'A'
    } else {
        b'0' + check as u8
    }) == n[7]
}

pub(crate) fn sg_nric(n: &[u8]) -> bool {
    let sum = weighted(&n[1..8], &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, offset): (&[u8], u32) = match n[0] {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let rest = (sum + offset) % 11;
    letters[if n[0] == b'M' { 10 - rest } else { rest } as usize] == n[8]
        || letters[rest as usize] == n[8]
}

pub(crate) fn my_kad(n: &[u8]) -> bool {
    yymmdd(n) && !matches!(number(&n[6..8]), 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97)
}

pub(crate) fn th_id(n: &[u8]) -> bool {
    n[0] != b'0'
        && !same(n)
        && (11 - weighted(&n[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10
            == value(n[12])
}

pub(crate) fn id_nik(n: &[u8]) -> bool {
    let date = number(&n[6..8]);
    day(number(&n[8..10]), if date > 40 { date - 40 } else { date })
        && matches!(number(&n[..2]), 11..=99)
        && &n[12..] != b"0000"
}

pub(crate) fn br_cpf(n: &[u8]) -> bool {
    let digit = |count: usize| {
        let sum: u32 = n[..count]
            .iter()
            .enumerate()
            .map(|(place, digit)| value(*digit) * (count as u32 + 1 - place as u32))
            .sum();
        sum * 10 % 11 % 10
    };
    !same(n) && digit(9) == value(n[9]) && digit(10) == value(n[10])
}

pub(crate) fn br_cnpj(n: &[u8]) -> bool {
    let digit = |weights: &[u32]| match weighted(n, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    !same(n)
        && digit(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == value(n[12])
        && digit(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == value(n[13])
}

pub(crate) fn br_cnpj_main(n: &[u8]) -> bool {
    &n[8..11] == b"000" && br_cnpj(n)
}

pub(crate) fn ar_cuit(n: &[u8]) -> bool {
    let check = match 11 - weighted(&n[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        check => check,
    };
    matches!(
        number(&n[..2]),
        20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55
    ) && check == value(n[10])
}

pub(crate) fn cl_rut(n: &[u8]) -> bool {
    let last = n.len() - 1;
    let sum: u32 = n[..last]
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].into_iter().cycle())
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    b"0K987654321"[(sum % 11) as usize] == n[last]
}

pub(crate) fn co_nit(n: &[u8]) -> bool {
    let last = n.len() - 1;
    let sum: u32 = n[..last]
        .iter()
        .rev()
        .zip([3, 7, 13, 17, 19, 23, 29, 37, 41, 43])
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    b"01987654321"[(sum % 11) as usize] == n[last]
}

pub(crate) fn ec_cedula(n: &[u8]) -> bool {
    matches!(number(&n[..2]), 1..=24 | 30) && n[2] < b'6' && luhn(n)
}

pub(crate) fn do_cedula(n: &[u8]) -> bool {
    luhn(n)
}

pub(crate) fn mx_curp(n: &[u8]) -> bool {
    yymmdd(&n[4..10])
        && matches!(n[10], b'H' | b'M' | b'X')
        && n[13..16].iter().all(|letter| !b"AEIOU".contains(letter))
}

pub(crate) fn mx_rfc(n: &[u8]) -> bool {
    yymmdd(&n[n.len() - 9..])
}

pub(crate) fn ca_sin(n: &[u8]) -> bool {
    luhn(n) && n[0] != b'8'
}

pub(crate) fn au_tfn(n: &[u8]) -> bool {
    !same(n) && weighted(n, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

pub(crate) fn au_abn(n: &[u8]) -> bool {
    n[0] != b'0'
        && (weighted(n, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) + 89 - 10).is_multiple_of(89)
}

pub(crate) fn au_acn(n: &[u8]) -> bool {
    !same(n) && (10 - weighted(&n[..8], &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == value(n[8])
}

pub(crate) fn au_medicare(n: &[u8]) -> bool {
    matches!(n[0], b'2'..=b'6') && weighted(&n[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == value(n[8])
}

pub(crate) fn nz_ird(n: &[u8]) -> bool {
    let last = n.len() - 1;
    let mut digits = *b"00000000";
    digits[8 - last..].copy_from_slice(&n[..last]);
    let check = |weights: &[u32]| match weighted(&digits, weights) % 11 {
        0 => 0,
        rest => 11 - rest,
    };
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let check = if first < 10 {
        first
    } else {
        check(&[7, 4, 3, 2, 5, 2, 7, 6])
    };
    (10_000_000..150_000_000).contains(&number(n)) && check == value(n[last])
}

pub(crate) fn za_id(n: &[u8]) -> bool {
    yymmdd(n) && n[10] <= b'2' && luhn(n)
}

pub(crate) fn ru_inn(n: &[u8]) -> bool {
    weighted(&n[..10], &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(n[10])
        && weighted(&n[..11], &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(n[11])
}

pub(crate) fn ru_inn_company(n: &[u8]) -> bool {
    weighted(&n[..9], &[2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == value(n[9])
}

pub(crate) fn ru_snils(n: &[u8]) -> bool {
    weighted(&n[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100 == number(&n[9..]) as u32
        && !same(n)
}

pub(crate) fn ua_tax(n: &[u8]) -> bool {
    let sum: i64 = n[..9]
        .iter()
        .zip([-1, 5, 7, 9, 4, 6, 10, 5, 7])
        .map(|(digit, weight)| i64::from(value(*digit)) * weight)
        .sum();
    sum.rem_euclid(11) % 10 == i64::from(value(n[9]))
}

pub(crate) fn kz_iin(n: &[u8]) -> bool {
    let first = weighted(n, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let check = if first < 10 {
        first
    } else {
        weighted(n, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11
    };
    yymmdd(n) && check == value(n[11])
}

pub(crate) fn es_dni_foreign(n: &[u8]) -> bool {
    matches!(n[0], b'X'..=b'Z') && es_dni(n)
}

/// Foreigners' numbers of Korea also came without the check digit.
pub(crate) fn kr_foreigner(n: &[u8]) -> bool {
    kr_date(n) && n[6] >= b'5'
}

/// Numbers that Latvia gives since 2017: no date and no check digit.
pub(crate) fn lv_code_new(n: &[u8]) -> bool {
    n.starts_with(b"32")
}

/// Whether the digits only count upwards: an example.
pub(crate) fn is_example(n: &[u8]) -> bool {
    n.len() >= 8 && b"123456789012345".starts_with(n)
}
