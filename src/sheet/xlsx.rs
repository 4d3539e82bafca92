//! Rows into an xlsx workbook.
//!
//! Every cell of text is a text cell: it is shown as it is, never runs as a formula and never
//! becomes a number, and so needs no apostrophe ([`formula`](super::formula)). Control characters,
//! which XML cannot hold, are written as Excel writes them (`_x000B_`), which loses nothing.
//!
//! A workbook is a zip file whose first sheet begins with the widths of the columns: it is put
//! together when all rows are there. Until then they are in an anonymous file in the folder for
//! temporary files, which only this process can read and which is gone when the process ends,
//! however it ends; memory holds one row.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use rust_xlsxwriter::{
    Color, DataValidation, Format as Look, FormatAlign, FormatBorder, IgnoreError,
    Workbook as Xlsx, Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr;

use super::catch_panic::catch_panic;
use super::cell::{Cell, Tone};
use super::format::Format;

/// Columns are as wide as what stands in the header and in this many rows, within limits.
const MEASURED_ROWS: u32 = 200;

/// The narrowest and the widest column, in characters.
const WIDTHS: (usize, usize) = (8, 60);

/// The widest column of a sheet with explanations.
const WIDTH_OF_NOTES: usize = 90;

/// The height of a line, in points.
const LINE: u32 = 15;

/// What the button of the filter takes from a heading, in characters.
const BUTTON: usize = 3;

/// The last row of a sheet, from 0.
const LAST_ROW: u32 = 1_048_575;

/// A part of a zip file that is larger needs its large form (zip64).
const LARGE: u64 = u32::MAX as u64;

/// The most that XML puts around a cell, and that it makes of one character.
const AROUND_CELL: u64 = 100;
const LONGEST_ESCAPE: u64 = 7;

/// A workbook being written.
pub(super) struct Workbook {
    xlsx: Xlsx,
    header: Vec<String>,
    /// How wide each column has to be, in characters.
    widths: Vec<usize>,
    /// Rows below the header.
    rows: u32,
    /// How many bytes the sheet has at the most.
    size: u64,
    looks: Looks,
}

