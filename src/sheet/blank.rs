//! Makes blank lines visible to the CSV parser, which passes over them, so that rows keep the
//! numbers that a spreadsheet program shows.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memchr3};

/// What a blank line is turned into: a row with one empty cell.
const EMPTY_CELL: &[u8] = b"\"\"";

/// Hands on what it reads, with an empty cell put on every blank line.
///
/// It follows quotes as the parser does: one opens a cell only at the cell's beginning, and two in
/// a row within a quoted cell stand for one.
#[derive(Debug)]
pub(super) struct BlankLines<R> {
    inner: R,
    delimiter: u8,
    state: State,
    /// The byte before the next one; a line feed at the start.
    last: u8,
    /// Of an empty cell, what is still to be handed on.
    pending: &'static [u8],
    /// How long the row is so far.
    row: usize,
}

/// How long a row may be, in bytes: a quotation mark without its partner would otherwise make one
/// cell of the rest of the file.
pub(super) const LONGEST_ROW: usize = 1 << 20;

/// The error that [`LONGEST_ROW`] leads to.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the row is too long")]
pub(super) struct RowTooLong;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted,
    /// Right behind a quote within a quoted cell: its end, or the first of two.
    QuoteInQuoted,
}

impl<R: BufRead> BlankLines<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        BlankLines {
            inner,
            delimiter,
            state: State::Plain,
            last: b'\n',
            pending: &[],
            row: 0,
        }
    }

    /// How many bytes of `chunk` can be handed on as they are: up to the next blank line.
    fn scan(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        let mut row_begins = 0;
        while at < chunk.len() {
            match self.state {
                State::Quoted => match memchr(b'"', &chunk[at..]) {
                    None => at = chunk.len(),
                    Some(found) => {
                        at += found + 1;
                        self.state = State::QuoteInQuoted;
                    }
                },
                State::QuoteInQuoted if chunk[at] == b'"' => {
                    at += 1;
                    self.state = State::Quoted;
                }
                State::QuoteInQuoted => self.state = State::Plain,
                State::Plain => {
                    let Some(found) = memchr3(b'"', b'\n', b'\r', &chunk[at..]) else {
                        at = chunk.len();
                        continue;
                    };
                    let before = if at + found > 0 {
                        chunk[at + found - 1]
                    } else {
                        self.last
                    };
                    at += found;
                    let line_begins = matches!(before, b'\n' | b'\r');
                    match chunk[at] {
                        b'"' if line_begins || before == self.delimiter => {
                            self.state = State::Quoted;
                        }
                        b'\n' if before == b'\n' => break,
                        b'\r' if line_begins => break,
                        b'"' => {}
                        _ => {
                            row_begins = at + 1;
                            self.row = 0;
                        }
                    }
                    at += 1;
                }
            }
        }
        self.row += at.saturating_sub(row_begins);
        at
    }
}

impl<R: BufRead> Read for BlankLines<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.pending.is_empty() {
                let length = self.pending.len().min(to.len());
                to[..length].copy_from_slice(&self.pending[..length]);
                self.pending = &self.pending[length..];
                if self.pending.is_empty() {
                    // The line is blank no longer.
                    self.last = b'"';
                }
                return Ok(length);
            }
            // Borrowed out of the way so that the state can change while the chunk is looked at.
            let chunk = self.inner.fill_buf()?;
            if chunk.is_empty() {
                return Ok(0);
            }
            let length = chunk.len().min(to.len());
            to[..length].copy_from_slice(&chunk[..length]);
            let handed_on = self.scan(&to[..length]);
            if handed_on == 0 {
                self.pending = EMPTY_CELL;
                continue;
            }
            if self.row > LONGEST_ROW {
                return Err(io::Error::new(io::ErrorKind::InvalidData, RowTooLong));
            }
            self.last = to[handed_on - 1];
            self.inner.consume(handed_on);
            return Ok(handed_on);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: &str, buffer: usize) -> String {
        let mut out = Vec::new();
        let reader = io::BufReader::with_capacity(buffer, text.as_bytes());
        BlankLines::new(reader, b',').read_to_end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_blank_line_gets_a_cell_and_nothing_else_changes() {
        for (text, seen) in [
            ("a\n\nb\n", "a\n\"\"\nb\n"),
            ("\na\n", "\"\"\na\n"),
            ("a\r\n\r\n\r\nb", "a\r\n\"\"\r\n\"\"\r\nb"),
            ("a\r\rb\r", "a\r\"\"\rb\r"),
            ("\"a\n\n\"\"\n\",b\n\nc", "\"a\n\n\"\"\n\",b\n\"\"\nc"),
            ("5\" pipe\n\nb", "5\" pipe\n\"\"\nb"),
            ("x,\"\"\n\ny", "x,\"\"\n\"\"\ny"),
            ("a\n\n", "a\n\"\"\n"),
            ("", ""),
        ] {
            for buffer in [1, 2, 3, 7, 64] {
                assert_eq!(through(text, buffer), seen, "{text:?} by {buffer}");
            }
        }
    }
}
