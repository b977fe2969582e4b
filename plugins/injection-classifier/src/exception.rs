//! What the operator lets pass.

use sandgate_sdk::glob_matches;

/// `SERVER/TOOL` and a place in it.
pub(crate) struct Exception {
    target: String,
    place: Option<String>,
}

impl Exception {
    /// Reads it as it is written in the settings.
    pub(crate) fn read(written: &str) -> Result<Self, &'static str> {
        let (target, place) = match written.split_once("#/") {
            Some((target, place)) => (target, Some(format!("/{place}"))),
            None => (written, None),
        };
        let Some((server, tool)) = target.split_once('/') else {
            return Err("no `/`: written as SERVER/TOOL, for example \"crm/lookup_*\"");
        };
        if server.is_empty() || tool.is_empty() {
            return Err("nothing before or after `/`: written as SERVER/TOOL");
        }
        let is_everything =
            |text: &str| text.chars().all(|character| matches!(character, '*' | '?'));
        if place.is_none() && is_everything(server) && is_everything(tool) {
            return Err("would let everything pass; remove the interceptor instead");
        }
        Ok(Self {
            target: target.to_owned(),
            place,
        })
    }

    /// Whether everything of the target passes.
    pub(crate) fn has_target(&self, target: &str) -> bool {
        self.place.is_none() && glob_matches(&self.target, target)
    }

    /// Whether the place of the target passes.
    pub(crate) fn has_place(&self, target: &str, pointer: &str) -> bool {
        glob_matches(&self.target, target)
            && self
                .place
                .as_ref()
                .is_none_or(|place| glob_matches(place, pointer))
    }
}
