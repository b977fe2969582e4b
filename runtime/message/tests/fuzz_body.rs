//! The fuzzer's body over a seeded corpus: every document with every choice of edits, then spoilt at random.

#[path = "../fuzz/body.rs"]
mod body;

const DOCUMENTS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look\u0075p","arguments":{"a":["b",{"c":"d"}]}}}"#,
    r#" { "id" : "x" , "result" : { "content" : [ { "type" : "text" , "text" : "one" } , "two" ] } , "jsonrpc" : "2.0" } "#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no","data":["\ud83d\ude00"]}}"#,
    "{\"jsonrpc\":\"2.0\",\r\n\"method\":\"notifications/x\"\n}",
    r#"[["a","b"],{"":"","~":"/","a/b":{"-":["x"]}},1e400,-0.0,"\u0000"]"#,
    r#"{"content":[{"type":"image","data":"QUJD","mimeType":"image/png"},{"type":"text","text":"caption"}]}"#,
    r#""alone""#,
    "[]",
];

/// Xorshift (Marsaglia 2003): the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % below
    }
}

#[test]
fn whole_documents_keep_every_promise() {
    for document in DOCUMENTS {
        for which in 0..8 {
            for how in 0..=255 {
                body::try_bytes(&[&[which, how], document.as_bytes()].concat());
            }
        }
    }
}

#[test]
fn spoilt_documents_keep_every_promise() {
    let mut numbers = Numbers(0x5a17_69a7_e000_0001);
    for _ in 0..30_000 {
        let mut data = DOCUMENTS[numbers.next(DOCUMENTS.len())].as_bytes().to_vec();
        data.splice(0..0, [numbers.next(256) as u8, numbers.next(256) as u8]);
        for _ in 0..=numbers.next(4) {
            let at = numbers.next(data.len());
            match numbers.next(3) {
                0 => data[at] = numbers.next(256) as u8,
                1 => data.insert(at, b"{}[],:\"\\0e "[numbers.next(11)]),
                _ if data.len() > 3 => drop(data.remove(at)),
                _ => {}
            }
        }
        body::try_bytes(&data);
    }
}
