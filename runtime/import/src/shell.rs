//! Writes a command line for `sh`, for arguments that need a variable: the configuration fetches values for a server's
//! environment, not for its arguments.

/// A quoted word of the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Word(String);

impl Word {
    /// Appends text literally, quoted if needed.
    pub(super) fn text(mut self, text: &str) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
        match !text.is_empty() && text.chars().all(plain) {
            true => self.0.push_str(text),
            false => {
                self.0.push('\'');
                self.0.push_str(&text.replace('\'', "'\\''"));
                self.0.push('\'');
            }
        }
        self
    }

    /// Appends a variable's value, without splitting it.
    pub(super) fn variable(mut self, name: &str) -> Self {
        self.0.push_str("\"$");
        self.0.push_str(name);
        self.0.push('"');
        self
    }
}

/// The script. It uses `exec`, so that the program replaces the shell.
pub(super) fn script(words: &[Word]) -> String {
    let words: Vec<&str> = words.iter().map(|word| word.0.as_str()).collect();
    format!("exec {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_shell_sees_the_very_words() {
        let words = [
            Word::default().text("printf"),
            Word::default().text("%s|"),
            Word::default().text("it's $HOME; `x` \"y\"\n"),
            Word::default().text("").text(""),
            Word::default().text("--key=").variable("KEY"),
        ];
        let output = std::process::Command::new("sh")
            .args(["-c", &script(&words)])
            .env("KEY", "a b'c\"$d")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "it's $HOME; `x` \"y\"\n||--key=a b'c\"$d|"
        );
    }
}
