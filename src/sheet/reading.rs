//! How somebody says that a file is to be read. Whatever is left open is found out from the file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::code_page::CodePage;

/// How a file is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Which sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetName>,
    /// How the bytes of a text file stand for letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What stands between the cells of a text file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// The row with the headings, as the spreadsheet shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u64>,
}

/// A sheet of a workbook, by its name, or by its place from 1 where no sheet has that name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SheetName(pub(super) String);

impl FromStr for SheetName {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(SheetName(name.to_owned()))
    }
}

impl SheetName {
    /// Which of these sheets is meant.
    pub(super) fn among(&self, names: &[String]) -> Option<usize> {
        let wanted = self.0.trim().to_lowercase();
        let exact = names.iter().position(|name| *name == self.0);
        let alike = || {
            names
                .iter()
                .position(|name| name.trim().to_lowercase() == wanted)
        };
        let numbered = || {
            let number: usize = wanted.parse().ok()?;
            number.checked_sub(1).filter(|at| *at < names.len())
        };
        exact.or_else(alike).or_else(numbered)
    }
}

impl fmt::Display for SheetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How bytes stand for letters, by the names of the WHATWG's Encoding Standard, and code pages of DOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encoding(pub(super) Letters);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Standard(&'static encoding_rs::Encoding),
    Dos(CodePage),
}

/// A name that is no encoding's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an encoding that is known; there are utf-8, utf-16le, utf-16be, windows-1252, windows-1250, \
     iso-8859-2, macintosh, cp850, shift_jis, gbk and others"
)]
pub struct EncodingError(String);

impl FromStr for Encoding {
    type Err = EncodingError;

    fn from_str(name: &str) -> Result<Self, EncodingError> {
        // What programs call them, where the standard does not.
        let label = match name.trim().to_ascii_lowercase().as_str() {
            "utf8bom" | "utf-8-sig" | "utf-8-bom" => "utf-8".to_owned(),
            "utf16" | "utf16le" => "utf-16le".to_owned(),
            "utf16be" => "utf-16be".to_owned(),
            other => match (CodePage::named(other), other.strip_prefix("cp")) {
                (Some(page), _) => return Ok(Encoding(Letters::Dos(page))),
                (None, Some(page)) => format!("windows-{page}"),
                (None, None) => other.to_owned(),
            },
        };
        let found = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
        found
            .map(Encoding::from)
            .ok_or_else(|| EncodingError(name.to_owned()))
    }
}

impl From<&'static encoding_rs::Encoding> for Encoding {
    fn from(encoding: &'static encoding_rs::Encoding) -> Self {
        Encoding(Letters::Standard(encoding))
    }
}

impl TryFrom<String> for Encoding {
    type Error = EncodingError;

    fn try_from(name: String) -> Result<Self, EncodingError> {
        name.parse()
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> String {
        encoding.to_string()
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Letters::Standard(encoding) => f.write_str(&encoding.name().to_ascii_lowercase()),
            Letters::Dos(page) => f.write_str(page.name()),
        }
    }
}

/// What stands between the cells of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(pub(super) u8);

/// Something that does not stand between cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot stand between cells; there are , ; | and tab")]
pub struct DelimiterError(String);

/// What may stand between cells, the likeliest first.
pub(super) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl FromStr for Delimiter {
    type Err = DelimiterError;

    fn from_str(name: &str) -> Result<Self, DelimiterError> {
        match name {
            "tab" | "Tab" | "TAB" | "\\t" => Ok(Delimiter(b'\t')),
            _ => match name.as_bytes() {
                [one] if DELIMITERS.contains(one) => Ok(Delimiter(*one)),
                _ => Err(DelimiterError(name.to_owned())),
            },
        }
    }
}

impl TryFrom<String> for Delimiter {
    type Error = DelimiterError;

    fn try_from(name: String) -> Result<Self, DelimiterError> {
        name.parse()
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> String {
        delimiter.to_string()
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            other => write!(f, "{}", char::from(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_found_by_name_and_else_by_number() {
        let names = ["People".to_owned(), "2026".to_owned(), "2".to_owned()];
        for (name, place) in [
            ("People", Some(0)),
            (" people ", Some(0)),
            ("1", Some(0)),
            ("2", Some(2)),
            ("3", Some(2)),
            ("2026", Some(1)),
            ("0", None),
            ("4", None),
            ("Leavers", None),
        ] {
            let sheet: SheetName = name.parse().unwrap();
            assert_eq!(sheet.among(&names), place, "{name:?}");
        }
    }

    #[test]
    fn what_is_written_down_is_read_back_and_what_is_missing_is_left_open() {
        let reading = Reading {
            sheet: Some(SheetName("2".to_owned())),
            encoding: Some("CP1252".parse().unwrap()),
            delimiter: Some("tab".parse().unwrap()),
            header_row: Some(4),
        };
        let text = serde_json::to_string(&reading).unwrap();
        insta::assert_snapshot!(text, @r#"{"sheet":"2","encoding":"windows-1252","delimiter":"tab","header_row":4}"#);
        assert_eq!(serde_json::from_str::<Reading>(&text).unwrap(), reading);
        let open: Reading = serde_json::from_str("{}").unwrap();
        assert_eq!(open, Reading::default());
    }

    #[test]
    fn names_that_are_not_known_are_refused_with_those_that_are() {
        insta::assert_snapshot!("ansi-ish".parse::<Encoding>().unwrap_err(), @r#""ansi-ish" is not an encoding that is known; there are utf-8, utf-16le, utf-16be, windows-1252, windows-1250, iso-8859-2, macintosh, cp850, shift_jis, gbk and others"#);
        insta::assert_snapshot!("::".parse::<Delimiter>().unwrap_err(), @r#""::" cannot stand between cells; there are , ; | and tab"#);
        for name in [
            "latin1",
            "utf-16",
            "UTF16BE",
            "windows-1250",
            "mac",
            "sjis",
            "CP850",
            "ibm866",
        ] {
            let encoding: Encoding = name.parse().unwrap();
            assert_eq!(encoding.to_string().parse(), Ok(encoding), "{name}");
        }
    }
}
