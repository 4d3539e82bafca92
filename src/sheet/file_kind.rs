//! What a file is, by how it begins.

use std::fmt;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Text with cells and rows.
    Text,
    /// One JSON object a line.
    JsonLines,
    /// A zip file: a workbook of one of the newer formats, or something else.
    Zip,
    /// A compound file: an old workbook, one with a password, or something else.
    Compound,
    /// Something that has no rows, and what.
    Other(Misfit),
}

/// What cannot be read as a spreadsheet, and what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    what: &'static str,
    instead: &'static str,
}

impl Misfit {
    /// What a spreadsheet program may open.
    pub(super) const fn to_save_again(what: &'static str) -> Self {
        let instead =
            "open it in your spreadsheet program and save it as a workbook (xlsx) or \"CSV UTF-8\"";
        Misfit { what, instead }
    }

    /// What holds the file that is meant.
    pub(super) const fn to_unpack(what: &'static str) -> Self {
        let instead = "unpack it, and name the file that was in it";
        Misfit { what, instead }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which cannot be read; {}", self.what, self.instead)
    }
}

/// How much of a file is looked at.
pub(super) const START: usize = 64 << 10;

impl FileKind {
    /// What a file is that begins like this.
    pub(super) fn of(start: &[u8]) -> FileKind {
        match start {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => FileKind::Zip,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => FileKind::Compound,
            [b'%', b'P', b'D', b'F', ..] => FileKind::Other(Misfit::to_save_again("a PDF")),
            [b'{', b'\\', b'r', b't', b'f', ..] => {
                FileKind::Other(Misfit::to_save_again("a text document (RTF)"))
            }
            [0x1F, 0x8B, ..] => FileKind::Other(Misfit::to_unpack("a packed file (gzip)")),
            _ => FileKind::of_text(start),
        }
    }

    /// The same of a file that is known to be text in UTF-8.
    pub(super) fn of_text(start: &[u8]) -> FileKind {
        let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
        let text = text.trim_ascii_start();
        let line = memchr::memchr2(b'\n', b'\r', text).map_or(text, |end| &text[..end]);
        match text {
            [b'{', ..] if is_object(line) => FileKind::JsonLines,
            [b'{' | b'[', rest @ ..] if begins_value(rest) => FileKind::Other(Misfit {
                what: "a JSON document that is not one object a line",
                instead: "write it as JSON lines, or save it as a workbook (xlsx) or \"CSV UTF-8\"",
            }),
            [b'<', ..] if begins_markup(text) => FileKind::Other(Misfit::to_save_again(
                "a web page or XML document, as some programs write under the name of a spreadsheet",
            )),
            _ => FileKind::Text,
        }
    }
}

/// Whether a line is an object, or the beginning of one that is longer than what was looked at.
fn is_object(line: &[u8]) -> bool {
    match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
        Ok(_) => true,
        Err(error) => error.is_eof() && line.len() > START / 2,
    }
}

/// Whether something of JSON stands behind a bracket; a heading in brackets is none.
fn begins_value(rest: &[u8]) -> bool {
    matches!(rest.trim_ascii_start(), [b'"' | b'{' | b'[', ..] | [])
}

fn begins_markup(text: &[u8]) -> bool {
    let start = text[..text.len().min(64)].to_ascii_lowercase();
    ["<?xml", "<!doctype", "<html", "<table", "<meta", "<head"]
        .iter()
        .any(|tag| start.starts_with(tag.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_how_they_begin() {
        for (start, kind) in [
            (&b"PK\x03\x04\x14\x00"[..], FileKind::Zip),
            (b"\xD0\xCF\x11\xE0\xA1\xB1", FileKind::Compound),
            (b"email,name\n", FileKind::Text),
            (b"", FileKind::Text),
            (b"{\"email\":\"a@b.c\"}\n{", FileKind::JsonLines),
            (b"\xEF\xBB\xBF\n {\"email\":1}\r\n", FileKind::JsonLines),
            (b"{}", FileKind::JsonLines),
            (b"{email},{name}\n", FileKind::Text),
            (b"[email],[name]\n", FileKind::Text),
            (b"<email>,name\n", FileKind::Text),
        ] {
            assert_eq!(
                FileKind::of(start),
                kind,
                "{}",
                String::from_utf8_lossy(start)
            );
        }
        for other in [
            &b"%PDF-1.7"[..],
            b"{\\rtf1\\ansi ",
            b"\x1F\x8B\x08",
            b"[{\"email\":1}]",
            b"{\n  \"email\": 1\n}",
            b"<html><table>",
            b"<?xml version=\"1.0\"?>",
        ] {
            assert!(matches!(FileKind::of(other), FileKind::Other(_)));
        }
    }
}
