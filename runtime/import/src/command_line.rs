//! A server's command line: as it is, or through `sh` if a part of it comes from the environment.

use crate::entry::{Reader, Worth};
use crate::name::variable;
use crate::secret::{Part, looks_secret, named_secret, parts};
use crate::shell::{Word, script};

impl Reader<'_> {
    /// Takes the command line over as it is. If a word holds a secret or a variable, the line runs through `sh`, which
    /// gets the value from the environment.
    pub(super) fn command_line(&mut self, command: String, args: Vec<String>) {
        let mut by_shell = false;
        let mut words = Vec::new();
        let all = std::iter::once(&command).chain(&args);
        let mut before = "";
        for word in all {
            words.push(self.word(before, word, &mut by_shell));
            before = word;
        }
        if [&command]
            .into_iter()
            .chain(&args)
            .any(|word| word.starts_with("~/"))
        {
            self.note("`~` is not expanded: write the folder");
        }
        if command.contains('/') && !command.starts_with(['/', '~', '$']) {
            self.note("`command` is a path relative to the folder of this file, and no longer to the client's");
        }
        if by_shell {
            self.note("started by way of `sh`, so that the arguments' secrets and variables come from the environment");
            self.made.command = Some("sh".into());
            self.made.args = vec!["-c".into(), script(&words)];
        } else {
            self.made.command = Some(command);
            self.made.args = args;
        }
    }

    /// Takes a word over. `before` is the word before it, which may be the flag that it belongs to.
    fn word(&mut self, before: &str, word: &str, by_shell: &mut bool) -> Word {
        let pieces = parts(word);
        if let [Part::Text(text)] = pieces.as_slice() {
            // `--key=VALUE`, `KEY=VALUE` and `Authorization: VALUE` hold more than the secret.
            let split = text.find(['=', ':']).filter(|_| !text.contains("://"));
            let (head, value) = match split {
                Some(at) => {
                    let end = text[at + 1..].find(|c: char| c != ' ').unwrap_or(0) + at + 1;
                    text.split_at(end)
                }
                None => ("", text.as_str()),
            };
            let flag = match head {
                // `--flag=VALUE` has its own value, so the next word is not the flag's value.
                "" if is_flag(before) && !text.starts_with('-') => before.trim_start_matches('-'),
                "" => "",
                head => head
                    .trim_start_matches('-')
                    .trim_end_matches(['=', ':', ' ']),
            };
            let secret = looks_secret(value) || (!flag.is_empty() && named_secret(flag, value));
            if !secret || value.is_empty() {
                return Word::default().text(text);
            }
            *by_shell = true;
            let own = match flag {
                "" => variable(&[&self.made.name, "secret"]),
                flag => variable(&[&self.made.name, flag]),
            };
            let what = format!("what `args` of {} has in its place", self.here());
            let name = self
                .variables
                .claim(&own, &own, &format!("value:{value}"), what);
            let name = self.in_env(name);
            let word = match head {
                "" => Word::default(),
                head => Word::default().text(head),
            };
            return word.variable(&name);
        }
        let mut made = Word::default();
        for piece in pieces {
            made = match piece {
                Part::Text(text) => made.text(&text),
                Part::Place(place) => {
                    self.note(&format!("`${{{place}}}` in the command line is known to the client only: write what it stands for"));
                    made.text(&format!("${{{place}}}"))
                }
                Part::File(path) => {
                    self.note(&format!("`${{file:{path}}}` in the command line is not read: give it in `env`, with from-file"));
                    made.text(&format!("${{file:{path}}}"))
                }
                reference @ (Part::Variable { .. } | Part::Input(_)) => {
                    *by_shell = true;
                    let name = self.referred(&reference, "args");
                    let name = self.in_env(name);
                    made.variable(&name)
                }
            };
        }
        made
    }

    /// Adds the variable to the server's environment, and returns the name that it has there.
    fn in_env(&mut self, name: String) -> String {
        let worth = Worth::Env(name.clone());
        match self.made.env.iter().find(|(key, _)| *key == name) {
            Some((_, there)) if *there == worth => name,
            Some(_) => {
                let other = variable(&["ARGUMENT", &name]);
                self.made.env.push((other.clone(), worth));
                other
            }
            None => {
                self.made.env.push((name.clone(), worth));
                name
            }
        }
    }
}

/// Whether the word is a flag whose value, if it has one, is the next word.
fn is_flag(word: &str) -> bool {
    word.starts_with('-') && !word.contains(['=', ':'])
}
