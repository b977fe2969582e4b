//! The keywords of JSON Schema. Names are looked up once, while the schema is parsed.

use crate::json::hash;

macro_rules! keywords {
    ($($keyword:ident $name:literal),* $(,)?) => {
        /// A member's name that has a meaning in a schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Keyword {
            $($keyword),*
        }

        const NAMED: &[(Keyword, &str)] = &[$((Keyword::$keyword, $name)),*];
    };
}

keywords! {
    Ref "$ref", Defs "$defs", Schema "$schema", Comment "$comment", Id "$id", Anchor "$anchor",
    DynamicRef "$dynamicRef", DynamicAnchor "$dynamicAnchor", RecursiveRef "$recursiveRef",
    RecursiveAnchor "$recursiveAnchor", Vocabulary "$vocabulary",
    Definitions "definitions",
    Type "type", Enum "enum", Const "const",
    Properties "properties", PatternProperties "patternProperties", AdditionalProperties "additionalProperties",
    PropertyNames "propertyNames", Required "required", DependentRequired "dependentRequired",
    DependentSchemas "dependentSchemas", Dependencies "dependencies",
    MinProperties "minProperties", MaxProperties "maxProperties",
    Items "items", PrefixItems "prefixItems", AdditionalItems "additionalItems", Contains "contains",
    MinContains "minContains", MaxContains "maxContains", MinItems "minItems", MaxItems "maxItems",
    UniqueItems "uniqueItems",
    MinLength "minLength", MaxLength "maxLength", Pattern "pattern", Format "format",
    Minimum "minimum", Maximum "maximum", ExclusiveMinimum "exclusiveMinimum",
    ExclusiveMaximum "exclusiveMaximum", MultipleOf "multipleOf",
    AllOf "allOf", AnyOf "anyOf", OneOf "oneOf", Not "not", If "if", Then "then", Else "else",
    Title "title", Description "description", Default "default", Examples "examples",
    ReadOnly "readOnly", WriteOnly "writeOnly", Deprecated "deprecated",
    ContentEncoding "contentEncoding", ContentMediaType "contentMediaType", ContentSchema "contentSchema",
    UnevaluatedItems "unevaluatedItems", UnevaluatedProperties "unevaluatedProperties",
}

const SLOTS: usize = 256;
/// A hash table of keywords. An entry is an index into [`NAMED`] plus one; 0 is an empty slot. A taken slot is followed
/// by the next free one.
static TABLE: [u8; SLOTS] = table();

const fn table() -> [u8; SLOTS] {
    let mut table = [0; SLOTS];
    let mut at = 0;
    while at < NAMED.len() {
        let mut slot = hash(NAMED[at].1.as_bytes()) as usize % SLOTS;
        while table[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        at += 1;
        table[slot] = at as u8;
    }
    table
}

/// The number of the keyword with that name, 0 for none. The tape stores it with each name.
pub(crate) fn word(name: &[u8], hash: u32) -> u8 {
    let mut slot = hash as usize % SLOTS;
    while let Some((keyword, own)) = (TABLE[slot] as usize).checked_sub(1).map(|at| NAMED[at]) {
        if own.as_bytes() == name {
            return keyword as u8 + 1;
        }
        slot = (slot + 1) % SLOTS;
    }
    0
}

impl Keyword {
    /// The keyword with the number that [`word`] returned.
    pub(crate) fn of(word: u8) -> Option<Self> {
        Some(NAMED[(word as usize).checked_sub(1)?].0)
    }

    /// Whether the name begins with `$`. The library looks for these keywords outside schemas too.
    pub(crate) fn is_core(self) -> bool {
        matches!(
            self,
            Self::Ref
                | Self::Defs
                | Self::Schema
                | Self::Comment
                | Self::Id
                | Self::Anchor
                | Self::DynamicRef
                | Self::DynamicAnchor
                | Self::RecursiveRef
                | Self::RecursiveAnchor
                | Self::Vocabulary
        )
    }

    /// Whether the keyword's schemas judge the same value as the schema that holds the keyword.
    pub(crate) fn is_in_place(self) -> bool {
        matches!(
            self,
            Self::Ref
                | Self::AllOf
                | Self::AnyOf
                | Self::OneOf
                | Self::Not
                | Self::If
                | Self::Then
                | Self::Else
                | Self::DependentSchemas
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_by_its_name() {
        for (keyword, name) in NAMED {
            let word = word(name.as_bytes(), hash(name.as_bytes()));
            assert_eq!(Keyword::of(word), Some(*keyword), "{name}");
            assert_eq!(keyword.is_core(), name.starts_with('$'), "{name}");
        }
        for (name, keyword) in [("$filter", None), ("", None), ("Type", None)] {
            assert_eq!(
                Keyword::of(word(name.as_bytes(), hash(name.as_bytes()))),
                keyword
            );
        }
    }
}
