//! What a sentence says to a model. Each rule looks for a pattern of classes, never for a phrase.

use super::lexicon::{
    ACT, AI, ALSO, AS, BEHAVIOUR, CONSENT, CONTAIN, CONTENT, CONTEXT, Classes, DECODE, EFFECT,
    ENVIRONMENT, EXAMPLE, FIRST, FULL, FUNDS, HIDDEN, IGNORE, KEEP, KEY, KEYED, MUST, NOT, NOTE,
    NOW, OTHER, OTHERWISE, PARAMETER, PASS, PLEASE, PREFER, PRIOR, PRIVILEGE, READ, REASON,
    REASONS, RECIPIENT, REDIRECT, RULES, SECRET, SECRETLY, SEND, SHELL, SHOW, STEP, TELL, TOOL,
    USE, USER, WHEN, WORKS, YOU,
};
use super::sentence::{Sentence, Shape};
use super::{Sign, Signs};

/// Classes of which every sign needs one, unless it needs an address, a path or a number.
const TELLING: Classes = ACT
    | AI
    | CONSENT
    | CONTEXT
    | DECODE
    | ENVIRONMENT
    | FIRST
    | FUNDS
    | HIDDEN
    | IGNORE
    | KEYED
    | NOW
    | OTHERWISE
    | PARAMETER
    | PLEASE
    | PRIVILEGE
    | REASONS
    | RULES
    | SECRET
    | SECRETLY
    | SEND
    | SHELL
    | SHOW
    | TELL
    | TOOL;

/// Adds the signs of one sentence.
pub(super) fn apply(sentence: &Sentence<'_>, signs: &mut Signs) {
    // Most sentences have none of these.
    if !sentence.mentions(TELLING) && !sentence.has_data() {
        return;
    }
    concealment(sentence, signs);
    overriding(sentence, signs);
    theft(sentence, signs);
    exfiltration(sentence, signs);
    shadowing(sentence, signs);
    precondition(sentence, signs);
    request(sentence, signs);
    persona(sentence, signs);
    pressure(sentence, signs);
    addressed(sentence, signs);
    execution(sentence, signs);
    if sentence.has(DECODE) && sentence.has_shape(Shape::Blob) {
        signs.add(Sign::Encoded, 0.8);
    }
}

fn concealment(sentence: &Sentence<'_>, signs: &mut Signs) {
    if sentence.has_all(NOT | TELL) && sentence.follows(NOT, TELL, 5) {
        let weight = match (sentence.has(USER), sentence.has(STEP)) {
            (true, _) => 0.9,
            (false, true) => 0.6,
            (false, false) => 0.3,
        };
        signs.add(Sign::Concealment, weight);
    } else if sentence.has_all(NOT | SHOW | USER) && sentence.follows(NOT, SHOW, 3) {
        signs.add(Sign::Concealment, 0.35);
    }
    if sentence.has(SECRETLY) && !sentence.follows(NOT, SECRETLY, 3) {
        let does = sentence.follows(SECRETLY, READ | SEND | PASS | EFFECT, 1);
        signs.add(Sign::Concealment, if does { 0.6 } else { 0.2 });
    }
    let is_kept = sentence.follows(KEEP, HIDDEN, 4) && (sentence.has(USER) || sentence.has(STEP));
    let is_secret = sentence.follows(HIDDEN, STEP, 1) && sentence.follows(STEP, HIDDEN, 4);
    if is_kept && sentence.has(USER) || is_secret {
        signs.add(Sign::Concealment, 0.5);
    }
}

fn overriding(sentence: &Sentence<'_>, signs: &mut Signs) {
    if !sentence.has_all(IGNORE | RULES) || !sentence.follows(IGNORE, RULES, 7) {
        return;
    }
    let weight = match (
        sentence.follows(IGNORE, PRIOR, 4),
        sentence.follows(IGNORE, OTHER, 3),
    ) {
        (true, _) => 0.9,
        (false, true) => 0.8,
        (false, false) => 0.35,
    };
    signs.add(Sign::Override, weight);
}