impl fmt::Debug for Workbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbook")
            .field("header", &self.header)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Workbook {
    pub(super) fn new(header: &[String]) -> io::Result<Self> {
        Format::Xlsx
            .check_size(0, header.len())
            .map_err(io::Error::other)?;
        let mut workbook = Workbook {
            xlsx: Xlsx::new(),
            header: header.to_vec(),
            widths: vec![0; header.len()],
            rows: 0,
            size: 0,
            looks: Looks::new(),
        };
        for name in header {
            let fits = Format::Xlsx.check_text(1, name, name);
            fits.map_err(io::Error::other)?;
        }
        attempt(|| workbook.xlsx.add_worksheet_with_constant_memory().map(drop))?;
        attempt(|| {
            let sheet = workbook.xlsx.worksheet_from_index(0)?;
            let Looks { heading, plain, .. } = &workbook.looks;
            for (column, name) in (0..).zip(header) {
                sheet.write_string_with_format(0, column, name, heading)?;
                // What is typed below the last row is text as well.
                sheet.set_column_format(column, plain.of(&Cell::Empty))?;
            }
            sheet.set_freeze_panes(1, 0).map(drop)
        })?;
        for (at, name) in header.iter().enumerate() {
            workbook.measure(at, name, BUTTON);
        }
        Ok(workbook)
    }

    pub(super) fn row(&mut self, tone: Tone, cells: &[Cell<'_>]) -> io::Result<()> {
        Format::Xlsx
            .check_size(u64::from(self.rows) + 1, cells.len())
            .map_err(io::Error::other)?;
        let number = self.rows + 1;
        let texts: Vec<Cow<'_, str>> = cells.iter().map(|cell| cell.text()).collect();
        for (at, text) in texts.iter().enumerate() {
            let heading = self.header.get(at).map_or("", String::as_str);
            Format::Xlsx
                .check_text(u64::from(number) + 1, heading, text)
                .map_err(io::Error::other)?;
            self.size += bytes_in_xml(text) + AROUND_CELL;
            if number <= MEASURED_ROWS {
                self.measure(at, text, 1);
            }
        }
        let look = self.looks.of(tone);
        attempt(|| {
            let sheet = self.xlsx.worksheet_from_index(0)?;
            for ((column, cell), text) in (0..).zip(cells).zip(&texts) {
                match cell {
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "a workbook knows no other numbers; counts are small enough"
                    )]
                    Cell::Number(value) => {
                        sheet.write_number_with_format(number, column, *value as f64, look.of(cell))
                    }
                    _ if !text.is_empty() => {
                        sheet.write_string_with_format(number, column, &**text, look.of(cell))
                    }
                    _ if tone == Tone::Plain => continue,
                    _ => sheet.write_blank(number, column, look.of(cell)),
                }?;
            }
            Ok(())
        })?;
        self.rows = number;
        Ok(())
    }

    /// Lets the cells of a column be picked from a list.
    pub(super) fn offer(&mut self, column: u16, choices: &[&str]) -> io::Result<()> {
        attempt(|| {
            let list = DataValidation::new()
                .allow_list_strings(choices)?
                .set_error_title("Not one of the list")?
                .set_error_message(format!(
                    "Pick one of these, or leave it empty: {}",
                    choices.join(", ")
                ))?;
            let sheet = self.xlsx.worksheet_from_index(0)?;
            sheet
                .add_data_validation(1, column, LAST_ROW, column, &list)
                .map(drop)
        })
    }

    /// Adds a sheet of its own. It is small, and so kept in memory.
    pub(super) fn explain(
        &mut self,
        title: &str,
        header: &[&str],
        rows: &[Vec<&str>],
    ) -> io::Result<()> {
        attempt(|| {
            let sheet = self.xlsx.add_worksheet();
            sheet.set_name(title)?;
            sheet.set_freeze_panes(1, 0)?;
            let wrapped = Look::new().set_text_wrap().set_align(FormatAlign::Top);
            let mut widths = Vec::new();
            for (column, name) in (0..).zip(header) {
                sheet.write_string_with_format(0, column, *name, &self.looks.heading)?;
                let cells = rows.iter().filter_map(|row| row.get(usize::from(column)));
                let lines = cells.flat_map(|cell| cell.lines());
                let longest = lines.chain([*name]).map(UnicodeWidthStr::width).max();
                let width = longest.unwrap_or(0).min(WIDTH_OF_NOTES);
                sheet.set_column_width(column, u32::try_from(width + 2).unwrap_or(u32::MAX))?;
                widths.push(width);
            }
            for (number, row) in (1..).zip(rows) {
                for (column, cell) in (0..).zip(row) {
                    sheet.write_string_with_format(number, column, *cell, &wrapped)?;
                }
                // Not every spreadsheet program makes room by itself.
                let lines = row
                    .iter()
                    .zip(&widths)
                    .map(|(cell, width)| lines_in(cell, *width));
                sheet.set_row_height(number, LINE * lines.max().unwrap_or(1))?;
            }
            Ok(())
        })
    }

    /// Puts the workbook together and writes it.
    pub(super) fn finish<W: Write + Send>(mut self, to: &mut W) -> io::Result<()> {
        let last_column = u16::try_from(self.header.len().saturating_sub(1)).unwrap_or(u16::MAX);
        attempt(|| {
            let sheet = self.xlsx.worksheet_from_index(0)?;
            sheet.autofilter(0, 0, self.rows, last_column)?;
            // Ids are text on purpose; no green corner need say so in every cell.
            sheet.ignore_error_range(
                0,
                0,
                self.rows,
                last_column,
                IgnoreError::NumberStoredAsText,
            )?;
            for (column, width) in (0..).zip(&self.widths) {
                set_width(sheet, column, *width)?;
            }
            self.xlsx.use_zip_large_file(self.size > LARGE);
            self.xlsx.save_to_writer(to)
        })
    }

    fn measure(&mut self, at: usize, text: &str, room: usize) {
        let longest_line = text.lines().map(UnicodeWidthStr::width).max();
        if let Some(width) = self.widths.get_mut(at) {
            *width = (*width).max(longest_line.unwrap_or(0) + room);
        }
    }
}

fn set_width(sheet: &mut Worksheet, column: u16, characters: usize) -> Result<(), XlsxError> {
    let (narrowest, widest) = WIDTHS;
    // At most 60.
    let width = u32::try_from(characters.clamp(narrowest, widest)).unwrap_or_default();
    sheet.set_column_width(column, width).map(drop)
}

