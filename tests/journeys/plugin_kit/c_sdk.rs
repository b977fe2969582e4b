//! What the C SDK reads and says, and that C++ has it too.

use serde_json::json;

use crate::plugin_kit::author::Author;

const MANIFEST: &str = r#"name = "says"
version = "0.1.0"
description = "Says."

[hooks.pre-call]
type = "mutation"
events = ["tools/call"]

[hooks.post-call]
type = "mutation"
events = ["tools/call"]

[asks]
state = "remembers"

[settings]
type = "object"
"#;

/// Name, all but the hook, what is expected.
const TOLD: [[&str; 3]; 5] = [
    [
        "everything",
        r#"params = '{"name":"everything","arguments":{"a":"one","b":["two"]},"requestState":"s"}'
context = { id = "c-1", session = "s-1", groups = ["staff", "a\"b"], definition = '{"name":"everything"}' }

[settings]
small = -2147483648
large = -9007199254740991
natural = 4294967296
share = 2.5
strict = true
name = "a\"\u00e9\U0001F600\n"
except = ["x", "", "y/z"]
limits = { "a/b" = 3 }
"#,
        r#"decision = "answer"
document = '{"id":"c-1","direction":"client-to-server","session":"s-1","definition":"{\"name\":\"everything\"}","groups":["staff","a\"b"],"texts":["everything","one","two"],"strings":["everything","one","two","s"],"keys":["name","arguments","a","b","requestState"],"first":"/name","second":"/arguments/a","none":null,"size":76,"time":true,"small":-2147483648,"large":-9007199254740991,"natural":4294967296,"share":2.5,"strict":1,"name":"a\"é😀\u000a","except":["x","","y/z"],"calls":3}'
"#,
    ],
    [
        "defaults",
        r#"params = '{"name":"defaults"}'
context = { id = "c-1" }
"#,
        r#"decision = "answer"
document = '{"id":"c-1","direction":"client-to-server","session":null,"definition":null,"groups":[],"texts":["defaults"],"strings":["defaults"],"keys":["name"],"first":"/name","second":null,"none":null,"size":19,"time":true,"small":7,"large":0,"natural":0,"share":0.5,"strict":0,"name":null,"except":[],"calls":0}'
"#,
    ],
    [
        "remembers",
        r#"params = { name = "remembers" }
"#,
        r#"decision = "answer"
document = '{"well":1,"made":1,"other":0,"changed":1,"counts":0,"failed":true}'
state = { k = "2" }
"#,
    ],
    [
        "refuses",
        r#"params = { name = "refuse" }
"#,
        r#"decision = "refuse"
refusal = { code = "not.so", message = "no", pointer = "/arguments/a", details = '{"retryAfterMs":1500}' }
findings = [{ rule = "found", severity = "warn", part = "params", pointer = "/arguments/a", details = '{"score":1}' }]
"#,
    ],
    [
        "sees-the-params",
        r#"params = '{"name":"x"}'
reply = '{"content":[]}'
"#,
        r#"decision = "replace"
document = '{"name":"x"}'
findings = [{ rule = "asked", part = "params" }]
"#,
    ],
];

