//! Rows of cells as columns of text.

use std::fmt::Write;

use crate::escape::printable;

/// Columns as wide as their widest cell, two spaces between and before.
pub fn grid(lines: Vec<Vec<String>>, text: &mut String) {
    let lines: Vec<Vec<String>> = lines
        .into_iter()
        .map(|line| line.iter().map(|cell| printable(cell)).collect())
        .collect();
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(row, "  {cell:width$}");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
}
