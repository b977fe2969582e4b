//! Decides which schemas this crate judges: those that are valid, use only known keywords and stay within bounds.
//!
//! The whole schema is checked once, before the first value is judged. The check includes parts that no value reaches,
//! because a schema with an error anywhere is an invalid schema.

use crate::format;
use crate::json::{Kind, Number, Value, hash};
use crate::keyword::Keyword;
use crate::pattern::Pattern;

/// Maximum nesting: levels of containers in the document that holds the schema, and levels of schemas that judge the
/// same value.
pub const DEPTH: usize = 64;
/// Maximum number of schemas that are counted by following, from every object of the document, the keywords that judge
/// the same value. The bound is needed because an `allOf` of references to an `allOf` of references doubles with each
/// step.
pub const STEPS: usize = 10_000;

/// Maximum effort of the check beyond one pass over the schema. The unit is a member that is passed while a reference
/// is resolved.
const EFFORT: usize = 100_000;
/// Effort of reading one pattern, in the same unit.
const PATTERN: usize = 1_000;

/// This crate cannot judge. The value may fit or not; ask a complete library.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsure;

/// The draft that a schema is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draft {
    /// Draft 7.
    Seven,
    /// Draft 2020-12, the default where `$schema` is missing.
    Latest,
}

/// Types as bits. `number` is both `INTEGER` and `FRACTION`.
pub(crate) mod types {
    pub(crate) const NULL: u32 = 1;
    pub(crate) const BOOLEAN: u32 = 2;
    pub(crate) const INTEGER: u32 = 4;
    pub(crate) const FRACTION: u32 = 8;
    pub(crate) const STRING: u32 = 16;
    pub(crate) const ARRAY: u32 = 32;
    pub(crate) const OBJECT: u32 = 64;

    pub(crate) fn named(name: &str) -> Option<u32> {
        Some(match name {
            "null" => NULL,
            "boolean" => BOOLEAN,
            "integer" => INTEGER,
            "number" => INTEGER | FRACTION,
            "string" => STRING,
            "array" => ARRAY,
            "object" => OBJECT,
            _ => return None,
        })
    }
}

/// A schema that [`Schema::of`] has checked: a whole document or any value in one.
///
/// The check stores what it finds in the tape's nodes: a mark on each schema, and a note on some strings. The note is a
/// type's bits, the hash of a required name, the target of a `$ref`, or whether a format is asserted.
pub struct Schema<'t> {
    pub(crate) root: Value<'t>,
    pub(crate) draft: Draft,
}

impl<'t> Schema<'t> {
    /// Checks the whole schema below `root`.
    ///
    /// # Errors
    ///
    /// [`Unsure`] where the schema is invalid, exceeds [`DEPTH`] or [`STEPS`], uses a keyword, draft or reference that
    /// this crate does not judge, or where names of its document may repeat.
    pub fn of(root: Value<'t>) -> Result<Self, Unsure> {
        if root.may_repeat() || root.depth_of_document() > DEPTH {
            return Err(Unsure);
        }
        let mut survey = Survey {
            root,
            draft: draft(root)?,
            references: Vec::new(),
            core: 0,
            effort: 0,
            steps: 0,
        };
        survey.schema(root)?;
        survey.references_lead_to_schemas()?;
        survey.costs()?;
        Ok(Self {
            root,
            draft: survey.draft,
        })
    }
}

fn draft(root: Value) -> Result<Draft, Unsure> {
    let Some(dialect) = root.get("$schema") else {
        return Ok(Draft::Latest);
    };
    let dialect = dialect.as_text().ok_or(Unsure)?;
    match dialect.strip_suffix('#').unwrap_or(&dialect) {
        "http://json-schema.org/draft-07/schema" => Ok(Draft::Seven),
        "https://json-schema.org/draft/2020-12/schema" => Ok(Draft::Latest),
        _ => Err(Unsure),
    }
}

struct Survey<'t> {
    root: Value<'t>,
    draft: Draft,
    /// The targets of all references.
    references: Vec<Value<'t>>,
    /// How many keywords that begin with `$` were found in schemas.
    core: usize,
    /// Effort beyond one pass over the schema, see [`EFFORT`].
    effort: usize,
    steps: usize,
}

impl<'t> Survey<'t> {
    fn schema(&mut self, schema: Value<'t>) -> Result<(), Unsure> {
        match schema.kind() {
            Kind::True | Kind::False => {}
            Kind::Object => {
                for (name, value) in schema.members() {
                    if let Some(keyword) = Keyword::of(name.word()) {
                        self.core += usize::from(keyword.is_core());
                        self.keyword(schema, keyword, value)?;
                    }
                }
            }
            _ => return Err(Unsure),
        }
        schema.set_mark();
        Ok(())
    }