/// JSON text, a pointer, what the readers make of it.
const READ: [[&str; 3]; 22] = [
    ["1", "", r#""found":"1","integer":"1","number":1"#],
    [
        "-9223372036854775808",
        "",
        r#""found":"-9223372036854775808","integer":"-9223372036854775808","number":-9.2233720368547758e+18"#,
    ],
    [
        "9223372036854775808",
        "",
        r#""found":"9223372036854775808","number":9.2233720368547758e+18"#,
    ],
    [" 1.5e1 ", "", r#""found":"1.5e1","number":15"#],
    ["1e999", "", r#""found":"1e999""#],
    ["01", "", r#""found":null"#],
    ["1 2", "", r#""found":null"#],
    ["", "", r#""found":null"#],
    [r#"{"a":true}"#, "/a", r#""found":"true","bool":"true""#],
    [
        r#"{"a":{"b/c":{"~":[false]}}}"#,
        "/a/b~1c/~0/0",
        r#""found":"false","bool":"false""#,
    ],
    [
        r#"{"\u0061":"\u00e9\ud83d\ude00\/\t"}"#,
        "/a",
        r#""found":"\"\\u00e9\\ud83d\\ude00\\/\\t\"","text":"é😀/\u0009""#,
    ],
    [r#""\ud83d""#, "", r#""found":null"#],
    [r#""\ude00""#, "", r#""found":null"#],
    ["\"a\nb\"", "", r#""found":null"#],
    [r#"["a","",null]"#, "/2", r#""found":"null""#],
    [
        r#"["a", ""]"#,
        "",
        r#""found":"[\"a\", \"\"]","list":["a",""]"#,
    ],
    ["[]", "", r#""found":"[]","list":[]"#],
    ["[1]", "/00", r#""found":null"#],
    ["[1]", "/1", r#""found":null"#],
    [r#"{"a":1,"a":2}"#, "/a", r#""found":null"#],
    [r#"{"a":1,}"#, "/a", r#""found":null"#],
    [r#"{"a":1]"#, "/a", r#""found":null"#],
];

#[test]
fn a_c_plugin_reads_and_says_all_that_the_contract_has() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "says", "--lang", "c"]);
    std::fs::remove_dir_all(author.path("says/fixtures")).unwrap();
    author.write("says/plugin.toml", MANIFEST);
    author.write("says/src/plugin.c", include_str!("c/says.c"));
    for [name, given, expected] in TOLD {
        let hook = if given.contains("reply") {
            "post"
        } else {
            "pre"
        };
        author.write(
            &format!("says/fixtures/{name}.toml"),
            &format!("hook = \"{hook}-call\"\n{given}\n[expect]\n{expected}"),
        );
    }
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let (allowed, deeper) = (deep(128), deep(129));
    let found = format!("\"found\":\"{allowed}\"");
    let bounds = [[&*allowed, "", &*found], [&*deeper, "", "\"found\":null"]];
    for (index, [json, at, told]) in READ.iter().chain(&bounds).enumerate() {
        let params = json!({ "name": "reads", "arguments": { "json": json, "at": at } });
        author.write(
            &format!("says/fixtures/reads-{index:02}.toml"),
            &format!(
                "hook = \"pre-call\"\nparams = '''{params}'''\n\n[expect]\ndecision = \"answer\"\ndocument = '''{{{told}}}'''\n"
            ),
        );
    }
    let tested = author.sandgate(&["plugin", "test", "says"]);
    assert!(
        tested.out.contains("29 passed, 0 failed"),
        "{}\n{}",
        tested.out,
        tested.err
    );
    for (settings, wrong) in [
        (r#"{"small":2147483648}"#, "/small: is out of range"),
        (r#"{"natural":-1}"#, "/natural: is out of range"),
        (r#"{"large":1.5}"#, "/large: is not an integer"),
        (r#"{"share":"x"}"#, "/share: is not a number"),
        (r#"{"strict":0}"#, "/strict: is not a boolean"),
        (r#"{"name":[]}"#, "/name: is not text"),
        (r#"{"except":["a",1]}"#, "/except: is not a list of texts"),
    ] {
        let run = author.sandgate(&[
            "plugin",
            "run",
            "says/target/says.wasm",
            "--hook",
            "pre-call",
            "--params",
            r#"{"name":"defaults"}"#,
            "--settings",
            settings,
        ]);
        let said = format!("{}{}", run.out, run.err);
        assert!(said.contains(wrong), "{wrong}: {said}");
    }
}

#[test]
fn a_plugin_in_cpp_is_built_and_run() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "never", "--lang", "c", "--hook", "pre"]);
    std::fs::remove_file(author.path("never/src/plugin.c")).unwrap();
    author.write("never/src/plugin.cpp", include_str!("c/plugin.cpp"));
    let manifest = std::fs::read_to_string(author.path("never/plugin.toml")).unwrap();
    let manifest = format!("{manifest}\n[settings]\ntype = \"object\"\n");
    author.write("never/plugin.toml", &manifest);
    let built = author.sandgate(&["plugin", "build", "never"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let run = |params: &str| {
        author.sandgate(&[
            "plugin",
            "run",
            "never/target/never.wasm",
            "--params",
            params,
            "--settings",
            r#"{"never":["x","mkfs"]}"#,
        ])
    };
    let passes = run(r#"{"name":"t","arguments":{"a":"ls","b":"pwd"}}"#);
    assert_eq!(passes.code, Some(0), "{passes:?}");
    let refused = run(r#"{"name":"t","arguments":{"a":"mkfs /dev/sda"}}"#);
    assert_eq!(refused.code, Some(10), "{refused:?}");
    assert!(refused.out.contains("never mkfs"), "{refused:?}");
    let fault = run(r#"{"name":"t","arguments":{"a":"1","b":"2","c":"3"}}"#);
    assert_eq!(fault.code, Some(20), "{fault:?}");
    assert!(fault.out.contains("at src/plugin.cpp:"), "{fault:?}");
}
