//! Judges a value by a schema without compiling the schema. Only the parts of the schema that the value reaches are
//! read.

use std::cmp::Ordering;

use crate::direct::{Draft, Schema, Unsure, target, types};
use crate::format;
use crate::json::{Kind, Number, Tape, Value, hash};
use crate::keyword::Keyword;
use crate::pattern::Pattern;

/// Maximum steps for one value: schemas, keywords and comparisons. Beyond them the library is asked, which is faster
/// for large values.
const STEPS: usize = 50_000;
/// Maximum schemas within schemas, nested or by reference. A guest's stack is small.
const DEPTH: usize = 100;
/// Steps that reading one pattern costs.
const PATTERN: usize = 200;
/// Longest array whose elements are all compared with each other. A longer array must hold plain strings only.
const PAIRWISE: usize = 32;

impl Schema<'_> {
    /// Whether the value fits the schema.
    ///
    /// # Errors
    ///
    /// [`Unsure`] where `value` may have repeated names, judging takes too many steps, or a keyword cannot be judged
    /// with certainty for this value.
    pub fn fits(&self, value: &Tape) -> Result<bool, Unsure> {
        if value.may_repeat() {
            return Err(Unsure);
        }
        let mut judge = Judge {
            draft: self.draft,
            steps: 0,
            depth: 0,
        };
        judge.fits(self.root, value.root())
    }
}

struct Judge {
    draft: Draft,
    steps: usize,
    depth: usize,
}

type Verdict = Result<bool, Unsure>;

impl Judge {
    fn step(&mut self, steps: usize) -> Result<(), Unsure> {
        self.steps += steps;
        if self.steps > STEPS {
            Err(Unsure)
        } else {
            Ok(())
        }
    }

    fn fits(&mut self, schema: Value, value: Value) -> Verdict {
        match schema.kind() {
            Kind::True => return Ok(true),
            Kind::False => return Ok(false),
            _ => {}
        }
        self.step(1 + schema.len())?;
        if self.depth == DEPTH {
            return Err(Unsure);
        }
        self.depth += 1;
        let fits = self.object(schema, value);
        self.depth -= 1;
        fits
    }

    fn object(&mut self, schema: Value, value: Value) -> Verdict {
        // Draft 7 ignores keywords beside a `$ref`.
        if self.draft == Draft::Seven
            && let Some(reference) = schema.get("$ref")
        {
            return self.fits(target(reference).ok_or(Unsure)?, value);
        }
        let mut children = Children::default();
        for (name, operand) in schema.members() {
            if let Some(keyword) = Keyword::of(name.word())
                && !children.take(keyword, operand)
                && !self.keyword(keyword, operand, value)?
            {
                return Ok(false);
            }
        }
        Ok(self.condition(&children, value)?
            && match value.kind() {
                Kind::Object => self.members(&children, value)?,
                Kind::Array => self.elements(&children, value)?,
                _ => true,
            })
    }

