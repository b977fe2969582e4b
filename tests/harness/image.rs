//! Container engines, and an image of this machine's own programs: no registry is asked.

use std::process::Command;

use crate::place;

/// Copies Python, Node and Git with the libraries and files that they need into a new folder, and imports that.
const SCRIPT: &str = r#"
set -eu
python=$1 node=$2 engine=$3 image=$4
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root/tmp" "$root/etc" "$root/bin" "$root/usr/lib" "$root/usr/share"; chmod 1777 "$root/tmp"
copy() { [ -e "$root$1" ] || { mkdir -p "$root$(dirname "$1")"; cp -L "$1" "$root$1"; }; }
program() { copy "$1"; for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true); do copy "$library"; done; }
python=$(readlink -f "$python"); node=$(readlink -f "$node"); git=$(readlink -f "$(command -v git)")
for file in "$python" "$node" "$git" /bin/sh /bin/sleep; do program "$file"; done
ln -s "$python" "$root/bin/python3"; ln -s "$node" "$root/bin/node"; ln -s "$git" "$root/bin/git"
version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
cp -a "/usr/lib/$version" "$root/usr/lib/"; rm -rf "$root/usr/lib/$version/test"
for file in /usr/lib/$version/lib-dynload/*.so; do program "$file"; done
# What modules of packages need beside.
libraries=$(dirname "$(ldd "$python" | grep -o '/[^ ]*libc\.so[^ ]*')")
for name in rt dl pthread util m gcc_s stdc++; do
    for file in "$libraries/lib$name".so.*; do [ ! -e "$file" ] || copy "$file"; done
done
cp -a /usr/share/zoneinfo "$root/usr/share/"
"$engine" rmi --force "$image" >/dev/null 2>&1 || true
tar -C "$root" -c . | "$engine" import - "$image" >/dev/null 2>&1
"#;

/// The engines that make containers here; those that make none are named.
///
/// # Panics
/// Where there is none.
pub fn engines() -> Vec<&'static str> {
    let makes = |engine: &&str| {
        let asked = Command::new(engine).arg("info").output();
        asked.is_ok_and(|said| {
            said.status.success() && !String::from_utf8_lossy(&said.stdout).contains("ERROR")
        })
    };
    let (here, missing): (Vec<_>, Vec<_>) = ["podman", "docker"].into_iter().partition(makes);
    for engine in missing {
        println!("NOT TESTED: {engine}, which makes no containers here");
    }
    assert!(
        !here.is_empty(),
        "neither podman nor docker makes containers here"
    );
    here
}

/// Makes an image with `/bin/python3`, `/bin/node`, `/bin/git` and a shell, of this machine's.
///
/// # Panics
/// Where that fails.
pub fn make_image(engine: &str, image: &str) {
    let made = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(place::system_python())
        .arg(node())
        .args([engine, image])
        .status();
    assert!(made.unwrap().success(), "{engine} has no image");
}

/// The program itself: npm puts a script in front of some.
fn node() -> String {
    let asked = Command::new(place::node())
        .args(["-p", "process.execPath"])
        .output();
    let said = asked.unwrap().stdout;
    String::from_utf8(said).unwrap().trim().to_owned()
}
