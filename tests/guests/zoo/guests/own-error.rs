//! Reports an error of its own, with what it was given in the text.

sandgate_zoo::misbehaves!(|_, params| Err(sandgate_sdk::Error::new(format!(
    "I cannot read {}",
    params.json()
))));
