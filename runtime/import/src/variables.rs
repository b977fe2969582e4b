//! The variables that the configuration fetches: one for each secret, shared if the same secret is meant.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The variables by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<String, Wanted>);

#[derive(Clone, Debug)]
struct Wanted {
    /// A hash that identifies the value. Never the secret itself.
    origin: u64,
    /// What to set the variable to.
    what: String,
}

impl Variables {
    /// Claims a name for the value that `origin` identifies: the preferred name, unless it stands for something else.
    pub(super) fn claim(
        &mut self,
        preferred: &str,
        fallback: &str,
        origin: &str,
        what: String,
    ) -> String {
        let mut hasher = DefaultHasher::new();
        origin.hash(&mut hasher);
        let origin = hasher.finish();
        let numbered = (2..).map(|number| format!("{fallback}_{number}"));
        let names = [preferred.to_owned(), fallback.to_owned()];
        for name in names.into_iter().chain(numbered) {
            match self.0.get(&name) {
                Some(taken) if taken.origin != origin => {}
                Some(_) => return name,
                None => {
                    self.0.insert(name.clone(), Wanted { origin, what });
                    return name;
                }
            }
        }
        preferred.to_owned()
    }

    /// Each name, and what to set it to.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, wanted)| (name.as_str(), wanted.what.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_has_one_name_and_two_have_two() {
        let mut variables = Variables::default();
        let mut claim = |fallback: &str, origin: &str| {
            variables.claim("API_KEY", fallback, origin, String::new())
        };
        assert_eq!(claim("A_API_KEY", "one"), "API_KEY");
        assert_eq!(claim("B_API_KEY", "one"), "API_KEY");
        assert_eq!(claim("C_API_KEY", "two"), "C_API_KEY");
        assert_eq!(claim("C_API_KEY", "three"), "C_API_KEY_2");
        assert!(!format!("{variables:?}").contains("three"));
    }
}
