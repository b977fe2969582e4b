//! A server on stdio that writes down every line it gets and answers by a script: `fake-server FOLDER`, where the
//! folder has `script.json`; lines are appended to its file `heard`. Ends with its input.
#![allow(clippy::unwrap_used, reason = "part of the tests")]

use std::fs::OpenOptions;
use std::io::{BufRead, Write};
use std::path::PathBuf;

use harness::{Script, without_line_ends};

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("fake-server FOLDER"));
    let script = Script::from_json(&std::fs::read_to_string(folder.join("script.json")).unwrap());
    let mut heard = OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("heard"))
        .unwrap();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().split(b'\n') {
        let mut line = line.unwrap();
        // One write, so that several of these can share the file; before the answer, so that who has that finds this.
        line.push(b'\n');
        heard.write_all(&line).unwrap();
        line.pop();
        for message in script.answer(&line) {
            let mut message = without_line_ends(&message);
            message.push(b'\n');
            output.write_all(&message).unwrap();
        }
        output.flush().unwrap();
    }
}
