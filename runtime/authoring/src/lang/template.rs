//! The files of a new project.

/// What a new project is to have.
#[derive(Clone, Debug)]
pub struct New {
    /// The plugin's name: `[a-z0-9-]+`.
    pub name: String,
    /// Whether the plugin has a pre-call.
    pub pre: bool,
    /// Whether the plugin has a post-call.
    pub post: bool,
}

/// A file of a new project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path, relative to the project's folder.
    pub path: String,
    /// The file's content.
    pub content: Vec<u8>,
    /// Whether the file is executable.
    pub executable: bool,
}

impl File {
    /// A file with this content, not executable.
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            content: content.into(),
            executable: false,
        }
    }
}

impl New {
    /// Renders a template for this project. `{{name}}` is the plugin's name, `{{ident}}` the name with underscores,
    /// `{{Name}}` the name in camel case. Text between lines `{{#pre}}` and `{{/pre}}` is for plugins with a pre-call;
    /// likewise `post`, `both`, and `only-pre`, `only-post` for those with one hook.
    pub fn render(&self, template: &str) -> String {
        let wanted = |section: &str| match section {
            "pre" => self.pre,
            "post" => self.post,
            "both" => self.pre && self.post,
            "only-pre" => self.pre && !self.post,
            "only-post" => self.post && !self.pre,
            _ => false,
        };
        let mut out = String::with_capacity(template.len());
        let mut left_out = None;
        for line in template.split_inclusive('\n') {
            let word = line.trim();
            let mark = |open: &str| {
                word.strip_prefix(open)
                    .and_then(|rest| rest.strip_suffix("}}"))
            };
            if let Some(section) = mark("{{#") {
                if left_out.is_none() && !wanted(section) {
                    left_out = Some(section);
                }
            } else if let Some(section) = mark("{{/") {
                if left_out == Some(section) {
                    left_out = None;
                }
            } else if left_out.is_none() {
                out.push_str(line);
            }
        }
        out.replace("{{name}}", &self.name)
            .replace("{{ident}}", &self.name.replace('-', "_"))
            .replace("{{Name}}", &self.camel())
    }

    fn camel(&self) -> String {
        let part = |part: &str| {
            let mut letters = part.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        };
        self.name.split('-').filter_map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_what_was_asked_for() {
        let new = New {
            name: "mask-mail".into(),
            pre: true,
            post: false,
        };
        let text = "{{name}} {{ident}} {{Name}}\n{{#post}}\nno\n{{#pre}}\nno\n{{/pre}}\n{{/post}}\n{{#only-pre}}\nyes\n{{/only-pre}}\n";
        assert_eq!(new.render(text), "mask-mail mask_mail MaskMail\nyes\n");
    }
}
