//! An input that was looked at: how its rows are read is settled, and they can be read from the start
//! as often as needed.

use std::fs::File;
use std::io::Read;

use super::cursor::FileCursor;
use super::encoding::{self, Untranslatable};
use super::encoding_check::better;
use super::error::SheetError;
use super::file_kind::{FileKind, Misfit, START};
use super::header::Judge;
use super::original::Original;
use super::reader::Reader;
use super::reading::{Encoding, Reading};
use super::remark::{Decided, Remark};
use super::table::Table;
use super::text::Layout;
use super::{Addressing, Fact, RowNumber, json_lines, workbook};

/// An input, and how it is read.
#[derive(Debug)]
pub struct Snapshot {
    original: Original,
    body: Body,
    remarks: Vec<Remark>,
}

/// Where the rows are read from.
#[derive(Debug)]
enum Body {
    /// From a text in UTF-8: the copy itself, or another one.
    Text {
        file: File,
        /// What it was in.
        encoding: Encoding,
        /// Whether it began with a byte order mark.
        is_marked: bool,
        layout: Layout,
    },
    /// From rows that were put aside.
    Rows(Table),
}

impl Snapshot {
    /// Finds out how to read a file, as far as `reading` leaves that open. `judge` tells which row has the headings.
    ///
    /// # Errors
    /// When it is empty, or has no rows that could be made out.
    pub fn of(original: Original, reading: &Reading, judge: Judge<'_>) -> Result<Self, SheetError> {
        let start = beginning(&original)?;
        let mut decided = Vec::new();
        let name = original.name();
        let other = |what| SheetError::NotText {
            file: name.to_owned(),
            what,
        };
        let body = match FileKind::of(&start) {
            FileKind::Zip | FileKind::Compound => {
                Body::Rows(workbook::convert(&original, reading, judge)?)
            }
            FileKind::Other(what) => return Err(other(what)),
            FileKind::JsonLines | FileKind::Text => {
                let text = text(&original, &start, reading, &mut decided)?;
                match text.kind {
                    FileKind::JsonLines => Body::Rows(json_lines::convert(
                        FileCursor::at_start(text.file),
                        original.name(),
                    )?),
                    FileKind::Other(what) => return Err(other(what)),
                    FileKind::Text | FileKind::Zip | FileKind::Compound => {
                        text.laid_out(name, reading, judge)?
                    }
                }
            }
        };
        match &body {
            Body::Text { layout, .. } => decided.extend(layout.header.remark()),
            Body::Rows(table) => decided.extend(table.remarks.iter().cloned()),
        }
        let remark = |what| Remark {
            file: name.to_owned(),
            what,
        };
        let remarks = decided.into_iter().map(remark).collect();
        Ok(Snapshot {
            original,
            body,
            remarks,
        })
    }

    /// The file as it came.
    #[must_use]
    pub fn original(&self) -> &Original {
        &self.original
    }

    /// What was decided about it.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// What was understood of how it is made.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        match &self.body {
            Body::Text {
                encoding,
                is_marked,
                layout,
                ..
            } => {
                let header = RowNumber(layout.header.row);
                Fact::of_text(*encoding, *is_marked, layout.dialect, header)
            }
            Body::Rows(table) => table.facts.clone(),
        }
    }

    /// How messages name its cells.
    #[must_use]
    pub fn addressing(&self) -> Addressing {
        match &self.body {
            Body::Text { .. } => Addressing::Rows,
            Body::Rows(table) => table.addressing,
        }
    }

    /// Reads it from the start. Each reader has a place of its own.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn open(&self) -> Result<Reader, SheetError> {
        let name = self.original.name();
        match &self.body {
            Body::Text { file, layout, .. } => Reader::of_text(cursor(file, name)?, name, *layout),
            Body::Rows(table) => Ok(Reader::of_rows(cursor(&table.file, name)?, name, table)),
        }
    }
}

/// The file from its start, whoever else reads it.
fn cursor(file: &File, name: &str) -> Result<FileCursor, SheetError> {
    let copy = file.try_clone().map_err(SheetError::io(name))?;
    Ok(FileCursor::at_start(copy))
}

