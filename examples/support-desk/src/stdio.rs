//! Messages as lines. Both eras on one pipe: each message says which it belongs to.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::Desk;
use crate::protocol::{self, Answer, Era};

/// A longer line is refused, and with it the rest of the input.
const LINE_LIMIT: u64 = 4 << 20;

/// Serves one client until its end of the pipe is closed.
///
/// # Errors
/// Where reading or writing fails, or a line is longer than 4 MiB.
pub async fn serve_stdio(
    desk: &Desk,
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input)
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Ok(());
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == LINE_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is longer than 4 MiB",
            ));
        }
        let body = String::from_utf8_lossy(&line);
        let body = body.trim_end();
        if body.is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Value>(body) {
            Ok(message) => protocol::answer(desk, Era::of(&message), &message, body),
            Err(wrong) => Answer::error(&Value::Null, -32700, wrong.to_string(), None),
        };
        for message in answer.messages.iter().chain(&answer.news) {
            output.write_all(format!("{message}\n").as_bytes()).await?;
        }
        output.flush().await?;
    }
}
