//! Detects postal codes whose shape alone shows them: those of the United Kingdom and of Canada, in capitals and with a
//! space.

use crate::token::Token;

/// The areas of the United Kingdom (Royal Mail).
const AREAS: &[u8] = b" AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE ";

/// The end of the postal code that begins with the token.
pub(crate) fn end(bytes: &[u8], token: &Token) -> Option<usize> {
    let out = &bytes[token.start..token.end];
    let inner = bytes.get(token.end + 1..token.end + 4)?;
    let is_over = !bytes
        .get(token.end + 4)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let fits = bytes[token.end] == b' '
        && is_over
        && (is_united_kingdom(out, inner) || is_canada(out, inner));
    fits.then_some(token.end + 4)
}

fn is_united_kingdom(out: &[u8], inner: &[u8]) -> bool {
    let letters = out
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let (area, district) = out.split_at(letters);
    let is_area = (1..=2).contains(&letters)
        && AREAS.windows(letters + 2).any(|window| {
            window[0] == b' ' && window[letters + 1] == b' ' && &window[1..=letters] == area
        });
    let is_district = match district {
        [first] => first.is_ascii_digit(),
        [first, second] => {
            first.is_ascii_digit()
                && *first != b'0'
                && (second.is_ascii_digit()
                    || (second.is_ascii_uppercase() && !b"CIKLMOQVZ".contains(second)))
        }
        _ => false,
    };
    is_area
        && is_district
        && matches!(inner, [digit, a, b] if digit.is_ascii_digit() && [a, b].iter().all(|letter| letter.is_ascii_uppercase() && !b"CIKMOV".contains(letter)))
}

fn is_canada(out: &[u8], inner: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"DFIOQU".contains(&byte);
    let (&[a, b, c], &[d, e, f]) = (out, inner) else {
        return false;
    };
    // Codes made of hexadecimal digits alone may be parts of a dump.
    let is_hex = [a, c, e].iter().all(u8::is_ascii_hexdigit);
    letter(a)
        && !b"WZ".contains(&a)
        && b.is_ascii_digit()
        && letter(c)
        && d.is_ascii_digit()
        && letter(e)
        && f.is_ascii_digit()
        && !is_hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_two_countries() {
        let found = |text: &str| end(text.as_bytes(), &Token::at(text.as_bytes(), 0)).is_some();
        for text in [
            "M1 1AA", "SW1A 1AA", "EC1A 1BB", "B33 8TH", "DN55 1PT", "B0J 2H0", "K1A 0B1.",
        ] {
            assert!(found(text), "{text}");
        }
        for text in [
            "QA1 1AA", "M1 1CA", "M11AA", "M1 1AAB", "D1F 2B3", "A1B 2C3", "AB 1CD",
        ] {
            assert!(!found(text), "{text}");
        }
    }
}