/// How many lines a cell takes in a column of this width.
fn lines_in(cell: &str, width: usize) -> u32 {
    let lines = cell
        .lines()
        .map(|line| line.width().div_ceil(width.max(1)).max(1));
    u32::try_from(lines.sum::<usize>())
        .unwrap_or(u32::MAX)
        .max(1)
}

/// Whatever XML makes of a text, it is not longer than this, in bytes.
fn bytes_in_xml(text: &str) -> u64 {
    let escaped = |byte: &&u8| **byte < b' ' || matches!(**byte, b'&' | b'<' | b'>' | b'_' | 0xEF);
    let longer = text.as_bytes().iter().filter(escaped).count();
    text.len() as u64 + LONGEST_ESCAPE * longer as u64
}

/// How the cells of a workbook look.
struct Looks {
    heading: Look,
    plain: RowLook,
    alarm: RowLook,
    caution: RowLook,
}

/// How the cells of a row look.
struct RowLook {
    /// "@" keeps a spreadsheet program from guessing when a cell is edited.
    text: Look,
    number: Look,
}

impl Looks {
    /// The colours of letters have a contrast of 7 to 1 and more to those behind them (WCAG 2.2,
    /// 1.4.6); slanted letters tell the two tones apart where colours cannot.
    fn new() -> Self {
        let coloured = |back, letters| {
            let look = Look::new().set_background_color(Color::RGB(back));
            look.set_font_color(Color::RGB(letters))
        };
        Looks {
            heading: Look::new()
                .set_bold()
                .set_num_format("@")
                .set_background_color(Color::RGB(0x00E7_E9ED))
                .set_border_bottom(FormatBorder::Thin),
            plain: RowLook::from(Look::new()),
            alarm: RowLook::from(coloured(0x00FF_D9D9, 0x0080_0000)),
            caution: RowLook::from(coloured(0x00FF_F1C2, 0x005C_3B00).set_italic()),
        }
    }

    fn of(&self, tone: Tone) -> &RowLook {
        match tone {
            Tone::Plain => &self.plain,
            Tone::Alarm => &self.alarm,
            Tone::Caution => &self.caution,
        }
    }
}

impl From<Look> for RowLook {
    fn from(look: Look) -> Self {
        RowLook {
            text: look.clone().set_num_format("@"),
            // Without a format of its own a number would take that of its column.
            number: look.set_num_format("0"),
        }
    }
}

impl RowLook {
    fn of(&self, cell: &Cell<'_>) -> &Look {
        match cell {
            Cell::Number(_) => &self.number,
            _ => &self.text,
        }
    }
}

/// Does something to the workbook. The library panics when the folder for temporary files is full;
/// that is an error like others, after which the workbook is not used any more.
fn attempt(work: impl FnOnce() -> Result<(), XlsxError>) -> io::Result<()> {
    match catch_panic(work) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(XlsxError::IoError(error))) => Err(error),
        Ok(Err(XlsxError::TempFileError(_, error))) => Err(no_room(&error)),
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(words) => match words.downcast::<String>() {
            Ok(words) if words.starts_with(NO_ROOM) => Err(no_room(&words)),
            Ok(words) => Err(io::Error::other(*words)),
            Err(_) => Err(io::Error::other("the workbook cannot be put together")),
        },
    }
}

/// How the library begins to say that a temporary file cannot be written.
const NO_ROOM: &str = "Couldn't write to xml file";

fn no_room(why: &dyn fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::StorageFull,
        format!(
            "{}, the folder for temporary files, cannot be written to: {why}. Make room there, name another folder in \
             the variable {}, or write CSV",
            std::env::temp_dir().display(),
            if cfg!(windows) { "TEMP" } else { "TMPDIR" }
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_not_the_end() {
        let error = attempt(|| panic!("{NO_ROOM}: no space left")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(
            error.to_string().contains("folder for temporary files"),
            "{error}"
        );
        let other = attempt(|| panic!("{}", "something else")).unwrap_err();
        assert_eq!(other.to_string(), "something else");
        assert!(attempt(|| Ok(())).is_ok());
    }
}