/// Whether the sentence names something secret.
fn is_about_secrets(sentence: &Sentence<'_>) -> bool {
    sentence.has(SECRET) || sentence.has_all(KEY | KEYED) && sentence.follows(KEYED, KEY, 2)
}

/// Whether the sentence is addressed to the reader: it says what must be done, and when.
fn is_addressed(sentence: &Sentence<'_>) -> bool {
    sentence.has(MUST | PLEASE | ALSO) || sentence.has(WHEN) && sentence.has(USE | TOOL | YOU)
}

fn theft(sentence: &Sentence<'_>, signs: &mut Signs) {
    let takes = sentence.has(READ);
    let gives = sentence.has(PASS | SEND);
    let is_addressed = is_addressed(sentence) && !sentence.has(EXAMPLE);
    if sentence.has_shape(Shape::SecretPath) {
        let weight = match (takes, gives, is_addressed) {
            (true, true, _) => 0.9,
            (true, false, true) | (false, true, true) => 0.8,
            (true, false, false) | (false, true, false) => 0.4,
            _ => 0.2,
        };
        signs.add(Sign::Theft, weight);
        return;
    }
    if takes && gives && sentence.has_shape(Shape::Path) && is_addressed {
        signs.add(Sign::Theft, 0.8);
    }
    let names_secret = |shape| {
        sentence
            .tokens
            .iter()
            .any(|token| token.shape == shape && token.classes & SECRET != 0)
    };
    if gives && names_secret(Shape::Identifier) && !sentence.has(EXAMPLE) {
        signs.add(Sign::Theft, 0.45);
    }
    if is_about_secrets(sentence) {
        let weight = match (takes, gives, is_addressed, sentence.has(FIRST)) {
            (true, true, true, _) | (true, _, _, true) | (_, true, _, true) => 0.7,
            (true, true, false, _) => 0.3,
            (_, true, true, _) if sentence.has(YOU) || sentence.has(CONTEXT) => 0.5,
            _ => 0.0,
        };
        signs.add(Sign::Theft, weight);
    }
    // The content of a file goes into a parameter that is there for it.
    if takes && gives && sentence.has_all(CONTENT | AS) && sentence.has(PARAMETER) && is_addressed {
        signs.add(Sign::Theft, 0.4);
    }
    let is_collected =
        sentence.follows(FULL, CONTEXT, 4) || sentence.has(ENVIRONMENT) && sentence.has(FULL);
    let contains = sentence.has_all(MUST | CONTAIN) && sentence.has(PARAMETER);
    if is_collected && (gives || takes || contains) {
        let weight = if is_addressed { 0.7 } else { 0.35 };
        signs.add(Sign::Collection, weight);
    }
    if sentence.follows(YOU, PRIOR, 1)
        && sentence.follows(PRIOR, RULES, 1)
        && !sentence.has(EXAMPLE)
    {
        let is_told = sentence.has(SHOW | TELL | READ | SEND | PASS);
        signs.add(Sign::Collection, if is_told { 0.7 } else { 0.2 });
    } else if sentence.follows(TELL, PRIOR, 3)
        && sentence.follows(PRIOR, RULES, 1)
        && !sentence.has(NOT)
    {
        signs.add(Sign::Collection, 0.5);
    }
}

