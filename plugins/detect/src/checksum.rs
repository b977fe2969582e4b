//! Check digits: Luhn for payment cards, modulo 97 for bank accounts, modulo 11 for Japan's Individual Numbers.

/// Luhn's sum modulo 10 (ISO/IEC 7812). `digits` are values from 0 to 9, the check digit last. 0 means that the check
/// digit is right.
pub fn luhn(digits: &[u8]) -> u8 {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, &digit)| if n % 2 == 1 { doubled(digit) } else { digit });
    sum.fold(0, |sum, digit| (sum + digit) % 10)
}

/// The remainder modulo 97 of an account number in ASCII without spaces (ISO 13616). The first four characters are read
/// last, and letters of either case count as 10 to 35. 1 means that the check digits are right.
///
/// `None`: fewer than four characters, or a character that is neither a digit nor a letter.
pub fn mod_97(characters: &[u8]) -> Option<u32> {
    let (head, tail) = characters.split_at_checked(4)?;
    tail.iter()
        .chain(head)
        .try_fold(0, |rest, &character| match character {
            b'0'..=b'9' => Some((rest * 10 + u32::from(character - b'0')) % 97),
            b'A'..=b'Z' => Some((rest * 100 + u32::from(character - b'A') + 10) % 97),
            b'a'..=b'z' => Some((rest * 100 + u32::from(character - b'a') + 10) % 97),
            _ => None,
        })
}

/// The check digit of a Japanese Individual Number. `digits` are values from 0 to 9; the first eleven are used. From
/// the right they have the weights 2 to 7 and then 2 to 6 (ordinance 85 of the Ministry of Internal Affairs and
/// Communications, 2014).
pub fn my_number(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .take(11)
        .rev()
        .zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6])
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(number: &str) -> Vec<u8> {
        number.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn published_numbers_have_their_check_digits() {
        // Test numbers that the networks publish.
        for card in ["4111111111111111", "378282246310005", "30569309025904"] {
            assert_eq!(luhn(&digits(card)), 0, "{card}");
        }
        assert_ne!(luhn(&digits("4111111111111112")), 0);
        // Examples from the IBAN registry.
        for account in ["DE89370400440532013000", "gb29nwbk60161331926819"] {
            assert_eq!(mod_97(account.as_bytes()), Some(1), "{account}");
        }
        assert_ne!(mod_97(b"DE88370400440532013000"), Some(1));
        assert_eq!(my_number(&digits("123456789018")), 8);
    }

    #[test]
    fn what_is_no_account_number_has_no_remainder() {
        assert_eq!(mod_97(b"DE8"), None);
        assert_eq!(mod_97(b"DE89 3704"), None);
    }
}
