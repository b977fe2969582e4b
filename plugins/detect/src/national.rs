//! Detects numbers that a state gives to a person.

use crate::checksum::my_number;
use crate::context::{Context, MY_NUMBER, SSN};
use crate::number::{Gap, Group, Number};

/// How many groups, beginning with group `first`, form a social security number of the United States. The number has
/// the shape 3-2-4 with hyphens. With spaces, or as nine digits, it needs a word such as "SSN".
///
/// The area is not 000, 666 or 900 and above, the group is not 00, and the serial is not 0000 (rules of the Social
/// Security Administration).
pub(crate) fn us_ssn_groups(number: &Number, first: usize, context: &Context) -> Option<usize> {
    [3, 1].into_iter().find(|&count| {
        let Some(groups) = number.groups().get(first..first + count) else {
            return false;
        };
        let digits = number.digits(groups);
        let counts: [usize; 3] =
            std::array::from_fn(|n| groups.get(n).map_or(0, |group| group.count));
        digits.len() == 9
            && matches!(
                (counts, groups.get(1).map(|group| group.gap)),
                ([3, 2, 4], Some(Gap::Hyphen | Gap::Space)) | ([9, 0, 0], None)
            )
            && stands_alone(number, first, count)
            && !matches!(digits[..3], [0, 0, 0] | [6, 6, 6] | [9, _, _])
            && digits[3..5] != [0, 0]
            && digits[5..] != [0; 4]
            && ((count == 3 && groups[1].gap == Gap::Hyphen && groups[2].gap == Gap::Hyphen)
                || context.says(&SSN, groups[0].start))
    })
}

/// How many groups, beginning with group `first`, form an Individual Number of Japan: twelve digits, in one group or in
/// fours, with the right check digit. It also needs a word such as "マイナンバー", because one number in ten has that check
/// digit.
pub(crate) fn jp_my_number_groups(
    number: &Number,
    first: usize,
    context: &Context,
) -> Option<usize> {
    [1, 3].into_iter().find(|&count| {
        let Some(groups) = number.groups().get(first..first + count) else {
            return false;
        };
        let digits = number.digits(groups);
        digits.len() == 12
            && groups.iter().all(|group| count == 1 || group.count == 4)
            && groups[1..]
                .iter()
                .all(|group| matches!(group.gap, Gap::Space | Gap::Hyphen))
            && stands_alone(number, first, count)
            && my_number(digits) == digits[11]
            && context.says(&MY_NUMBER, groups[0].start)
    })
}

/// Whether the groups are separated from the digits around them: by the edge, a space or a parenthesis.
pub(crate) fn stands_alone(number: &Number, first: usize, count: usize) -> bool {
    let before = number
        .groups()
        .get(first)
        .map_or(Gap::Edge, |group: &Group| group.gap);
    let loose = |gap: Gap| matches!(gap, Gap::Edge | Gap::Space | Gap::Parenthesis);
    loose(before) && loose(number.gap_after(first + count - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_in(
        text: &str,
        detect: fn(&Number, usize, &Context) -> Option<usize>,
    ) -> Option<usize> {
        let start = text.find(|character: char| character.is_numeric())?;
        detect(
            &Number::read(text.as_bytes(), start),
            0,
            &Context {
                text,
                key: &String::new,
            },
        )
    }

    #[test]
    fn a_social_security_number_has_its_shape_or_its_name() {
        let found = |text| first_in(text, us_ssn_groups);
        assert_eq!(found("219-09-9999"), Some(3));
        assert_eq!(found("SSN: 219 09 9999"), Some(3));
        assert_eq!(found("ssn 219099999"), Some(1));
        for text in [
            "219099999",
            "219 09 9999",
            "000-12-3456",
            "666-12-3456",
            "912-12-3456",
            "219-00-9999",
            "219-09-0000",
            "219-09-99999",
            "219-09-9999-1",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn an_individual_number_has_its_check_digit_and_its_name() {
        let found = |text| first_in(text, jp_my_number_groups);
        assert_eq!(found("マイナンバー：123456789018"), Some(1));
        assert_eq!(found("個人番号は１２３４－５６７８－９０１８"), Some(3));
        assert_eq!(found("マイナンバー：123456789017"), None);
        assert_eq!(found("注文番号 123456789018"), None);
    }
}
