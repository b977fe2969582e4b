//! What differs between what was locked and what would be.

use std::collections::BTreeSet;

use sandgate_config::Package;

use crate::kept;
use crate::lock::LockedPlugin;

/// The differences between two resolutions, a line each: `+` for a package that is new, `-` for one that is gone.
pub fn differences(before: Option<(&Package, &str)>, after: (&Package, &str)) -> Vec<String> {
    let contents = |of: (&Package, &str)| kept::check(of.0, of.1).unwrap_or_default();
    let old = before.map(contents).unwrap_or_default();
    let new = contents(after);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let line = |name: &String| match (old.get(name), new.get(name)) {
        (None, Some((version, _))) => Some(format!("+ {name} {version}")),
        (Some((version, _)), None) => Some(format!("- {name} {version}")),
        (Some((was, hash)), Some((is, other))) => match (was == is, hash == other) {
            (false, _) => Some(format!("  {name} {was} -> {is}")),
            (true, false) => Some(format!(
                "! {name} {is} has other contents under the same version"
            )),
            (true, true) => None,
        },
        (None, None) => None,
    };
    names.into_iter().filter_map(line).collect()
}

/// The differences between a plugin as it was approved and as it is.
pub fn plugin_difference(before: Option<&LockedPlugin>, after: &LockedPlugin) -> Vec<String> {
    let nothing = Vec::new();
    let asked = before.map_or(&nothing, |before| &before.asks);
    let mut lines = Vec::new();
    match before {
        Some(before) if before.digest != after.digest => {
            lines.push(format!("  {} -> {}", before.digest, after.digest));
        }
        Some(_) => {}
        None => lines.push(format!("+ {}", after.digest)),
    }
    if let Some(before) = before {
        let nobody = |by: &Option<String>| {
            let nobody = || "nobody, or nobody was asked for".to_owned();
            by.clone().unwrap_or_else(nobody)
        };
        let version = |of: &LockedPlugin| of.version.clone().unwrap_or_else(|| "none".into());
        for (what, was, is) in [
            ("", before.file.clone(), after.file.clone()),
            ("version: ", version(before), version(after)),
            ("signed by: ", nobody(&before.signer), nobody(&after.signer)),
        ] {
            if was != is {
                lines.push(format!("  {what}{was} -> {is}"));
            }
        }
        if before.manifest != after.manifest && before.digest == after.digest {
            lines.push("  the manifest is another, and the component the same".into());
        }
    } else {
        let signer = after.signer.as_ref();
        lines.extend(signer.map(|signer| format!("+ signed by {signer}")));
    }
    let more = after.asks.iter().filter(|one| !asked.contains(one));
    lines.extend(more.map(|one| format!("+ asks for {one}")));
    let less = asked.iter().filter(|one| !after.asks.contains(one));
    lines.extend(less.map(|one| format!("- asks for {one}")));
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;

    use super::*;

    #[test]
    fn what_is_new_gone_or_another_is_named_and_nothing_else() {
        let line = |name: &str, version: &str, byte: &str| {
            format!(
                "{name}=={version} \\\n    --hash=sha256:{}\n",
                byte.repeat(32)
            )
        };
        let old = [
            line("a", "1", "0a"),
            line("b", "1", "0b"),
            line("c", "1", "0c"),
            line("s", "1", "0d"),
        ]
        .concat();
        let new = [
            line("a", "2", "1a"),
            line("c", "1", "1c"),
            line("d", "1", "0d"),
            line("s", "1", "0d"),
        ]
        .concat();
        let package = Package::read("pypi:s==1").unwrap();
        assert_eq!(
            differences(Some((&package, &old)), (&package, &new)),
            [
                "  a 1 -> 2",
                "- b 1",
                "! c 1 has other contents under the same version",
                "+ d 1"
            ]
        );
        assert_eq!(differences(None, (&package, &new)).len(), 4);
    }

    #[test]
    fn a_plugin_that_asks_for_more_says_so() {
        let plugin = |digest: &str, asks: &[&str]| LockedPlugin {
            file: "a.wasm".into(),
            asks: asks.iter().map(|&one| one.to_owned()).collect(),
            digest: digest.into(),
            ..LockedPlugin::default()
        };
        let said = plugin_difference(Some(&plugin("1", &["x"])), &plugin("2", &["y"]));
        assert_eq!(said, ["  1 -> 2", "+ asks for y", "- asks for x"]);
        assert_eq!(
            plugin_difference(Some(&plugin("1", &["x"])), &plugin("1", &["x"])),
            [""; 0]
        );
    }

    #[test]
    fn of_a_plugin_of_a_registry_version_and_signer_are_shown() {
        let plugin = |version: &str, signer: Option<&str>, asks: &[&str]| LockedPlugin {
            file: "oci://ghcr.io/example/mask:1".into(),
            manifest: Some(version.into()),
            signer: signer.map(Into::into),
            version: Some(version.into()),
            asks: asks.iter().map(|&one| one.to_owned()).collect(),
            digest: version.into(),
        };
        let before = plugin("1", Some("key a"), &["memory of 16MiB"]);
        let after = plugin("2", None, &["memory of 32MiB"]);
        assert_eq!(
            plugin_difference(Some(&before), &after),
            [
                "  1 -> 2",
                "  version: 1 -> 2",
                "  signed by: key a -> nobody, or nobody was asked for",
                "+ asks for memory of 32MiB",
                "- asks for memory of 16MiB",
            ]
        );
        let repacked = LockedPlugin {
            manifest: Some("3".into()),
            ..before.clone()
        };
        let said = plugin_difference(Some(&before), &repacked);
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