    fn keyword(
        &mut self,
        schema: Value<'t>,
        keyword: Keyword,
        value: Value<'t>,
    ) -> Result<(), Unsure> {
        use Keyword as K;
        let is_latest = self.draft == Draft::Latest;
        let holds = match keyword {
            K::Title | K::Description | K::Comment => value.is(Kind::String),
            K::Type => is_type(value),
            K::Enum | K::Examples => value.is(Kind::Array),
            K::Const | K::Default => true,
            K::Required => are_names(value),
            K::ReadOnly | K::WriteOnly | K::UniqueItems => is_boolean(value),
            K::Minimum | K::Maximum | K::ExclusiveMinimum | K::ExclusiveMaximum => {
                value.is(Kind::Number)
            }
            // The library divides by other numbers as decimal fractions. This crate divides integers only.
            K::MultipleOf => {
                value.is(Kind::Number)
                    && matches!(value.number(), Number::Integer(1..=0x1F_FFFF_FFFF_FFFF))
            }
            K::MinLength
            | K::MaxLength
            | K::MinItems
            | K::MaxItems
            | K::MinProperties
            | K::MaxProperties => {
                value.is(Kind::Number) && matches!(value.number(), Number::Integer(0..))
            }
            K::Pattern => value.is(Kind::String) && self.is_pattern(value)?,
            K::Format => {
                let Some(name) = value.as_text() else {
                    return Err(Unsure);
                };
                value.set_note(u32::from(!is_latest && format::is_asserted(&name)));
                true
            }
            K::ContentEncoding | K::ContentMediaType => is_latest && value.is(Kind::String),
            K::Deprecated => !is_latest || is_boolean(value),
            K::AdditionalProperties
            | K::PropertyNames
            | K::Contains
            | K::Not
            | K::If
            | K::Then
            | K::Else => return self.schema(value),
            K::Items if value.is(Kind::Array) => {
                return if is_latest {
                    Err(Unsure)
                } else {
                    self.schemas(value)
                };
            }
            K::Items => return self.schema(value),
            K::AdditionalItems if !is_latest => return self.schema(value),
            K::PrefixItems if is_latest => return self.schemas(value),
            K::AllOf | K::AnyOf | K::OneOf => return self.schemas(value),
            K::Properties | K::Defs | K::Definitions => return self.named_schemas(value),
            K::DependentSchemas if is_latest => return self.named_schemas(value),
            K::DependentRequired if is_latest => {
                value.is(Kind::Object) && value.members().all(|(_, names)| are_names(names))
            }
            K::PatternProperties => {
                for (name, _) in value.members() {
                    if !self.is_pattern(name)? {
                        return Err(Unsure);
                    }
                }
                return self.named_schemas(value);
            }
            K::Ref => return self.reference(value),
            K::Schema => schema.index() == self.root.index(),
            _ => false,
        };
        if holds { Ok(()) } else { Err(Unsure) }
    }

    fn effort(&mut self, effort: usize) -> Result<(), Unsure> {
        self.effort += effort;
        if self.effort > EFFORT {
            Err(Unsure)
        } else {
            Ok(())
        }
    }

    fn is_pattern(&mut self, text: Value) -> Result<bool, Unsure> {
        self.effort(PATTERN)?;
        Ok(Pattern::of(&text.text()).is_some())
    }

    fn schemas(&mut self, list: Value<'t>) -> Result<(), Unsure> {
        if list.is(Kind::Array) && list.len() > 0 {
            list.elements().try_for_each(|schema| self.schema(schema))
        } else {
            Err(Unsure)
        }
    }

    fn named_schemas(&mut self, map: Value<'t>) -> Result<(), Unsure> {
        if map.is(Kind::Object) {
            map.members()
                .try_for_each(|(_, schema)| self.schema(schema))
        } else {
            Err(Unsure)
        }
    }

    fn reference(&mut self, reference: Value<'t>) -> Result<(), Unsure> {
        let text = reference.as_text().ok_or(Unsure)?;
        let (target, passed) = resolved(self.root, &text).ok_or(Unsure)?;
        self.effort(passed)?;
        reference.set_note(target.index() + 1);
        self.references.push(target);
        Ok(())
    }

    /// Checks that every reference leads to a value that is a schema by its place. The library treats other targets
    /// differently.
    fn references_lead_to_schemas(&self) -> Result<(), Unsure> {
        if self.references.iter().all(|target| target.is_marked()) {
            Ok(())
        } else {
            Err(Unsure)
        }
    }

