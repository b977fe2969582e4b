//! Other people's packages in a plugin: built, tested and in `dev`, each time the same.

use std::process::Command;

use crate::plugin_kit::author::Author;
use crate::plugin_kit::dev::Dev;
use crate::plugin_kit::interpreted::{made, with_packages};

const WHEEL: &str = r#"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("doubling/__init__.py", "def twice(text):\n    from doubling.parts import joined\n    return joined(text, text)\n")
    wheel.writestr("doubling/parts.py", "def joined(*parts):\n    return '+'.join(parts)\n")
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