    /// Judges by one keyword. The keywords in [`Children`] are judged elsewhere, because they depend on each other.
    fn keyword(&mut self, keyword: Keyword, operand: Value, value: Value) -> Verdict {
        use Keyword as K;
        Ok(match keyword {
            K::Type => is_of_type(operand, value),
            K::Enum => {
                for choice in operand.elements() {
                    if self.equal(choice, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            K::Const => self.equal(operand, value)?,
            K::Ref => self.fits(target(operand).ok_or(Unsure)?, value)?,
            K::AllOf => {
                for branch in operand.elements() {
                    if !self.fits(branch, value)? {
                        return Ok(false);
                    }
                }
                true
            }
            K::AnyOf => {
                for branch in operand.elements() {
                    if self.fits(branch, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            K::OneOf => {
                let mut fitting = 0;
                for branch in operand.elements() {
                    fitting += usize::from(self.fits(branch, value)?);
                    if fitting > 1 {
                        return Ok(false);
                    }
                }
                fitting == 1
            }
            K::Not => !self.fits(operand, value)?,
            _ => match value.kind() {
                Kind::Number => of_number(keyword, operand, value)?,
                // `propertyNames` judges names as strings.
                Kind::String | Kind::Name => self.of_string(keyword, operand, value)?,
                Kind::Array => self.of_array(keyword, operand, value)?,
                Kind::Object => self.of_object(keyword, operand, value)?,
                _ => true,
            },
        })
    }

    /// Counts the steps of reading a text: an unescaped copy costs more than a comparison.
    fn read(&mut self, text: Value) -> Result<(), Unsure> {
        let length = text.raw().len();
        self.step(if text.has_escapes() {
            length
        } else {
            length / 64
        })
    }

    fn of_string(&mut self, keyword: Keyword, operand: Value, value: Value) -> Verdict {
        use Keyword as K;
        Ok(match keyword {
            K::MinLength | K::MaxLength => {
                self.read(value)?;
                of_size(keyword, operand, value.text().chars().count())
            }
            K::Pattern => {
                // The pattern is read again for each value.
                self.step(PATTERN)?;
                self.read(value)?;
                let pattern = Pattern::of(&operand.text()).ok_or(Unsure)?;
                pattern.is_match(&value.text())?
            }
            K::Format if operand.note() != 0 => {
                if !format::is_surely(&operand.text(), &value.text()) {
                    return Err(Unsure);
                }
                true
            }
            _ => true,
        })
    }

    fn of_array(&mut self, keyword: Keyword, operand: Value, value: Value) -> Verdict {
        use Keyword as K;
        Ok(match keyword {
            K::MinItems | K::MaxItems => of_size(keyword, operand, value.len()),
            K::UniqueItems => operand.is(Kind::False) || self.are_unique(value)?,
            K::Contains => {
                for element in value.elements() {
                    if self.fits(operand, element)? {
                        return Ok(true);
                    }
                }
                false
            }
            _ => true,
        })
    }

    fn of_object(&mut self, keyword: Keyword, operand: Value, value: Value) -> Verdict {
        use Keyword as K;
        Ok(match keyword {
            K::MinProperties | K::MaxProperties => of_size(keyword, operand, value.len()),
            K::Required => self.has_all(value, operand)?,
            K::DependentRequired => {
                for (name, required) in operand.members() {
                    if self.member(value, name)?.is_some() && !self.has_all(value, required)? {
                        return Ok(false);
                    }
                }
                true
            }
            K::DependentSchemas => {
                for (name, schema) in operand.members() {
                    if self.member(value, name)?.is_some() && !self.fits(schema, value)? {
                        return Ok(false);
                    }
                }
                true
            }
            K::PropertyNames => {
                for (name, _) in value.members() {
                    if !self.fits(operand, name)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => true,
        })
    }

    fn condition(&mut self, children: &Children, value: Value) -> Verdict {
        let Some(condition) = children.condition else {
            return Ok(true);
        };
        let branch = if self.fits(condition, value)? {
            children.then
        } else {
            children.otherwise
        };
        branch.map_or(Ok(true), |branch| self.fits(branch, value))
    }

    fn members(&mut self, children: &Children, value: Value) -> Verdict {
        let patterns = match children.pattern_properties {
            Some(map) => self.patterns(map)?,
            None => Vec::new(),
        };
        for (name, member) in value.members() {
            let mut is_named = false;
            if let Some(properties) = children.properties
                && let Some(schema) = self.member(properties, name)?
            {
                is_named = true;
                if !self.fits(schema, member)? {
                    return Ok(false);
                }
            }
            for (pattern, schema) in &patterns {
                self.read(name)?;
                if pattern.is_match(&name.text())? {
                    is_named = true;
                    if !self.fits(*schema, member)? {
                        return Ok(false);
                    }
                }
            }
            if !is_named
                && let Some(additional) = children.additional_properties
                && !self.fits(additional, member)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn patterns<'t>(&mut self, map: Value<'t>) -> Result<Vec<(Pattern, Value<'t>)>, Unsure> {
        // Each pattern is read again whenever its schema is reached.
        self.step(map.len() * PATTERN)?;
        map.members()
            .map(|(name, schema)| Ok((Pattern::of(&name.text()).ok_or(Unsure)?, schema)))
            .collect()
    }

    fn elements(&mut self, children: &Children, value: Value) -> Verdict {
        let (by_place, rest) = match (children.prefix_items, children.items) {
            (None, Some(items)) if items.is(Kind::Array) => {
                (Some(items), children.additional_items)
            }
            (prefix, items) => (prefix, items),
        };
        let mut by_place = by_place.into_iter().flat_map(Value::elements);
        for element in value.elements() {
            let schema = by_place.next().or(rest);
            if let Some(schema) = schema
                && !self.fits(schema, element)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The member of an object that has the same name as `name`.
    fn member<'t>(&mut self, object: Value<'t>, name: Value) -> Result<Option<Value<'t>>, Unsure> {
        self.step(object.len() / 8 + 1)?;
        Ok(object.get_as(name))
    }

    fn has_all(&mut self, value: Value, required: Value) -> Verdict {
        for name in required.elements() {
            if self.member(value, name)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal(&mut self, one: Value, other: Value) -> Verdict {
        self.step(1)?;
        Ok(match (one.kind(), other.kind()) {
            (Kind::Number, Kind::Number) => {
                one.number().compare(other.number()) == Some(Ordering::Equal)
            }
            (Kind::String, Kind::String | Kind::Name) => {
                self.read(one)?;
                self.read(other)?;
                one.says(other)
            }
            (Kind::Array, Kind::Array) => {
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (one, other) in one.elements().zip(other.elements()) {
                    if !self.equal(one, other)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Kind::Object, Kind::Object) => {
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (name, member) in one.members() {
                    match self.member(other, name)? {
                        Some(other) if self.equal(member, other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (one, other) => one == other,
        })
    }

    fn are_unique(&mut self, list: Value) -> Verdict {
        if list.len() > PAIRWISE {
            return are_unique_strings(list);
        }
        for (index, element) in list.elements().enumerate() {
            for before in list.elements().take(index) {
                if self.equal(before, element)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

fn are_unique_strings(list: Value) -> Verdict {
    if !list
        .elements()
        .all(|element| element.is(Kind::String) && !element.has_escapes())
    {
        return Err(Unsure);
    }
    let mut hashes: Vec<u32> = list
        .elements()
        .map(|element| hash(element.raw().as_bytes()))
        .collect();
    hashes.sort_unstable();
    if hashes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Unsure);
    }
    Ok(true)
}

fn is_of_type(operand: Value, value: Value) -> bool {
    let is = match value.kind() {
        Kind::Null => types::NULL,
        Kind::False | Kind::True => types::BOOLEAN,
        Kind::Number if value.number().is_integer() => types::INTEGER,
        Kind::Number => types::FRACTION,
        Kind::String | Kind::Name => types::STRING,
        Kind::Array => types::ARRAY,
        Kind::Object => types::OBJECT,
    };
    if operand.is(Kind::String) {
        operand.note() & is != 0
    } else {
        operand.elements().any(|name| name.note() & is != 0)
    }
}

fn of_number(keyword: Keyword, operand: Value, value: Value) -> Verdict {
    use Keyword as K;
    if let K::Minimum | K::Maximum | K::ExclusiveMinimum | K::ExclusiveMaximum = keyword {
        let order = value.number().compare(operand.number()).ok_or(Unsure)?;
        return Ok(match keyword {
            K::Minimum => order.is_ge(),
            K::Maximum => order.is_le(),
            K::ExclusiveMinimum => order.is_gt(),
            _ => order.is_lt(),
        });
    }
    match (keyword, value.number(), operand) {
        (K::MultipleOf, Number::Integer(value), operand) => match operand.number() {
            Number::Integer(divisor) if divisor > 0 => Ok(value % divisor == 0),
            _ => Err(Unsure),
        },
        (K::MultipleOf, Number::Float(_), _) => Err(Unsure),
        _ => Ok(true),
    }
}

fn of_size(keyword: Keyword, bound: Value, size: usize) -> bool {
    use Keyword as K;
    let order = Number::Integer(size as i128).compare(bound.number());
    match keyword {
        K::MinLength | K::MinItems | K::MinProperties => order.is_some_and(Ordering::is_ge),
        _ => order.is_some_and(Ordering::is_le),
    }
}

/// The operands of keywords that depend on each other.
#[derive(Default)]
struct Children<'t> {
    properties: Option<Value<'t>>,
    pattern_properties: Option<Value<'t>>,
    additional_properties: Option<Value<'t>>,
    items: Option<Value<'t>>,
    prefix_items: Option<Value<'t>>,
    additional_items: Option<Value<'t>>,
    condition: Option<Value<'t>>,
    then: Option<Value<'t>>,
    otherwise: Option<Value<'t>>,
}

impl<'t> Children<'t> {
    /// Stores the operand if the keyword is one of these. Returns whether it is.
    fn take(&mut self, keyword: Keyword, operand: Value<'t>) -> bool {
        let place = match keyword {
            Keyword::Properties => &mut self.properties,
            Keyword::PatternProperties => &mut self.pattern_properties,
            Keyword::AdditionalProperties => &mut self.additional_properties,
            Keyword::Items => &mut self.items,
            Keyword::PrefixItems => &mut self.prefix_items,
            Keyword::AdditionalItems => &mut self.additional_items,
            Keyword::If => &mut self.condition,
            Keyword::Then => &mut self.then,
            Keyword::Else => &mut self.otherwise,
            _ => return false,
        };
        *place = Some(operand);
        true
    }
}
