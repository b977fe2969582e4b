//! Other people's packages in a plugin: built, tested and in `dev`, each time the same.

use std::process::Command;

use crate::plugin_kit::author::Author;
use crate::plugin_kit::dev::Dev;
use crate::plugin_kit::interpreted::{made, with_packages};

const WHEEL: &str = r#"
import struct, sys, zipfile
# One kind of time, five and a half hours ahead.
zone = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 19800, 0, 0) + b"AHD\0"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("doubling/__init__.py", "def twice(text):\n    from doubling.parts import joined\n    return joined(text, text)\n")
    wheel.writestr("doubling/parts.py", "def joined(*parts):\n    return '+'.join(parts)\n")
    wheel.writestr("doubling/words.txt", "w\u00f6rter")
    wheel.writestr("doubling/words.py", "from importlib.resources import files\ndef words():\n    return files('doubling').joinpath('words.txt').read_text('utf-8')\n")
    wheel.writestr("tzdata/__init__.py", "")
    wheel.writestr("tzdata/zoneinfo/Made/Ahead", zone)
    wheel.writestr("doubling-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: doubling\nVersion: 1.0\n")
    wheel.writestr("doubling-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("doubling-1.0.dist-info/RECORD", "")
"#;

const FIXTURE: &str = r#"hook = "post-call"
event = "tools/call"
reply = '{"content":[{"type":"text","text":"ab"}]}'

[expect]
decision = "edit"
document = '{"content":[{"type":"text","text":"ab+ab"}]}'
"#;

#[test]
fn a_python_plugin_has_what_its_functions_import_in_dev_and_when_built() {
    let author = made("python");
    with_an_environment_of_its_own(&author);
    // Nothing of it is imported before a call comes: not the package, not the standard library's, not its own.
    author.write(
        "mask-email/plugin.py",
        "from sandgate import post_call, pre_call\n\n\n\
         @post_call(\"tools/call\", \"resources/read\")\n\
         def scrub(ctx, reply):\n    from helper import change\n    reply.map_texts(change)\n\n\n\
         @pre_call(\"tools/call\")\ndef check(ctx, params): ...\n",
    );
    author.write(
        "mask-email/helper.py",
        "def change(text):\n    import colorsys\n    from datetime import datetime\n\n    from doubling import twice\n\n    \
         assert colorsys.rgb_to_hsv(1, 1, 1) == (0, 0, 1)\n    \
         assert datetime.strptime(\"2026-01-02\", \"%Y-%m-%d\").day == 2\n    return twice(text)\n",
    );
    only_this_fixture(&author);
    let tested = author.sandgate(&["plugin", "test", "mask-email"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let mut dev = Dev::start(&author, "mask-email", None);
    let said = dev.says("version 1");
    assert!(said.contains("1 fixture"), "{said}");
    dev.interrupt();

    author.write(
        "mask-email/helper.py",
        "def change(text):\n    import mmap\n    return text\n",
    );
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert!(
        failed.err.contains("helper.py:2")
            && failed.err.contains("the Python in a component has no mmap"),
        "{}",
        failed.err
    );
}

#[test]
fn a_python_plugin_has_the_files_zones_and_codecs_that_it_needs_in_dev_and_when_built() {
    let author = made("python");
    with_an_environment_of_its_own(&author);
    author.write("mask-email/own.txt", "own");
    author.write(
        "mask-email/plugin.py",
        "from datetime import datetime\nfrom pathlib import Path\nfrom zoneinfo import ZoneInfo\n\n\
         from doubling import twice\nfrom doubling.words import words\n\
         from sandgate import Context, Document, configure, post_call, pre_call\n\n\
         HERE = Path(__file__).parent\nzones = []\n\n\n\
         @configure\ndef prepare() -> None:\n    zones.append(ZoneInfo(\"Made/Ahead\"))\n\n\n\
         @post_call(\"tools/call\", \"resources/read\")\n\
         def scrub(ctx: Context, reply: Document) -> None:\n    \
         assert datetime(2026, 7, 1, tzinfo=zones[0]).isoformat().endswith(\"+05:30\")\n    \
         assert (words(), (HERE / \"own.txt\").read_text()) == (\"w\u{f6}rter\", \"own\")\n    \
         assert b\"\\x80\".decode(\"cp1252\") + b\"\\xa4\".decode(\"iso8859_15\") == \"\u{20ac}\u{20ac}\"\n    \
         assert \"\u{e4}.example\".encode(\"idna\") == b\"xn--4ca.example\"\n    \
         reply.map_texts(twice)\n\n\n\
         @pre_call(\"tools/call\")\ndef check(ctx: Context, params: Document) -> None: ...\n",
    );
    only_this_fixture(&author);
    let tested = author.sandgate(&["plugin", "test", "mask-email"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let mut dev = Dev::start(&author, "mask-email", None);
    let said = dev.says("version 1");
    assert!(said.contains("1 fixture"), "{said}");
    dev.interrupt();
}

#[test]
fn types_of_a_typescript_plugin_are_checked_and_what_it_prints_is_in_the_log() {
    let author = made("ts");
    with_packages(&author);
    let source = |line: &str| {
        format!(
            "import {{ on, plugin }} from \"sandgate\";\n\n{line}\n\
             export default plugin({{\n  preCall: on(\"tools/call\", () => {{}}),\n  \
             postCall: on([\"tools/call\", \"resources/read\"], (ctx, reply) => {{\n    \
             console.warn(\"seen\", new URL(\"/b?c=1\", \"https://a.example\").href, structuredClone({{ size: reply.size() }}));\n  }}),\n}});\n"
        )
    };
    author.write(
        "mask-email/plugin.ts",
        &source("export const n: number = \"x\";"),
    );
    let failed = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert!(
        failed.err.contains("plugin.ts:3:14: error TS2322"),
        "{}",
        failed.err
    );
    author.write("mask-email/plugin.ts", &source("export const n = 1;"));
    let built = author.sandgate(&["plugin", "build", "mask-email"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let ran = author.sandgate(&[
        "plugin",
        "run",
        "mask-email/target/mask-email.wasm",
        "--hook",
        "post-call",
        "--event",
        "tools/call",
        "--reply",
        r#"{"content":[]}"#,
    ]);
    assert!(
        ran.out
            .contains(r#"seen https://a.example/b?c=1 {"size":14}"#),
        "{ran:?}"
    );
}

#[test]
fn a_typescript_plugin_carries_the_packages_that_it_imports() {
    let author = made("ts");
    with_packages(&author);
    author.write(
        "mask-email/node_modules/doubling/package.json",
        r#"{"name":"doubling","version":"1.0.0","type":"module","main":"index.js","types":"index.d.ts"}"#,
    );
    author.write(
        "mask-email/node_modules/doubling/index.js",
        "export const twice = (text) => `${text}+${text}`;\n",
    );
    author.write(
        "mask-email/node_modules/doubling/index.d.ts",
        "export declare const twice: (text: string) => string;\n",
    );
    author.write(
        "mask-email/plugin.ts",
        "import { on, plugin } from \"sandgate\";\nimport { twice } from \"doubling\";\n\n\
         export default plugin({\n  preCall: on(\"tools/call\", () => {}),\n  \
         postCall: on([\"tools/call\", \"resources/read\"], (ctx, reply) => {\n    reply.mapTexts(twice);\n  }),\n});\n",
    );
    only_this_fixture(&author);
    let tested = author.sandgate(&["plugin", "test", "mask-email"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let mut dev = Dev::start(&author, "mask-email", None);
    let said = dev.says("version 1");
    assert!(said.contains("1 fixture"), "{said}");
    dev.interrupt();
}

fn only_this_fixture(author: &Author) {
    std::fs::remove_dir_all(author.path("mask-email/fixtures")).unwrap();
    author.write("mask-email/fixtures/doubles.toml", FIXTURE);
}

/// A virtual environment with a package that was installed from a wheel; the compiler is the one of the SDK's own tests.
fn with_an_environment_of_its_own(author: &Author) {
    let python = harness::sdks().join("python/bin/python3");
    let done = |said: crate::plugin_kit::author::Said| {
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out
    };
    done(author.run(Command::new(&python).args(["-m", "venv", "mask-email/.venv"])));
    let own = author.path("mask-email/.venv/bin/python3");
    let packages = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let shared = done(author.run(Command::new(&python).args(["-c", packages])));
    let mine = done(author.run(Command::new(&own).args(["-c", packages])));
    std::fs::write(format!("{}/shared.pth", mine.trim()), shared).unwrap();
    let wheel = "doubling-1.0-py3-none-any.whl";
    done(author.run(Command::new(&python).args(["-c", WHEEL, wheel])));
    done(author.run(Command::new(&own).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        wheel,
    ])));
}
