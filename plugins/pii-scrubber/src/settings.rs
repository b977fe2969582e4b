//! The settings.

use std::collections::BTreeMap;

use sandgate_detect::{Entities, Entity};
use sandgate_sdk::Issues;

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    pub(crate) entities: Vec<Entity>,
    pub(crate) action: Action,
    pub(crate) key: Option<String>,
    pub(crate) mark_key: Option<String>,
    pub(crate) private_addresses: bool,
    pub(crate) reveal: BTreeMap<Entity, usize>,
    pub(crate) allow: Vec<String>,
    pub(crate) returned: Returned,
}

/// What happens to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Mask,
    Hash,
    Tokenise,
}

/// What happens to a call whose arguments contain a mask of this policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Returned {
    Refuse,
    Pass,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            entities: Entity::ALL.into(),
            action: Action::Mask,
            key: None,
            mark_key: None,
            private_addresses: false,
            reveal: BTreeMap::new(),
            allow: Vec::new(),
            returned: Returned::Refuse,
        }
    }
}

impl Settings {
    /// The kinds that are searched for. The error lists everything that is wrong.
    pub(crate) fn checked(&self) -> Result<Entities, Issues> {
        let mut issues = Issues::new();
        if self.entities.is_empty() {
            issues.add(
                "/entities",
                "empty: nothing would be looked for; leave it out for everything",
            );
        }
        match (&self.key, self.action) {
            (None, Action::Hash) => issues.add(
                "/key",
                "missing: action \"hash\" needs a secret of at least 16 characters",
            ),
            (Some(key), _) if key.chars().count() < 16 => {
                issues.add("/key", "too short: at least 16 characters")
            }
            _ => {}
        }
        if self
            .mark_key
            .as_ref()
            .is_some_and(|key| key.chars().count() < 16)
        {
            issues.add("/mark-key", "too short: at least 16 characters");
        }
        for (entity, count) in &self.reveal {
            let pointer = format!("/reveal/{}", entity.name());
            if *count > 4 {
                issues.add(
                    &pointer,
                    format!("{count} is too many: at most 4 characters are shown"),
                );
            }
            if *count > 0 && self.action != Action::Mask {
                issues.add(
                    &pointer,
                    "only a mask shows a part; set action = \"mask\" or leave this out",
                );
            }
        }
        if let Some(index) = self
            .allow
            .iter()
            .position(|glob| !glob.is_empty() && glob.chars().all(|c| matches!(c, '*' | '?')))
        {
            issues.add(
                format!("/allow/{index}"),
                "would let everything pass; remove the interceptor instead",
            );
        }
        issues.or(self.entities.iter().copied().collect())
    }
}
