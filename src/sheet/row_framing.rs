//! Makes blank lines visible to the CSV parser, which passes over them, so that rows keep the
//! numbers that a spreadsheet program shows; and stops at what the parser would let pass though it
//! makes one cell of many rows.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memchr2, memchr3};

/// What a blank line is turned into: a row with one empty cell.
const EMPTY_CELL: &[u8] = b"\"\"";

/// Hands on what it reads, with an empty cell put on every blank line.
#[derive(Debug)]
pub(super) struct RowFramer<R> {
    inner: R,
    follower: QuoteTracker,
    /// Of an empty cell, what is still to be handed on.
    pending: &'static [u8],
}

/// Follows quotes as the parser does: one opens a cell only at the cell's beginning, and two in a row
/// within a quoted cell stand for one.
#[derive(Debug)]
struct QuoteTracker {
    delimiter: u8,
    state: State,
    /// The byte before the next one; a line feed at the start.
    last: u8,
    /// How long the row is so far.
    row: usize,
    /// Whether the quoted cell has a line break in it so far.
    many_lines: bool,
}

/// How long a row may be, in bytes: a quotation mark without its partner would otherwise make one
/// cell of the rest of the file.
pub(super) const LONGEST_ROW: usize = 1 << 20;

/// Why the rest of the file cannot be divided into rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Endless {
    /// [`LONGEST_ROW`] is passed.
    #[error("the row is too long")]
    TooLong,
    /// A quoted cell goes on to the end of the file, or over several lines up to a quote that ends
    /// no cell: the one that opens it was not meant to, and has swallowed rows.
    #[error("a quotation mark has no partner")]
    StrayQuote,
}

impl From<Endless> for io::Error {
    fn from(endless: Endless) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, endless)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted,
    /// Right behind a quote within a quoted cell: its end, or the first of two.
    QuoteInQuoted,
    /// Where nothing that follows can be trusted.
    Stray,
}

impl<R: BufRead> RowFramer<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        let follower = QuoteTracker {
            delimiter,
            state: State::Plain,
            last: b'\n',
            row: 0,
            many_lines: false,
        };
        RowFramer {
            inner,
            follower,
            pending: &[],
        }
    }
}

impl QuoteTracker {
    /// How many bytes of `chunk` can be handed on as they are: up to the next blank line or stray
    /// quote.
    fn scan(&mut self, chunk: &[u8]) -> usize {
        let mut at = 0;
        let mut row_begins = 0;
        // Of a quoted cell, what has not been looked at for line breaks: that is needed for few.
        let mut unseen = 0;
        let breaks = |cell: &[u8]| memchr2(b'\n', b'\r', cell).is_some();
        while at < chunk.len() {
            match self.state {
                State::Quoted => {
                    let Some(quote) = memchr(b'"', &chunk[at..]) else {
                        at = chunk.len();
                        continue;
                    };
                    at += quote + 1;
                    self.state = State::QuoteInQuoted;
                }
                State::QuoteInQuoted if chunk[at] == b'"' => {
                    at += 1;
                    self.state = State::Quoted;
                }
                State::QuoteInQuoted => {
                    let ends = matches!(chunk[at], b'\n' | b'\r') || chunk[at] == self.delimiter;
                    self.state = if !ends && (self.many_lines || breaks(&chunk[unseen..at])) {
                        State::Stray
                    } else {
                        State::Plain
                    };
                }
                State::Stray => break,
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
                            self.many_lines = false;
                            unseen = at;
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
        if matches!(self.state, State::Quoted | State::QuoteInQuoted) {
            self.many_lines |= breaks(&chunk[unseen..at]);
        }
        self.row += at.saturating_sub(row_begins);
        at
    }
}

impl<R: BufRead> Read for RowFramer<R> {
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
                    self.follower.last = b'"';
                }
                return Ok(length);
            }
            let chunk = self.inner.fill_buf()?;
            if chunk.is_empty() {
                return match self.follower.state {
                    State::Quoted => Err(Endless::StrayQuote.into()),
                    _ => Ok(0),
                };
            }
            let length = chunk.len().min(to.len());
            let handed_on = self.follower.scan(&chunk[..length]);
            if handed_on == 0 {
                if self.follower.state == State::Stray {
                    return Err(Endless::StrayQuote.into());
                }
                self.pending = EMPTY_CELL;
                continue;
            }
            if self.follower.row > LONGEST_ROW {
                return Err(Endless::TooLong.into());
            }
            to[..handed_on].copy_from_slice(&chunk[..handed_on]);
            self.follower.last = to[handed_on - 1];
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
        RowFramer::new(reader, b',').read_to_end(&mut out).unwrap();
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
            ("\n\r\r\n", "\"\"\n\"\"\r\"\"\r\n"),
            ("\"a\"\n\n", "\"a\"\n\"\"\n"),
            ("\"a\"b\"\n\nc", "\"a\"b\"\n\"\"\nc"),
            ("", ""),
        ] {
            for buffer in [1, 2, 3, 7, 64] {
                assert_eq!(through(text, buffer), seen, "{text:?} by {buffer}");
            }
        }
    }

    fn refusal(from: impl Read, buffer: usize) -> Option<Endless> {
        let reader = io::BufReader::with_capacity(buffer, from);
        let mut out = io::sink();
        let error = io::copy(&mut RowFramer::new(reader, b','), &mut out).err()?;
        error.get_ref()?.downcast_ref().copied()
    }

    #[test]
    fn a_quote_that_swallows_lines_is_found() {
        for (text, stray) in [
            ("\"", true),
            ("\"\n", true),
            ("a,\"b\n\nc,d\n", true),
            ("a,\"b\nc,\"d\ne\n", true),
            ("a,\"b\r\"\"c\"d", true),
            ("a,\"b\nc\"", false),
            ("a,\"b\nc\",d\n\"e\"f", false),
            ("a,\"b\nc\"\r\n\"e\" ,f", false),
            ("5\" pipe\n6\" pipe\n", false),
        ] {
            for buffer in [1, 2, 3, 64] {
                assert_eq!(
                    refusal(text.as_bytes(), buffer),
                    stray.then_some(Endless::StrayQuote),
                    "{text:?} by {buffer}"
                );
            }
        }
    }

    #[test]
    fn a_row_without_an_end_is_given_up_however_much_more_there_is() {
        for byte in [b'x', b',', b'"', b' '] {
            let refused = refusal(io::repeat(byte), 4096);
            assert_eq!(refused, Some(Endless::TooLong), "{:?}", char::from(byte));
        }
        let quoted = (&b"a\n\"b"[..]).chain(io::repeat(b'\n'));
        assert_eq!(refusal(quoted, 4096), Some(Endless::TooLong));
    }
}
