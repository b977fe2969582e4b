//! `package`: a program from npm or PyPI, in exactly one version.

use std::fmt;

use super::image::Image;
use super::scalar::{Mistake, Scalar, scalar};

/// Where packages and images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ecosystem {
    /// npm's registry, or the one that npm is configured for.
    Npm,
    /// PyPI, or the index that pip is configured for.
    PyPi,
    /// The registry that the image names.
    Image,
}

impl Ecosystem {
    /// The end of the name of the file that keeps what a package was resolved to.
    pub fn kept_suffix(self) -> &'static str {
        match self {
            Self::Npm => ".package-lock.json",
            Self::PyPi => ".requirements.txt",
            Self::Image => ".image.json",
        }
    }
}

/// A package in one version, or an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// Its name there, for example `@modelcontextprotocol/server-everything`; of an image the whole reference.
    pub name: String,
    /// Its version, for example `2026.8.31`; of an image nothing.
    pub version: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ecosystem {
            Ecosystem::Npm => write!(f, "npm:{}@{}", self.name, self.version),
            Ecosystem::PyPi => write!(f, "pypi:{}=={}", self.name, self.version),
            Ecosystem::Image => write!(f, "image:{}", self.name),
        }
    }
}

const HELP: &str = "write \"npm:NAME@VERSION\" or \"pypi:NAME==VERSION\", with the whole version, for example \
                    \"npm:@modelcontextprotocol/server-everything@2026.8.31\"";

impl Scalar for Package {
    const KIND: &'static str =
        "\"npm:NAME@VERSION\" or \"pypi:NAME==VERSION\", with an exact version";

    fn read(text: &str) -> Result<Self, Mistake> {
        let mistake = |why: &'static str| Mistake::new(why, HELP);
        if let Some(rest) = text.strip_prefix("npm:") {
            // The first `@` may belong to a scope.
            let at = rest.get(1..).and_then(|rest| rest.find('@'));
            let (name, version) = match at {
                Some(at) => (&rest[..=at], &rest[at + 2..]),
                None => (rest, ""),
            };
            if !is_npm_name(name) {
                return Err(mistake("has no name of an npm package"));
            }
            check_version(version, is_npm_version(version))?;
            return Ok(Self::new(Ecosystem::Npm, name, version));
        }
        let Some(rest) = text.strip_prefix("pypi:") else {
            return Err(mistake("is neither of npm nor of PyPI"));
        };
        let at = rest.find(['=', '<', '>', '~', '!', '@', ' ']);
        let (name, version) = rest.split_at(at.unwrap_or(rest.len()));
        if name.contains('[') {
            return Err(mistake("has extras, which cannot be locked"));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if name.len() > 128
            || !name.chars().all(fits)
            || !ends(name.chars().next())
            || !ends(name.chars().last())
        {
            return Err(mistake("has no name of a PyPI package"));
        }
        let exact = version.strip_prefix("==");
        if !version.is_empty() && exact.is_none() {
            return Err(mistake(
                "has a range or a tag where an exact version belongs",
            ));
        }
        let version = exact.unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || ".!+".contains(c);
        let good = version.len() <= 64
            && version.chars().all(fits)
            && version.starts_with(|c: char| c.is_ascii_digit());
        check_version(version, good)?;
        Ok(Self::new(Ecosystem::PyPi, name, version))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Image {
    /// The image as what `sandgate.lock` locks.
    pub fn source(&self) -> Package {
        Package {
            ecosystem: Ecosystem::Image,
            name: self.0.clone(),
            version: String::new(),
        }
    }
}

impl Package {
    /// What is locked, by its text: a package, or `image:` and a reference.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn source(text: &str) -> Result<Self, Mistake> {
        match text.strip_prefix("image:") {
            Some(reference) => Ok(Image::read(reference)?.source()),
            None => Self::read(text),
        }
    }

    fn new(ecosystem: Ecosystem, name: &str, version: &str) -> Self {
        Self {
            ecosystem,
            name: name.into(),
            version: version.into(),
        }
    }
}

fn check_version(version: &str, good: bool) -> Result<(), Mistake> {
    match (version.is_empty(), good) {
        (true, _) => Err(Mistake::new("has no version", HELP)),
        (_, false) => Err(Mistake::new(
            "has a range or a tag where an exact version belongs",
            HELP,
        )),
        _ => Ok(()),
    }
}

fn is_npm_name(name: &str) -> bool {
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        !part.is_empty() && !part.starts_with(['.', '_', '-']) && part.chars().all(fits)
    };
    let good = match name.strip_prefix('@') {
        Some(scoped) => scoped
            .split_once('/')
            .is_some_and(|(scope, name)| plain(scope) && plain(name)),
        None => plain(name),
    };
    good && name.len() <= 214
}

/// Three numbers, and what may follow them.
fn is_npm_version(version: &str) -> bool {
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let (core, more) = version.split_at(end);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    core.split('.').count() == 3
        && core.split('.').all(number)
        && more.chars().all(fits)
        && version.len() <= 64
}

scalar!(Package);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_package_reads_back_as_it_was_written() {
        for text in [
            "npm:left-pad@1.3.0",
            "npm:@modelcontextprotocol/server-everything@2026.8.31",
            "npm:a@1.0.0-rc.1+build",
            "pypi:mcp-server-time==2026.1.26",
            "pypi:a_b.c==1!2.0rc1+local",
        ] {
            assert_eq!(Package::read(text).unwrap().write(), text);
        }
    }

    #[test]
    fn a_version_is_exact() {
        for (text, words) in [
            ("npm:a", "has no version"),
            ("npm:@a/b", "has no version"),
            ("npm:a@", "has no version"),
            ("pypi:a", "has no version"),
            ("pypi:a==", "has no version"),
            ("npm:a@latest", "range or a tag"),
            ("npm:a@^1.0.0", "range or a tag"),
            ("npm:a@1", "range or a tag"),
            ("npm:a@1.x.0", "range or a tag"),
            ("npm:a@1.0.0 || 2.0.0", "range or a tag"),
            ("npm:a@file:../x", "range or a tag"),
            ("pypi:a>=1", "range or a tag"),
            ("pypi:a===1", "range or a tag"),
            ("pypi:a==1.*", "range or a tag"),
            ("pypi:a @ https://h.example/a.whl", "range or a tag"),
            ("pypi:a[x]==1", "extras"),
            ("npm:@/b@1.0.0", "no name"),
            ("npm:../b@1.0.0", "no name"),
            ("npm:-g@1.0.0", "no name"),
            ("npm:", "no name"),
            ("pypi:-r==1", "no name"),
            ("pypi:==1", "no name"),
            ("cargo:a@1.0.0", "neither of npm nor of PyPI"),
            ("", "neither"),
        ] {
            let said = Package::read(text).unwrap_err();
            assert!(said.why.contains(words), "{text}: {}", said.why);
        }
    }
}
