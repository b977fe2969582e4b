//! Arguments, variables and headers of an entry.

use serde_json::Value;

use super::server::{Argument, read};
use crate::entry::{Input, Offer, Part, Refusal, Secret, Text, Variable};
use crate::rules;

/// What is said to the runner. Sandgate runs packages itself, so that only what changes nothing can be left out.
pub(crate) fn runtime_argument(
    argument: &Argument,
    is_image: bool,
    offer: &mut Offer,
) -> Result<(), Refusal> {
    let value = argument.value.as_deref().or(argument.default.as_deref());
    let (name, value) = match argument.name.as_deref() {
        Some(name) => (name, value),
        None => (value.unwrap_or_default(), None),
    };
    let empty: &[&str] = match is_image {
        true => &["run", "-i", "--interactive", "--rm", "--init"],
        false => &["-y", "--yes", "-q", "--quiet"],
    };
    if empty.contains(&name) && value.is_none_or(str::is_empty) {
        return Ok(());
    }
    let set = value.and_then(|value| value.split_once('='));
    if let (true, "-e" | "--env", Some((variable, text))) = (is_image, name, set) {
        let argument = Argument {
            name: Some(variable.to_owned()),
            value: Some(text.to_owned()),
            ..argument.clone()
        };
        return put_variable(&argument, offer);
    }
    Err(Refusal::of(format!(
        "it says {} to what runs it, which may give it more than it declares",
        rules::shown(&format!("{name} {}", value.unwrap_or_default()))
    )))
}

pub(crate) fn package_argument(argument: &Argument, offer: &mut Offer) -> Result<(), Refusal> {
    let is_named = match argument.kind.as_deref() {
        Some("named") => true,
        Some("positional") => false,
        None => argument.name.is_some(),
        Some(other) => {
            return Err(Refusal::of(format!(
                "an argument of the kind {}",
                rules::shown(other)
            )));
        }
    };
    let name = argument.name.as_deref().filter(|_| is_named);
    if let Some(name) = name {
        let body = name.trim_start_matches('-');
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if body.is_empty() || !body.chars().all(fits) || name.starts_with("---") {
            return Err(Refusal::of(format!(
                "the argument {} is no option",
                rules::shown(name)
            )));
        }
    }
    let hint = argument
        .value_hint
        .as_deref()
        .or(name)
        .unwrap_or("argument");
    let text = value(argument, hint, offer)?;
    // What is neither required nor has a value is left out.
    let is_flag = is_named && argument.value.is_none() && argument.default.is_none();
    match (name, text) {
        (Some(name), None) if is_flag && argument.is_required => {
            offer.args.push(Text::plain(name));
        }
        (name, Some(text)) => {
            if let Some(Part::Plain(first)) = text.0.first() {
                rules::argument_value(hint, first)?;
            }
            offer.args.extend(name.map(Text::plain));
            offer.args.push(text);
        }
        (name, None) => {
            let what = rules::shown(name.unwrap_or(hint));
            let description = argument.description.as_deref().unwrap_or_default();
            let note = format!(
                "args: {what} may be given: {}",
                rules::description(description)
            );
            offer.notes.push(note);
        }
    }
    Ok(())
}

pub(crate) fn put_variable(argument: &Argument, offer: &mut Offer) -> Result<(), Refusal> {
    let name = argument.name.clone().unwrap_or_default();
    let description = rules::description(argument.description.as_deref().unwrap_or_default());
    let text = value(argument, &name, offer)?;
    let fixed = argument.value.as_deref().or(argument.default.as_deref());
    let fixed = fixed.filter(|text| !text.contains('{'));
    let is_secret = argument.is_secret
        || text.as_ref().is_some_and(|text| offer.is_secret(text))
        || sandgate_import::is_secret(&name, fixed);
    if is_secret {
        let form = text.filter(|text| matches!(text.0.as_slice(), [_, _, ..]));
        offer.secrets.push(Secret {
            description: match form {
                Some(form) => rules::whole(&description, &form.to_string()),
                None => description,
            },
            name,
            inject: None,
        });
    } else {
        offer.variables.push(Variable {
            name,
            value: text,
            description,
        });
    }
    Ok(())
}

/// The text of an argument or variable; `None`: it needs none.
pub(crate) fn value(
    argument: &Argument,
    name: &str,
    offer: &mut Offer,
) -> Result<Option<Text>, Refusal> {
    if let Some(value) = &argument.value {
        let variables = argument.variables.clone().unwrap_or_default();
        let text = rules::text(value, "{", "}", |name| {
            variables.contains_key(name).then(|| name.to_owned())
        })?;
        ask(variables, offer)?;
        return Ok(Some(text));
    }
    if !argument.is_required && argument.default.is_none() {
        return Ok(None);
    }
    offer.ask(input(name, argument.clone()));
    Ok(Some(Text::input(name)))
}

pub(crate) fn ask(
    variables: serde_json::Map<String, Value>,
    offer: &mut Offer,
) -> Result<(), Refusal> {
    rules::within("variables", variables.len())?;
    for (name, value) in variables {
        let argument: Argument = read(value)?;
        offer.ask(input(&name, argument));
    }
    Ok(())
}

fn input(name: &str, argument: Argument) -> Input {
    Input {
        name: name.to_owned(),
        description: rules::description(&argument.description.unwrap_or_default()),
        default: argument.value.or(argument.default),
        choices: argument.choices.unwrap_or_default(),
        is_secret: argument.is_secret,
        is_optional: false,
    }
}

/// A list of an entry, if it is not endless.
pub(crate) fn listed(what: &str, list: Option<Vec<Argument>>) -> Result<Vec<Argument>, Refusal> {
    let list = list.unwrap_or_default();
    rules::within(what, list.len())?;
    Ok(list)
}
