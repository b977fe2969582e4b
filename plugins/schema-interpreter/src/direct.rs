//! Which schemas are judged directly: what they may contain, and that they are valid and within bounds.
//!
//! Looked at once before the first value is judged, the parts that no value reaches among it: a schema that is no valid
//! one is refused wherever it is wrong.

use crate::format;
use crate::json::{Kind, Number, Value, hash};
use crate::keyword::Keyword;
use crate::pattern::Pattern;

/// Schemas within schemas.
pub const DEPTH: usize = 64;
/// Schemas that may have to be looked at for one value: `allOf` of references to `allOf` of references doubles with
/// each step.
pub const STEPS: usize = 10_000;

/// Members passed on the way to what references lead to, and what reading a pattern comes to in these.
const EFFORT: usize = 100_000;
const PATTERN: usize = 1_000;

/// What cannot be said here.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsure;

/// How a schema is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draft {
    /// Draft 7.
    Seven,
    /// Draft 2020-12, which is meant where nothing is said.
    Latest,
}

/// Types as bits. `number` has both of its bits.
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

/// A schema that can be judged by, of a tape of its own or a part of one. Its nodes hold what was found out about them:
/// a mark on each schema; notes on strings, which are types as bits, hashes of names that are required, and where a
/// `$ref` leads to.
pub struct Schema<'t> {
    pub(crate) root: Value<'t>,
    pub(crate) draft: Draft,
}

impl<'t> Schema<'t> {
    /// Looks through the whole schema.
    ///
    /// # Errors
    ///
    /// It is none, or not one that can be judged by here.
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
    /// Where references lead to.
    references: Vec<Value<'t>>,
    /// Keywords with `$` that stand where a schema is.
    core: usize,
    /// What looking through it took beyond reading it once.
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
            // Others are divided by as decimal fractions, which the library does.
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

    /// What is no schema by its place is judged otherwise by the library.
    fn references_lead_to_schemas(&self) -> Result<(), Unsure> {
        if self.references.iter().all(|target| target.is_marked()) {
            Ok(())
        } else {
            Err(Unsure)
        }
    }

    /// The bounds: of every object in it, the schemas that judge the same value.
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
        // The library looks for identifiers and references at places where no schema is, too.
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

    /// The schemas of a keyword that judge the same value.
    fn behind(&mut self, keyword: Keyword, value: Value<'t>, depth: usize) -> Result<(), Unsure> {
        match keyword {
            Keyword::Ref => match target(value) {
                Some(target) if value.is(Kind::String) => self.in_place(target, depth),
                _ => Ok(()),
            },
            Keyword::AllOf | Keyword::AnyOf | Keyword::OneOf => value
                .elements()
                .try_for_each(|branch| self.in_place(branch, depth)),
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

/// What a `$ref` that was looked at leads to.
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

/// A list of different strings.
fn are_names(list: Value) -> bool {
    let noted = |name: Value| {
        if let Some(text) = name.as_text() {
            name.set_note(hash(text.as_bytes()));
        }
        name.is(Kind::String)
    };
    list.is(Kind::Array) && list.elements().all(noted) && are_different(list)
}

/// Strings that have notes; may be wrong about some that are, and about long lists.
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

/// What `#/a/b` leads to, and how many members were passed on the way. Only plain characters: others are read in more
/// than one way.
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
