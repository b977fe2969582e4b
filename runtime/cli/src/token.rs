//! `sandgate token`: makes a token for a client, and its hash for the configuration.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Args;
use sandgate_config::TokenHash;
use sha2::{Digest, Sha256};

use crate::terminal::print;

/// `sandgate token`.
#[derive(Clone, Debug, Args)]
pub struct Token {
    /// The client's name
    #[arg(value_name = "NAME", default_value = "NAME")]
    pub client: String,
}

/// Makes a token, and prints it.
pub fn carry_out(asked: &Token) -> ExitCode {
    print(&NewToken::random().text(&asked.client));
    ExitCode::SUCCESS
}

/// A random token. It is printed once and kept nowhere.
pub struct NewToken(String);

impl NewToken {
    /// A token of 256 random bits. It does not look like a hash, so that a token in the place of its hash is noticed.
    pub fn random() -> Self {
        let random: [u8; 32] = rand::random();
        Self(format!("sg_{}", TokenHash(random).hex()))
    }

    /// The hash, by which the configuration knows the token.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }

    /// The header by which a client shows it.
    pub fn header(&self) -> String {
        format!("Authorization: Bearer {}", self.0)
    }

    /// The text for people: the token for the client, and the lines for the configuration.
    pub fn text(&self, client: &str) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "# The client sends: Authorization: Bearer {}", self.0);
        let _ = writeln!(
            text,
            "# It is printed this once and kept nowhere; the configuration gets its hash:"
        );
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = match client.chars().all(bare) {
            true => client.to_owned(),
            false => format!("{client:?}"),
        };
        let _ = writeln!(
            text,
            "\n[clients.{name}]\ntoken-sha256 = \"{}\"",
            self.hash().hex()
        );
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use sandgate_config::Loaded;

    #[test]
    fn what_is_printed_is_a_configuration_that_knows_the_token_and_not_the_token() {
        let token = NewToken::random();
        assert_ne!(token.0, NewToken::random().0);
        let text = token.text("ada@example.com");
        let loaded = Loaded::parse(Path::new("x.toml"), text.clone()).unwrap();
        let hash = loaded.config.clients["ada@example.com"]
            .token_sha256
            .unwrap();
        let sent = text
            .split("Bearer ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap();
        assert_eq!(hash.0, <[u8; 32]>::from(Sha256::digest(sent)));
        // The token in place of its hash is an error.
        let wrong = text.replace(&hash.hex(), sent);
        let report = Loaded::parse(Path::new("x.toml"), wrong).unwrap_err();
        assert!(report.has_errors());
    }
}
