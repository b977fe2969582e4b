//! Texts of strangers as values: JSON and YAML, in which no member is there twice, and which are bounded before anything
//! is built.

use std::cell::Cell;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Lists and maps within one another.
const DEEPEST: usize = 48;
/// Values of a text.
const MOST: usize = 2_000_000;

/// Reads JSON.
///
/// # Errors
///
/// It is no JSON, an object has two members of one name, it is nested more than 128 deep, or it exceeds the bound.
pub(crate) fn json(text: &str) -> Result<Value, String> {
    json_within(text, &Cell::new(0))
}

/// Reads JSON that is a part of more. `values` counts those of all parts.
///
/// # Errors
///
/// As those of [`json`]; the bound is that of all parts.
pub(crate) fn json_within(text: &str, values: &Cell<usize>) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict(values).deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| error.to_string())
}

/// Reads the documents of a YAML text.
///
/// # Errors
///
/// It is no YAML, has an anchor, an alias, a merge or a tag, a map has two members of one name or one that is no text, or
/// it exceeds the bounds.
pub(crate) fn yaml(text: &str) -> Result<Vec<Value>, String> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        values: 0,
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(reader.value(event, 0)?),
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        self.values += 1;
        if self.values > MOST {
            return Err(format!("it has more than {MOST} values"));
        }
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        let anchored = "it has an anchor or an alias, which can stand for any number of values";
        match event {
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor > 0 =>
            {
                Err(anchored.into())
            }
            Event::Alias(_) => Err(anchored.into()),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => Err("it has a tag".into()),
            Event::Scalar(text, style, ..) => Ok(scalar(&text, style)),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Ok(Value::Array(list)),
                        event => list.push(self.value(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut map = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Ok(Value::Object(map)),
                        Event::Scalar(key, _, 0, None) if key != "<<" => key.into_owned(),
                        _ => return Err("a member has a name that is no plain text".into()),
                    };
                    let event = self.next()?;
                    let value = self.value(event, depth + 1)?;
                    if map.contains_key(&key) {
                        return Err(format!("{key:?} is there twice"));
                    }
                    map.insert(key, value);
                }
            }
            _ => Err("it ends in the middle".into()),
        }
    }
}

/// A value of YAML's core schema. Numbers that are no exact ones stay texts: a version is none.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Value::Number(Number::from(number)),
            _ => Value::String(text.to_owned()),
        },
    }
}

/// Reads a JSON value without members of one name, and counts the values in it.
#[derive(Clone, Copy)]
struct Strict<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.set(self.0.get() + 1);
        match self.0.get() > MOST {
            true => Err(D::Error::custom(format!("it has more than {MOST} values"))),
            false => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(self)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("{key:?} is there twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json as value;

    use super::*;

    #[test]
    fn members_are_there_once() {
        assert_eq!(
            json("{\"a\": [1, -2, 1.5, null, true]}").unwrap()["a"][1],
            -2
        );
        for text in [
            "{\"a\":1,\"a\":1}",
            "[{\"b\":{\"a\":1,\"a\":1}}]",
            "{",
            "1 2",
        ] {
            assert!(json(text).is_err(), "{text}");
        }
        assert!(json(&"[".repeat(1 << 20)).is_err());
        assert!(yaml("a: 1\na: 2\n").unwrap_err().contains("twice"));
    }

    #[test]
    fn yaml_is_values() {
        let text = "a: [1, '1', 1.0, yes, ~]\nb:\n  - c: |\n      x\n      y\n---\nd: {e: true}\n";
        let read = yaml(text).unwrap();
        assert_eq!(
            read,
            [
                value!({"a": [1, "1", "1.0", "yes", null], "b": [{"c": "x\ny\n"}]}),
                value!({"d": {"e": true}})
            ]
        );
    }

    #[test]
    fn nothing_stands_for_more_than_it_is() {
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        let deep = "[".repeat(100_000);
        let dashes = "- ".repeat(10_000);
        for (text, why) in [
            (bomb, "alias"),
            ("a: *nowhere\n", ""),
            ("<<: {a: 1}\n", "plain text"),
            ("? [a]\n: b\n", "plain text"),
            ("a: !!python/object x\n", "tag"),
            ("a: !run x\n", "tag"),
            (deep.as_str(), ""),
            (dashes.as_str(), "deep"),
            ("a: [1", ""),
        ] {
            let said = yaml(text).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
