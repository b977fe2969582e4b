//! Finds names of a list that look like other names.

use sandgate_detect::confusable::{Spelling, skeleton, spelling};

use crate::known::Known;

/// What a name is beside another one that looks like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Nothing looks like it, or it is the original.
    None,
    /// It differs from an earlier name in capitals, separators or look-alikes within ASCII, or neither is the plainer one.
    Variant,
    /// It passes for a plainer name.
    Imitation,
}

/// The likeness of each name, in the order of the list. Two elements with one and the same name are no look-alikes.
pub(crate) fn likenesses(names: &[Option<&str>], known: &Known) -> Vec<Likeness> {
    let looks: Vec<(String, Spelling)> = names
        .iter()
        .map(|name| {
            name.map_or_else(
                || (String::new(), Spelling::Plain),
                |name| (skeleton(name), spelling(name)),
            )
        })
        .collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    // Groups of equal looks: in each the plainest first, of equally plain ones the first of the list.
    order.sort_by(|one, other| (&looks[*one], one).cmp(&(&looks[*other], other)));
    let mut found = vec![Likeness::None; names.len()];
    let mut first = None;
    for index in order {
        let (look, spelt) = &looks[index];
        if look.is_empty() {
            continue;
        }
        let original = first.filter(|original: &usize| looks[*original].0 == *look);
        let Some(original) = original else {
            first = Some(index);
            found[index] = alone(*spelt, look, known);
            continue;
        };
        found[index] = match names[original] == names[index] {
            true => found[original],
            false if looks[original].1 < *spelt => Likeness::Imitation,
            false => Likeness::Variant,
        };
    }
    found
}

/// The likeness of a name to names of other lists.
pub(crate) fn alone(spelt: Spelling, look: &str, known: &Known) -> Likeness {
    match spelt {
        Spelling::Plain => Likeness::None,
        // No other explanation: it mixes scripts or has characters that nobody sees.
        Spelling::Imitating | Spelling::Hidden => Likeness::Imitation,
        Spelling::Loose if known.has(look) => Likeness::Imitation,
        Spelling::Foreign if known.has(look) => Likeness::Variant,
        Spelling::Loose | Spelling::Foreign => Likeness::None,
    }
}

/// The looks of the plain names of a list, to be remembered.
pub(crate) fn plain_looks<'n>(names: &'n [Option<&'n str>]) -> impl Iterator<Item = String> + 'n {
    names
        .iter()
        .flatten()
        .filter(|name| spelling(name) == Spelling::Plain)
        .map(|name| skeleton(name))
        .filter(|look| !look.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Vec<Likeness> {
        let names: Vec<Option<&str>> = names.iter().copied().map(Some).collect();
        likenesses(&names, &Known::default())
    }

    #[test]
    fn the_imitation_is_the_one_that_is_less_plain_wherever_it_stands() {
        for imitation in [
            "p\u{430}y",
            "pay ",
            "pay\u{301}",
            "p\u{200B}ay",
            "\u{FF50}ay",
            "\u{440}\u{430}\u{443}",
        ] {
            assert_eq!(
                of(&[imitation, "pay", "get"]),
                [Likeness::Imitation, Likeness::None, Likeness::None],
                "{imitation:?}"
            );
        }
    }

    #[test]
    fn variants_of_one_spelling_are_told_apart_from_imitations() {
        assert_eq!(
            of(&["pay_now", "PayNow", "pay-now"]),
            [Likeness::None, Likeness::Variant, Likeness::Variant]
        );
        assert_eq!(of(&["a", "a", "b", ""]), [Likeness::None; 4]);
    }

    #[test]
    fn an_imitation_without_its_original_is_one_where_nothing_else_explains_it() {
        assert_eq!(of(&["p\u{430}y"]), [Likeness::Imitation]);
        assert_eq!(of(&["pay "]), [Likeness::None]);
        assert_eq!(
            of(&[
                "\u{691C}\u{7D22}",
                "\u{43F}\u{43E}\u{438}\u{441}\u{43A}",
                "caf\u{E9}_list"
            ]),
            [Likeness::None; 3]
        );
        let mut known = Known::default();
        known.add("pay");
        assert_eq!(likenesses(&[Some("pay ")], &known), [Likeness::Imitation]);
    }
}
