//! What the gateway reads. On stdin: cases, each a kind (one byte), a length (four bytes, the highest first) and the
//! bytes. On stdout: a line of JSON for each.

use std::io::{BufRead, Read, Write};

fn main() -> std::io::Result<()> {
    let mut cases = std::io::stdin().lock();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    while !cases.fill_buf()?.is_empty() {
        let mut head = [0; 5];
        cases.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        cases.read_exact(&mut bytes)?;
        writeln!(out, "{}", sandgate_gateway::fuzzing::reading(kind, &bytes))?;
        out.flush()?;
    }
    Ok(())
}