    /// Counts, from every object, the schemas that judge the same value, and compares the counts with the bounds.
    fn costs(&mut self) -> Result<(), Unsure> {
        let mut core = 0;
        for at in self.root.index()..self.root.behind() {
            let node = self.root.beside(at);
            match node.kind() {
                Kind::Object => self.step()?,
                Kind::Name => {
                    if let Some(keyword) = Keyword::of(node.word()) {
                        core += usize::from(keyword.is_core());
                        if keyword.is_in_place() {
                            self.behind(keyword, node.beside(at + 1), 1)?;
                        }
                    }
                }
                _ => {}
            }
        }
        // The library looks for identifiers and references outside schemas too, for example in `const`. Such a document
        // is left to the library.
        if core == self.core {
            Ok(())
        } else {
            Err(Unsure)
        }
    }

    fn step(&mut self) -> Result<(), Unsure> {
        self.steps += 1;
        if self.steps > STEPS {
            Err(Unsure)
        } else {
            Ok(())
        }
    }

    /// Follows the schemas of a keyword that judges the same value.
    fn behind(&mut self, keyword: Keyword, value: Value<'t>, depth: usize) -> Result<(), Unsure> {
        match keyword {
            Keyword::Ref => match target(value) {
                Some(target) if value.is(Kind::String) => self.in_place(target, depth),
                _ => Ok(()),
            },
            Keyword::AllOf | Keyword::AnyOf | Keyword::OneOf => value
                .elements()
                .try_for_each(|branch| self.in_place(branch, depth)),
            Keyword::DependentSchemas if value.is(Kind::Object) => value
                .members()
                .try_for_each(|(_, branch)| self.in_place(branch, depth)),
            _ => self.in_place(value, depth),
        }
    }

    fn in_place(&mut self, schema: Value<'t>, depth: usize) -> Result<(), Unsure> {
        if !schema.is(Kind::Object) {
            return Ok(());
        }
        self.step()?;
        if depth > DEPTH {
            return Err(Unsure);
        }
        for (name, value) in schema.members() {
            if let Some(keyword) = Keyword::of(name.word()).filter(|keyword| keyword.is_in_place())
            {
                self.behind(keyword, value, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// The target of a `$ref` that the check has resolved.
pub(crate) fn target(reference: Value) -> Option<Value> {
    Some(reference.beside(reference.note().checked_sub(1)?))
}

fn is_boolean(value: Value) -> bool {
    matches!(value.kind(), Kind::True | Kind::False)
}

fn is_type(value: Value) -> bool {
    let noted = |name: Value| {
        let bits = name.as_text().and_then(|name| types::named(&name));
        bits.is_some_and(|bits| {
            name.set_note(bits);
            true
        })
    };
    match value.kind() {
        Kind::String => noted(value),
        Kind::Array => value.len() > 0 && value.elements().all(noted) && are_different(value),
        _ => false,
    }
}

/// Whether the value is a list of strings without duplicates. Notes the hash of each string.
fn are_names(list: Value) -> bool {
    let noted = |name: Value| {
        if let Some(text) = name.as_text() {
            name.set_note(hash(text.as_bytes()));
        }
        name.is(Kind::String)
    };
    list.is(Kind::Array) && list.elements().all(noted) && are_different(list)
}

/// Whether the strings of a list differ. The strings must have notes. Lists of more than 128 strings count as not
/// different, because the comparison takes quadratic time.
fn are_different(list: Value) -> bool {
    const MOST: usize = 128;
    if list.len() > MOST {
        return false;
    }
    list.elements().enumerate().all(|(index, name)| {
        list.elements()
            .take(index)
            .all(|before| before.note() != name.note() || !before.says(name))
    })
}

/// The target of a reference such as `#/a/b`, and how many members were passed on the way. Only plain ASCII characters
/// are accepted: implementations disagree on how to decode others.
fn resolved<'t>(root: Value<'t>, reference: &str) -> Option<(Value<'t>, usize)> {
    let pointer = reference.strip_prefix('#')?;
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.' | b'$');
    if !pointer.bytes().all(is_plain) {
        return None;
    }
    if pointer.is_empty() {
        return Some((root, 0));
    }
    let mut value = root;
    let mut passed = 0;
    for token in pointer.strip_prefix('/')?.split('/') {
        passed += value.len();
        value = match value.kind() {
            Kind::Object => value.get(token)?,
            Kind::Array => {
                let index: usize = token.parse().ok()?;
                if index.to_string() != token {
                    return None;
                }
                value.elements().nth(index)?
            }
            _ => return None,
        };
    }
    Some((value, passed))
}