fn beginning(original: &Original) -> Result<Vec<u8>, SheetError> {
    let mut start = Vec::new();
    let read = original
        .cursor()
        .and_then(|cursor| cursor.take(START as u64).read_to_end(&mut start));
    read.map_err(SheetError::io(original.name()))?;
    Ok(start)
}

/// A text in UTF-8.
struct Text {
    file: File,
    kind: FileKind,
    /// What it was in.
    encoding: Encoding,
    is_marked: bool,
}

impl Text {
    fn laid_out(self, name: &str, reading: &Reading, judge: Judge<'_>) -> Result<Body, SheetError> {
        let open = || cursor(&self.file, name);
        let mut layout = Layout::of(&open, name, reading, judge)?;
        if !self.encoding.is_utf8() {
            // What is written for it is UTF-8, which Excel knows by the mark only.
            layout.dialect.bom = true;
        }
        Ok(Body::Text {
            file: self.file,
            encoding: self.encoding,
            is_marked: self.is_marked,
            layout,
        })
    }
}

/// The text of a file, in UTF-8.
fn text(
    original: &Original,
    start: &[u8],
    reading: &Reading,
    decided: &mut Vec<Decided>,
) -> Result<Text, SheetError> {
    let failed = SheetError::io(original.name());
    let no_room = SheetError::no_room(original.name());
    let encoding = encoding_of(original, start, reading, decided)?;
    let is_marked = encoding::marked(start).is_some();
    if encoding.is_utf8() {
        return Ok(Text {
            file: original.cursor().map_err(failed)?.into_file(),
            kind: FileKind::of_text(start),
            encoding,
            is_marked,
        });
    }
    let file = tempfile::tempfile().map_err(no_room)?;
    let from = original.cursor().map_err(failed)?;
    encoding::to_utf8(from, encoding, &file).map_err(|error| match error {
        Untranslatable::Read(source) => failed(source),
        Untranslatable::Write(source) => no_room(source),
        Untranslatable::Wrong => SheetError::WrongEncoding {
            file: original.name().to_owned(),
            encoding,
        },
    })?;
    let mut start = Vec::new();
    let mut at_start = FileCursor::at_start(file.try_clone().map_err(failed)?).take(START as u64);
    at_start.read_to_end(&mut start).map_err(failed)?;
    Ok(Text {
        file,
        kind: FileKind::of_text(&start),
        encoding,
        is_marked,
    })
}

/// The encoding of a text: what its mark says, what somebody says, or what is likely.
fn encoding_of(
    original: &Original,
    start: &[u8],
    reading: &Reading,
    decided: &mut Vec<Decided>,
) -> Result<Encoding, SheetError> {
    let survey = original.survey();
    match (encoding::marked(start), reading.encoding) {
        (Some(by), Some(named)) if by != named => {
            decided.push(Decided::Marked { by, named });
            return Ok(by);
        }
        (Some(encoding), _) | (None, Some(encoding)) => return Ok(encoding),
        (None, None) => {}
    }
    if let Some(encoding) = survey.looks_like_utf16() {
        decided.push(Decided::Guessed(encoding));
        return Ok(encoding);
    }
    if start[..start.len().min(4096)].contains(&0) {
        return Err(SheetError::NotText {
            file: original.name().to_owned(),
            what: Misfit::to_save_again("not a text file"),
        });
    }
    if survey.is_utf8() || survey.is_utf8_in_the_main() {
        return Ok(encoding_rs::UTF_8.into());
    }
    let failed = SheetError::io(original.name());
    let guess = original
        .cursor()
        .and_then(encoding::guess)
        .map_err(failed)?;
    let better = original.cursor().and_then(|cursor| better(cursor, guess));
    if let Some(better) = better.map_err(failed)? {
        return Err(SheetError::UnclearEncoding {
            file: original.name().to_owned(),
            guess,
            odd: better.odd,
            other: better.encoding,
            word: better.word,
        });
    }
    decided.push(Decided::Guessed(guess));
    Ok(guess)
}
