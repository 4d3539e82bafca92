//! How a text file marks its cells and lines.

/// What has to be kept to write a file as another one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: u8,
    /// Whether the file begins with a byte order mark, as Excel on Windows needs it for UTF-8.
    pub bom: bool,
    /// Whether lines end with CR LF.
    pub crlf: bool,
}

/// What may stand between cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Dialect {
    /// What the beginning of a file, without its byte order mark, shows: the delimiter is the one
    /// that occurs most often in the first line that is not blank, quoted cells apart.
    pub(super) fn detect(start: &[u8], bom: bool) -> Self {
        let line = first_line(start);
        let mut delimiter = b',';
        let mut most = 0;
        for candidate in DELIMITERS {
            let count = count_unquoted(line, candidate);
            if count > most {
                (delimiter, most) = (candidate, count);
            }
        }
        let crlf = memchr::memchr(b'\n', start).is_some_and(|at| at > 0 && start[at - 1] == b'\r');
        Dialect {
            delimiter,
            bom,
            crlf,
        }
    }
}

/// The first line with anything in it; line breaks in quotes do not end it.
fn first_line(start: &[u8]) -> &[u8] {
    let blank = start
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace() && **byte != b'\t')
        .count();
    let rest = &start[blank..];
    let mut quoted = false;
    let end = rest.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\n' | b'\r')
    });
    &rest[..end.unwrap_or(rest.len())]
}

fn count_unquoted(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    line.iter()
        .filter(|byte| {
            quoted ^= **byte == b'"';
            !quoted && **byte == delimiter
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        for (start, delimiter) in [
            (&b"email,first;last\n"[..], b','),
            (b"email;first,last;teams\r\na,b,c,d,e", b';'),
            (b"email\tname\n", b'\t'),
            (b"email|name\n", b'|'),
            (b"\"a,b,c\";name\n", b';'),
            (b"\r\n\r\nemail;name\n", b';'),
            (b"email\na;b;c\n", b','),
            (b"", b','),
        ] {
            assert_eq!(
                Dialect::detect(start, false).delimiter,
                delimiter,
                "{}",
                String::from_utf8_lossy(start)
            );
        }
        assert!(Dialect::detect(b"a,b\r\nc", false).crlf);
        assert!(!Dialect::detect(b"a,b\nc", false).crlf);
    }
}
