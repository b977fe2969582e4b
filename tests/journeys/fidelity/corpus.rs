//! Odd but valid messages, as pairs: a request and the reply to it. `@META@` stands for what the era demands in
//! `_meta`, `@ID@` for the request's id as it was spelt. Each request holds its case's name.

/// One case.
pub(crate) struct Odd {
    /// Found in the request.
    pub(crate) name: &'static str,
    /// What the client sends.
    pub(crate) request: &'static str,
    /// What the server answers.
    pub(crate) reply: &'static str,
}

/// All of them.
pub(crate) const ODD: &[Odd] = &[
    Odd {
        name: "odd-unknown-fields",
        request: r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","vendor":{"at":"the top"},"params":{@META@,"name":"odd-unknown-fields","arguments":{},"vendor":null,"task":{"ttl":1}}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"x","vendor":[]},{"type":"vendor/kind","what":{}}],"vendor":true,"_meta":{"vendor":0}},"vendor":"at the top"}"#,
    },
    Odd {
        name: "odd-numbers",
        request: r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{@META@,"name":"odd-numbers","arguments":{"a":1.0,"b":1e400,"c":-0,"d":12345678901234567890123456789,"e":1E+2,"f":0.1000,"g":-1.5e-7}}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"structuredContent":{"a":1.0,"b":1e400,"c":-0,"d":12345678901234567890123456789,"e":1E+2,"f":0.1000}}}"#,
    },
    Odd {
        name: "odd-order",
        request: r#"{"params":{"arguments":{"z":1,"a":2,"10":3,"9":4},"name":"odd-order",@META@},"method":"tools/call","id":3,"jsonrpc":"2.0"}"#,
        reply: r#"{"result":{"structuredContent":{"z":1,"a":2},"isError":false,"content":[]},"id":@ID@,"jsonrpc":"2.0"}"#,
    },
    Odd {
        name: "odd-escapes",
        request: r#"{"jsonrpc":"2.0","id":4,"\u006dethod":"tools\/call","params":{@META@,"name":"odd-escapes","arguments":{"a":"\u0041\/\ud83d\ude00\u00e9","\u0062":"\b\f\n\r\t\"\\\u0000\u007f"}}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"te\u0078t","text":"\u0041\/\ud83d\ude00\u00E9\u0000"}]}}"#,
    },
    Odd {
        name: "odd-unicode",
        request: "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{@META@,\"name\":\"odd-unicode\",\"arguments\":{\"日本\":\"é e\u{301} 😀 \u{2028}\u{2029}\u{feff}\u{200b}\u{7f}\",\"\":\"an empty key\"}}}",
        reply: "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"é e\u{301} 😀 \u{2028}\u{2029}\u{feff}\"}],\"\":{}}}",
    },
    Odd {
        name: "odd-spaces",
        request: "  { \"jsonrpc\" :\t\"2.0\" , \"id\"  :  6,\"method\": \"tools/call\"  , \"params\":{ @META@ , \"name\" : \"odd-spaces\",\"arguments\":{ } }\t}  ",
        reply: "\t{ \"jsonrpc\": \"2.0\" ,  \"id\" : @ID@ , \"result\" : { \"content\" : [ ] } } ",
    },
    Odd {
        name: "odd-lines",
        request: "{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": 7,\n\n  \"method\": \"tools/call\",\n  \"params\": {\n    @META@,\n    \"name\": \"odd-lines\",\n    \"arguments\": {\r\n    }\n  }\n}\n",
        reply: "{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": @ID@,\n\n  \"result\": {\n    \"content\": [\r    ]\n  }\n}\n",
    },
    Odd {
        name: "odd-id-large",
        request: r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{@META@,"name":"odd-id-large"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#,
    },
    Odd {
        name: "odd-id-negative",
        request: r#"{"jsonrpc":"2.0","id":-9223372036854775808,"method":"tools/call","params":{@META@,"name":"odd-id-negative"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#,
    },
    Odd {
        name: "odd-id-text",
        request: r#"{"jsonrpc":"2.0","id":"\u0061 \"quoted\" \/ 日本","method":"tools/call","params":{@META@,"name":"odd-id-text"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#,
    },
    Odd {
        name: "odd-id-like-a-number",
        request: r#"{"jsonrpc":"2.0","id":"9","method":"tools/call","params":{@META@,"name":"odd-id-like-a-number"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#,
    },
    Odd {
        name: "odd-id-empty",
        request: r#"{"jsonrpc":"2.0","id":"","method":"tools/call","params":{@META@,"name":"odd-id-empty"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[]}}"#,
    },
    Odd {
        name: "odd/method",
        request: r#"{"jsonrpc":"2.0","id":13,"method":"vendor/odd/method","params":{@META@,"anything":[1,[2,[3]]]}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"anything":1e400}}"#,
    },
    Odd {
        name: "odd-error",
        request: r#"{"jsonrpc":"2.0","id":14,"method":"tools/call","params":{@META@,"name":"odd-error"}}"#,
        reply: r#"{"jsonrpc":"2.0","error":{"data":{"n":1.0,"z":[],"a":null},"code":-31999,"message":"no\u0021","vendor":{}},"id":@ID@}"#,
    },
    Odd {
        name: "odd-deep",
        request: r#"{"jsonrpc":"2.0","id":15,"method":"tools/call","params":{@META@,"name":"odd-deep","arguments":{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{"b":{}}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"structuredContent":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}"#,
    },
    Odd {
        name: "odd-result-kind",
        request: r#"{"jsonrpc":"2.0","id":16,"method":"prompts/get","params":{@META@,"name":"odd-result-kind"}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"resultType":"vendor/kind","messages":[],"requestState":"==odd=="}}"#,
    },
    Odd {
        name: "odd://resource",
        request: r#"{"jsonrpc":"2.0","id":17,"method":"resources/read","params":{"uri":"odd://resource/%41?q=a+b#c",@META@}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"contents":[{"uri":"odd://resource/%41?q=a+b#c","blob":"AAAA\u003d"}],"ttlMs":1.5e3,"cacheScope":"vendor"}}"#,
    },
    Odd {
        name: "odd-same-names",
        request: r#"{"jsonrpc":"2.0","id":18,"method":"tools/call","params":{@META@,"name":"odd-same-names","arguments":{"id":1,"method":"ping","jsonrpc":"1.0","result":{"id":2},"params":{"name":"x"}}}}"#,
        reply: r#"{"jsonrpc":"2.0","id":@ID@,"result":{"id":99,"method":"ping","error":{"id":98},"content":[{"type":"text","text":"{\"id\":1}"}]}}"#,
    },
];

/// What the modern era demands, with something it does not know.
pub(crate) const MODERN_META: &str = r#""_meta":{"vendor.example/odd":[1.0],"io.modelcontextprotocol/clientCapabilities":{"vendor":{}},"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
/// Something that no era knows.
pub(crate) const LEGACY_META: &str = r#""_meta":{"vendor.example/odd":[1.0,{"z":-0}]}"#;
