//! Fails in the way that the call asks for, and repeats the call in what it says of it.

use sandgate_sdk::{
    Context, Document, Error, Interceptor, Issues, NoSettings, PreDecision, export,
};

struct Fails;

impl Interceptor for Fails {
    type Settings = NoSettings;

    fn configure(_: NoSettings) -> Result<Self, Issues> {
        Ok(Self)
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        let how = params.get("/arguments/how").unwrap_or_default();
        fail(how.trim_matches('"'), params.json())?;
        Ok(PreDecision::Proceed)
    }
}

fn fail(how: &str, text: String) -> Result<(), Error> {
    match how {
        "error" => return Err(Error::new(text)),
        "parse" => drop(text.parse::<u8>()?),
        "panic" => panic!("{text}"),
        "expect" => drop(Err::<(), _>(text).expect("a result")),
        "index" => drop(text.as_bytes()[text.len()]),
        "recursion" => drop(deeper(text.len())),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        _ => {}
    }
    Ok(())
}

#[allow(unconditional_recursion)]
#[inline(never)]
fn deeper(n: usize) -> usize {
    let here = std::hint::black_box([n; 16]);
    deeper(here[3] + 1) + here[5]
}

export!(Fails: pre_call);
