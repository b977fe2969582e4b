//! Texts from templates: sections of lines, in which `{name}` stands for a line of that section.

use std::collections::BTreeMap;

/// The sections of the template files.
pub struct Grammar(BTreeMap<String, Vec<String>>);

/// A generator of pseudo-random numbers (xorshift), so that a seed gives the same texts everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

impl Grammar {
    /// Reads the sections of the files' contents.
    pub fn parse(files: &[&str]) -> Self {
        let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in files {
            let mut name = String::new();
            for line in file.lines() {
                if let Some(section) = line
                    .strip_prefix('[')
                    .and_then(|line| line.strip_suffix(']'))
                    && section
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
                    && !section.bytes().all(|byte| byte.is_ascii_uppercase())
                {
                    name = section.to_owned();
                } else if !name.is_empty()
                    && (!line.is_empty() || matches!(&*name, "hush.en" | "opened" | "closed"))
                    && !line.starts_with("# T")
                {
                    sections
                        .entry(name.clone())
                        .or_default()
                        .push(line.to_owned());
                }
            }
        }
        Self(sections)
    }

    /// A line of the section with everything filled in. `slots` are texts that are put in for names in capitals.
    pub fn line(&self, section: &str, dice: &mut Dice, slots: &[(&str, String)]) -> String {
        let lines = self
            .0
            .get(section)
            .unwrap_or_else(|| panic!("no section {section}"));
        let template = &lines[dice.below(lines.len())];
        let mut out = String::new();
        let mut rest = template.as_str();
        while let Some(at) = rest.find(['{', '}', '\\']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("\\n") {
                out.push('\n');
                rest = after;
            } else if rest.starts_with("{{") || rest.starts_with("}}") || rest.starts_with("\\\\") {
                out.push_str(&rest[..1]);
                rest = &rest[2..];
            } else if let Some(end) = rest.find('}').filter(|_| rest.starts_with('{')) {
                let name = &rest[1..end];
                rest = &rest[end + 1..];
                if let Some((_, text)) = slots.iter().find(|(slot, _)| *slot == name) {
                    // Texts of several lines keep the indentation of YAML.
                    out.push_str(text);
                } else if name == "BENIGN" {
                    out.push_str(&self.line("benign", dice, &[]));
                } else {
                    let (name, capital) = match name.strip_prefix('^') {
                        Some(name) => (name, true),
                        None => (name, false),
                    };
                    let text = self.line(name, dice, slots);
                    out.push_str(&if capital { capitalised(&text) } else { text });
                }
            } else {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}
