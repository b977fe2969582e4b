//! The content of a command line's argument: the text itself, `@FILE`, or `-` for stdin.

use std::io::Read as _;
use std::path::Path;

use crate::Files;

/// The largest content that is read from a file or stdin, in bytes.
const LARGEST: u64 = 16 << 20;

/// The argument's content.
///
/// # Errors
///
/// The file or stdin cannot be read. The text says why.
pub fn argument_content(argument: &str) -> Result<Vec<u8>, String> {
    if argument == "-" {
        let mut bytes = Vec::new();
        let mut stdin = std::io::stdin().lock().take(LARGEST);
        stdin
            .read_to_end(&mut bytes)
            .map_err(|error| format!("stdin cannot be read: {error}"))?;
        return Ok(bytes);
    }
    match argument.strip_prefix('@') {
        Some(path) => Files::in_folder(Path::new(""))
            .read(Path::new(path), LARGEST)
            .map_err(|error| error.to_string()),
        None => Ok(argument.as_bytes().to_owned()),
    }
}