fn exfiltration(sentence: &Sentence<'_>, signs: &mut Signs) {
    if sentence.has(EXAMPLE) || !sentence.has(SEND | RECIPIENT | FUNDS | SECRETLY) {
        return;
    }
    let has_email = sentence.has_shape(Shape::Email);
    let has_url = sentence.has_shape(Shape::Url);
    let is_always =
        sentence.has(MUST | OTHER | FIRST | PLEASE | ALSO) || is_about_secrets(sentence);
    if sentence.has(SEND) && has_email {
        signs.add(Sign::Exfiltration, if is_always { 0.9 } else { 0.6 });
    } else if sentence.has(SEND) && has_url && sentence.has(CONTENT | CONTEXT | SECRET) {
        signs.add(Sign::Exfiltration, if is_always { 0.8 } else { 0.5 });
    } else if has_email && sentence.has(RECIPIENT) && is_always {
        signs.add(Sign::Exfiltration, 0.6);
    }
    // Somebody is let in unasked.
    if has_email && sentence.has(SECRETLY) && sentence.has(EFFECT | PASS) {
        signs.add(Sign::Exfiltration, 0.6);
    }
    // Money goes to an account that the text names; or what goes to somebody goes to somebody else.
    if sentence.has(FUNDS) && sentence.has(SEND | EFFECT) && sentence.has_shape(Shape::Literal) {
        signs.add(Sign::Exfiltration, 0.6);
    }
    if sentence.follows(REDIRECT, RECIPIENT, 3)
        && (has_email || has_url || sentence.has_shape(Shape::Literal))
    {
        signs.add(Sign::Exfiltration, 0.6);
    }
    let copies = sentence.has(MUST | ALSO)
        && sentence.all & SEND != 0
        && sentence
            .tokens
            .iter()
            .any(|token| is_copying(sentence, token.start, token.end));
    if copies {
        signs.add(Sign::Exfiltration, 0.5);
    }
}

fn is_copying(sentence: &Sentence<'_>, start: u32, end: u32) -> bool {
    let word = sentence
        .text
        .get(start as usize..end as usize)
        .unwrap_or_default();
    word.eq_ignore_ascii_case("bcc")
}

fn shadowing(sentence: &Sentence<'_>, signs: &mut Signs) {
    let names_tool = sentence.has_shape(Shape::Identifier) && sentence.has(TOOL);
    let is_when = sentence.has(WHEN) && sentence.has(USE);
    if sentence.has(TOOL) && sentence.follows(OTHER, TOOL, 2) {
        let weight = match (sentence.has(MUST), is_when || sentence.has(BEHAVIOUR)) {
            (true, true) => 0.6,
            (true, false) | (false, true) => 0.3,
            (false, false) => 0.1,
        };
        signs.add(Sign::Shadowing, weight);
    }
    if names_tool
        && is_when
        && sentence.has(MUST | BEHAVIOUR)
        && sentence.has(SEND | RECIPIENT | EFFECT)
    {
        signs.add(Sign::Shadowing, 0.3);
    }
    if names_tool && sentence.has_all(BEHAVIOUR | RECIPIENT) {
        signs.add(Sign::Shadowing, 0.5);
    }
    if sentence.has_all(PREFER | TOOL | MUST) && sentence.follows(OTHER, TOOL, 2) {
        signs.add(Sign::Preference, 0.4);
    }
}

fn precondition(sentence: &Sentence<'_>, signs: &mut Signs) {
    if sentence.has_all(WHEN | USE) && sentence.follows(WHEN, USE, 5) && sentence.has(TOOL) {
        let acts = sentence.has(READ | SEND | PASS | EFFECT);
        let weight = match (acts, sentence.has(MUST | PLEASE | FIRST)) {
            (true, true) => 0.4,
            (true, false) => 0.2,
            _ => 0.1,
        };
        signs.add(Sign::Precondition, weight);
    }
}

fn request(sentence: &Sentence<'_>, signs: &mut Signs) {
    let is_first = sentence.has(FIRST) && !sentence.has(EXAMPLE);
    if !is_first && !sentence.has(PLEASE) {
        return;
    }
    let asks = sentence.tokens.windows(2).any(|two| match two {
        [please, verb] => {
            please.classes & PLEASE != 0 && !please.is_quoted && verb.classes & NOTE == 0
        }
        _ => false,
    });
    let acts = sentence.has(EFFECT | SEND | READ | PASS);
    let weight = match (is_first, asks) {
        (true, true) => 0.9,
        (true, false) if acts && sentence.tokens.len() > 5 => 0.5,
        (true, false) => 0.25,
        (false, true) if acts => 0.5,
        (false, true) => 0.3,
        (false, false) => 0.0,
    };
    signs.add(Sign::Request, weight);
}

