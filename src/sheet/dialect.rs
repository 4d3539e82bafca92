//! How a text file marks its cells and lines.

use super::reading::DELIMITERS;

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

impl Dialect {
    /// What the beginning of a file, without its byte order mark, shows: the delimiter is the one
    /// that occurs most often in the first line that is not blank, quoted cells apart.
    pub(super) fn detect(start: &[u8], bom: bool) -> Self {
        let mut counts = [0_usize; DELIMITERS.len()];
        let mut before = b'\n';
        let (mut quoted, mut blank, mut crlf) = (false, true, false);
        for (at, &byte) in start.iter().enumerate() {
            let place = DELIMITERS.iter().position(|delimiter| *delimiter == byte);
            match (byte, place) {
                (b'"', _) if quoted => quoted = false,
                _ if quoted => blank = false,
                // The second of two quotes opens again what the first seemed to close.
                (b'"', _) => {
                    quoted = matches!(before, b'\n' | b'\r' | b'"') || DELIMITERS.contains(&before);
                    blank &= quoted;
                }
                (b'\n' | b'\r', _) if blank => counts.fill(0),
                (b'\n' | b'\r', _) => {
                    crlf = byte == b'\r' && start.get(at + 1) == Some(&b'\n');
                    break;
                }
                (_, Some(place)) => counts[place] += 1,
                _ => blank &= byte.is_ascii_whitespace(),
            }
            before = byte;
        }
        let (mut delimiter, mut most) = (DELIMITERS[0], 0);
        for (candidate, count) in DELIMITERS.into_iter().zip(counts) {
            if count > most {
                (delimiter, most) = (candidate, count);
            }
        }
        Dialect {
            delimiter,
            bom,
            crlf,
        }
    }
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
            (b"height 5\";name;a,b\n1,2,3,4,5", b';'),
            (b"\"a \"\"b,c,d\"\"\";name\n", b';'),
            (b"a|\"b,c,d\"\n", b'|'),
            (b",,,\nemail;name\n", b';'),
            (b"\t\n\"\"\nemail;name\n", b';'),
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
        assert!(!Dialect::detect(b"a,b\rc\r\n", false).crlf);
        assert!(Dialect::detect(b"\"first\nname\",b\r\nc", false).crlf);
    }
}
