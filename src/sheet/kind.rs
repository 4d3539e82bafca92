//! What a file is, by how it begins.

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text with cells and rows.
    Text,
    /// One JSON object a line.
    JsonLines,
    /// A zip file: a workbook of one of the newer formats, or something else.
    Zip,
    /// A compound file: an old workbook, one with a password, or something else.
    Compound,
    /// Something that has no rows, and what.
    Other(&'static str),
}

/// How much of a file is looked at.
pub(super) const START: usize = 64 << 10;

impl Kind {
    /// What a file is that begins like this.
    pub(super) fn of(start: &[u8]) -> Kind {
        match start {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Kind::Zip,
            [0xD0, 0xCF, 0x11, 0xE0, ..] => Kind::Compound,
            [b'%', b'P', b'D', b'F', ..] => Kind::Other("a PDF"),
            _ => Kind::of_text(start),
        }
    }

    /// The same of a file that is known to be text in UTF-8.
    pub(super) fn of_text(start: &[u8]) -> Kind {
        let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
        let text = text.trim_ascii_start();
        let line = memchr::memchr2(b'\n', b'\r', text).map_or(text, |end| &text[..end]);
        match text {
            [b'{', ..] if is_object(line) => Kind::JsonLines,
            [b'{' | b'[', rest @ ..] if begins_value(rest) => Kind::Other(
                "a JSON document; what can be read of JSON is one object a line (JSON lines)",
            ),
            [b'<', ..] if begins_markup(text) => Kind::Other(
                "a web page or XML document, as some programs write under the name of a spreadsheet",
            ),
            _ => Kind::Text,
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
            (&b"PK\x03\x04\x14\x00"[..], Kind::Zip),
            (b"\xD0\xCF\x11\xE0\xA1\xB1", Kind::Compound),
            (b"email,name\n", Kind::Text),
            (b"", Kind::Text),
            (b"{\"email\":\"a@b.c\"}\n{", Kind::JsonLines),
            (b"\xEF\xBB\xBF\n {\"email\":1}\r\n", Kind::JsonLines),
            (b"{}", Kind::JsonLines),
            (b"{email},{name}\n", Kind::Text),
            (b"[email],[name]\n", Kind::Text),
            (b"<email>,name\n", Kind::Text),
        ] {
            assert_eq!(Kind::of(start), kind, "{}", String::from_utf8_lossy(start));
        }
        for other in [
            &b"%PDF-1.7"[..],
            b"[{\"email\":1}]",
            b"{\n  \"email\": 1\n}",
            b"<html><table>",
            b"<?xml version=\"1.0\"?>",
        ] {
            assert!(matches!(Kind::of(other), Kind::Other(_)));
        }
    }
}