fn persona(sentence: &Sentence<'_>, signs: &mut Signs) {
    let acts_as = sentence.all & ACT != 0
        && sentence.tokens.windows(2).any(|two| match two {
            [act, as_] => act.classes & ACT != 0 && as_.classes & AS != 0,
            _ => false,
        });
    if acts_as {
        let is_loud = sentence
            .tokens
            .iter()
            .any(|token| token.classes & ACT != 0 && token.is_loud);
        signs.add(Sign::Persona, if is_loud { 0.7 } else { 0.3 });
    }
    if sentence.follows(YOU, NOW, 2) && sentence.tokens.len() > 3 {
        signs.add(Sign::Persona, 0.5);
    }
    if sentence.has_all(NOT | RULES)
        && sentence.follows(NOT, RULES, 2)
        && sentence.has(PRIVILEGE | OTHER | EFFECT)
    {
        signs.add(Sign::Persona, 0.3);
    }
    if sentence.follows(RULES, NOT, 2)
        && sentence.has(PRIOR | RULES)
        && sentence.has(YOU | NOW | WORKS)
    {
        signs.add(Sign::Persona, 0.2);
    }
    if sentence.has(PRIVILEGE) && sentence.has(YOU) && sentence.has(OTHER) {
        signs.add(Sign::Persona, 0.4);
    }
}

fn pressure(sentence: &Sentence<'_>, signs: &mut Signs) {
    let threatens: Classes = OTHERWISE | NOT | WORKS;
    if sentence.has_all(threatens) && sentence.follows(OTHERWISE, WORKS, 8) {
        signs.add(Sign::Pressure, 0.35);
    }
    if sentence.follows(USER, CONSENT, 4) && sentence.text.contains("already") {
        signs.add(Sign::Pressure, 0.35);
    }
    if sentence.has(REASONS) && (sentence.has(MUST) || sentence.has(REASON)) {
        signs.add(Sign::Pressure, 0.3);
    }
}

/// The model is spoken to by its name: `the assistant should`, `note for AI agents:`.
fn addressed(sentence: &Sentence<'_>, signs: &mut Signs) {
    let is_told =
        sentence.follows(AI, MUST, 2) && sentence.has(READ | SEND | PASS | EFFECT | SHOW | TELL);
    let is_called = sentence.all & AI != 0
        && sentence.tokens.windows(2).any(|two| match two {
            [before, name] => {
                let colon = sentence.text.as_bytes().get(name.end as usize);
                name.classes & AI != 0 && before.classes & SHOW == 0 && colon == Some(&b':')
            }
            _ => false,
        });
    if is_told || is_called && sentence.tokens.len() > 5 {
        signs.add(Sign::Addressed, 0.4);
    }
}

/// A program is to be fetched and run, or files are to be laid open.
fn execution(sentence: &Sentence<'_>, signs: &mut Signs) {
    if sentence.all & SHELL == 0 {
        return;
    }
    let has_pipe = sentence.text.contains('|')
        && [
            "| sh", "|sh", "| bash", "|bash", "| zsh", "| python", "| iex",
        ]
        .iter()
        .any(|end| sentence.text.contains(end));
    let fetches = ["curl ", "wget ", "iwr ", "Invoke-WebRequest"]
        .iter()
        .any(|start| sentence.text.contains(start));
    if has_pipe && fetches {
        signs.add(Sign::Execution, 0.8);
    } else if sentence.text.contains("chmod ") && sentence.text.contains("~")
        || sentence.text.contains("chmod 777")
        || sentence.text.contains("rm -rf /")
    {
        signs.add(Sign::Execution, 0.5);
    }
}

/// Whether a verb of an action begins the sentence or a clause, or follows `must`.
pub(super) fn commands(sentence: &Sentence<'_>) -> bool {
    const ACTS: Classes = EFFECT | SEND | READ | PASS | IGNORE;
    let mut may_begin = true;
    sentence.tokens.iter().any(|token| {
        if token.classes & (AS | OTHER) != 0 && token.classes & ACTS == 0 {
            // `required to delete`
            return false;
        }
        let begins = may_begin && token.classes & ACTS != 0;
        let behind = sentence.text.as_bytes().get(token.end as usize).copied();
        // An adverb between does not hide the verb.
        may_begin = matches!(behind, Some(b',' | b':' | b'-'))
            || token.classes & (MUST | PLEASE | ALSO | SECRETLY) != 0;
        begins
    })
}
