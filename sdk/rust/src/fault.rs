//! What the gateway is told of a malfunction: an error that a hook returned, or a panic.

use std::panic::Location;

use crate::interceptor::Error;

pub(crate) use crate::bindings::contract::decision::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (kind, place, detail) = error.into_parts();
        Self {
            kind: kind.into(),
            frames: vec![frame(place)],
            detail,
        }
    }
}

/// `src/lib.rs:12`: the path begins where the package does.
fn frame(place: &Location<'_>) -> String {
    let file = place.file();
    let file = file.rfind("/src/").map_or(file, |at| &file[at + 1..]);
    format!("{file}:{}", place.line())
}

/// From here on a panic, which ends the run in a trap, leaves its place and its text with the gateway first. The snapshot
/// that is taken after `configure` keeps that.
#[cfg(target_family = "wasm")]
pub(crate) fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        crate::bindings::contract::report::last_words(&Fault {
            kind: "panic".into(),
            frames: panic.location().map(frame).into_iter().collect(),
            detail: panic.payload_as_str().unwrap_or_default().into(),
        });
    }));
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn tell_of_panics() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Result<u8, Error> {
        Ok("x".parse::<u8>()?)
    }

    #[test]
    fn an_error_is_told_with_its_type_and_the_line_that_gave_it_up() {
        let line = line!() - 5;
        let fault = fails().map_err(Fault::from).err();
        assert_eq!(
            fault.map(|fault| (fault.kind, fault.frames, fault.detail)),
            Some((
                "core::num::error::ParseIntError".into(),
                vec![format!("src/fault.rs:{line}")],
                "invalid digit found in string".into(),
            ))
        );
    }

    #[test]
    fn an_error_made_of_a_text_is_told_with_the_line_that_made_it() {
        let (line, error) = (line!(), Error::new("so it is"));
        assert_eq!(Fault::from(error).frames, [format!("src/fault.rs:{line}")]);
    }
}
