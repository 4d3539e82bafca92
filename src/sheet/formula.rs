//! Cells that a spreadsheet program would run (OWASP ASVS 1.2.10).
//!
//! A cell that begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a NUL is written with an
//! apostrophe in front, which spreadsheet programs take for "this is text". On reading, one
//! apostrophe is taken away from such a cell. A cell that begins with apostrophes *and then* one of
//! these gets one more and loses it again, so that whatever was written is read back as it was.

use std::borrow::Cow;

/// The cell as it is written.
#[must_use]
pub fn guard(cell: &str) -> Cow<'_, str> {
    // Nearly every cell begins like this, and a large file has many.
    if cell.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Cow::Borrowed(cell);
    }
    if is_dangerous(cell.trim_start_matches('\'')) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// The cell as it was before it was written.
#[must_use]
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_dangerous(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

/// Whether a cell that begins like this runs. Spreadsheet programs take the full-width forms of
/// the signs for the signs themselves.
fn is_dangerous(text: &str) -> bool {
    text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠',
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_guarded_and_other_cells_left_alone() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("'=1", "''=1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("O'Hara", "O'Hara"),
            ("'quoted'", "'quoted'"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(guard(cell), written);
            assert_eq!(unguard(written), cell);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(cell in "'{0,3}[=+@a-]?.{0,8}") {
            let written = guard(&cell);
            prop_assert_eq!(unguard(&written), cell.as_str());
        }
    }
}
