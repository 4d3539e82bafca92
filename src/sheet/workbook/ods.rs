//! `OpenDocument` spreadsheets, read as they come: a row at a time, whatever it says of repetitions.

use std::collections::HashSet;
use std::io::BufReader;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::cells::number;
use super::{Bytes, Go, OnRow, Sheet, Trouble, WorkbookReader, within};
use crate::sheet::line::Mark;
use crate::sheet::rows::{Filled, SparseRow};

/// How many rows a sheet can have.
const MOST_ROWS: u64 = 1 << 20;

/// How long the text of a cell may be, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

pub(super) struct Ods {
    archive: ZipArchive<Bytes>,
    sheets: Vec<Sheet>,
}

type Xml<'a> = Reader<BufReader<zip::read::ZipFile<'a, Bytes>>>;

impl Ods {
    pub(super) fn open(bytes: Bytes) -> Result<Self, Trouble> {
        let mut archive = ZipArchive::new(bytes).map_err(damaged)?;
        let sheets = list(&mut content(&mut archive)?)?;
        Ok(Ods { archive, sheets })
    }
}

fn content(archive: &mut ZipArchive<Bytes>) -> Result<Xml<'_>, Trouble> {
    let part = archive.by_name("content.xml").map_err(damaged)?;
    let mut xml = Reader::from_reader(BufReader::new(part));
    xml.config_mut().expand_empty_elements = true;
    Ok(xml)
}

/// The names of the sheets, and whether they are shown.
fn list(xml: &mut Xml<'_>) -> Result<Vec<Sheet>, Trouble> {
    let mut sheets = Vec::new();
    let mut hidden: HashSet<String> = HashSet::new();
    let mut style = None;
    let mut depth = 0_u32;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(tag) => match tag.name().as_ref() {
                "style:style" => style = attribute(&tag, "style:name")?,
                "style:table-properties"
                    if attribute(&tag, "table:display")?.as_deref() == Some("false") =>
                {
                    hidden.extend(style.take());
                }
                "table:table" => {
                    depth += 1;
                    if depth == 1 {
                        let style = attribute(&tag, "table:style-name")?;
                        sheets.push(Sheet {
                            name: attribute(&tag, "table:name")?.unwrap_or_default(),
                            is_visible: !style.is_some_and(|style| hidden.contains(&style)),
                        });
                    }
                }
                _ => {}
            },
            Event::End(tag) if tag.name().as_ref() == "table:table" => {
                depth = depth.saturating_sub(1);
            }
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

impl WorkbookReader for Ods {
    fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    fn rows(&mut self, sheet: usize, on_row: OnRow<'_>) -> Result<(), Trouble> {
        let mut xml = content(&mut self.archive)?;
        let mut rows = Rows {
            number: 0,
            repeated: 1,
            column: 0,
            cells: Vec::new(),
        };
        let (mut tables, mut depth) = (0, 0_u32);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = xml.read_event_into(&mut buffer).map_err(damaged)?;
            let is_here = depth == 1 && tables == sheet + 1;
            match event {
                Event::Start(tag) => match tag.name().as_ref() {
                    "table:table" => {
                        depth += 1;
                        tables += usize::from(depth == 1);
                    }
                    "table:table-row" if is_here => rows.begin(&tag)?,
                    "table:table-cell" | "table:covered-table-cell" if is_here => {
                        let cell = Cell::of(&tag)?;
                        let name = tag.name().as_ref().to_owned();
                        let text = text(&mut xml, &name)?;
                        rows.put(cell, text)?;
                    }
                    _ => {}
                },
                Event::End(tag) => match tag.name().as_ref() {
                    "table:table" if is_here => return Ok(()),
                    "table:table" => depth = depth.saturating_sub(1),
                    "table:table-row" if is_here && rows.end(on_row)? == Go::Stop => {
                        return Ok(());
                    }
                    _ => {}
                },
                Event::Eof => return Err(Trouble::Damaged("it is cut off".to_owned())),
                _ => {}
            }
        }
    }
}

/// The row that is being read.
struct Rows {
    number: u64,
    repeated: u64,
    column: usize,
    cells: Vec<Filled>,
}

impl Rows {
    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(), Trouble> {
        self.repeated = count(tag, "table:number-rows-repeated")?;
        self.column = 0;
        self.cells.clear();
        Ok(())
    }

    fn put(&mut self, cell: Cell, text: String) -> Result<(), Trouble> {
        let repeated = usize::try_from(cell.repeated).unwrap_or(usize::MAX);
        if let Some((text, mark)) = cell.value(text) {
            for _ in 0..repeated {
                within(self.column)?;
                self.cells.push(Filled {
                    column: self.column,
                    text: text.clone(),
                    mark,
                });
                self.column += 1;
            }
        } else {
            self.column = self.column.saturating_add(repeated);
        }
        Ok(())
    }

    fn end(&mut self, on_row: OnRow<'_>) -> Result<Go, Trouble> {
        if self.cells.is_empty() {
            self.number = self.number.saturating_add(self.repeated);
            return Ok(Go::On);
        }
        for _ in 0..self.repeated {
            self.number += 1;
            if self.number > MOST_ROWS {
                return Err(Trouble::TooLarge(format!(
                    "it has more than {MOST_ROWS} rows"
                )));
            }
            let row = SparseRow {
                number: self.number,
                cells: self.cells.clone(),
            };
            if on_row(row)? == Go::Stop {
                return Ok(Go::Stop);
            }
        }
        Ok(Go::On)
    }
}

/// What a cell says of itself, its text apart.
#[derive(Default)]
struct Cell {
    repeated: u64,
    kind: String,
    value: Option<String>,
    is_error: bool,
    is_formula: bool,
}

impl Cell {
    fn of(tag: &BytesStart<'_>) -> Result<Self, Trouble> {
        let mut cell = Cell {
            repeated: count(tag, "table:number-columns-repeated")?,
            ..Cell::default()
        };
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(damaged)?;
            let value = || {
                attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .map_err(damaged)
            };
            match attribute.key.as_ref() {
                "office:value-type" => cell.kind = value()?.into_owned(),
                "office:value"
                | "office:date-value"
                | "office:time-value"
                | "office:boolean-value"
                | "office:string-value" => {
                    cell.value = Some(value()?.into_owned());
                }
                "calcext:value-type" => cell.is_error = value()? == "error",
                "table:formula" => cell.is_formula = true,
                _ => {}
            }
        }
        Ok(cell)
    }

    /// The text and what is to be known of it; nothing if the cell is empty. `shown` is the text that the
    /// program shows.
    fn value(self, shown: String) -> Option<(String, Option<Mark>)> {
        if self.is_error {
            return Some((shown, Some(Mark::Error)));
        }
        let found = match (&*self.kind, self.value) {
            ("float" | "percentage" | "currency", Some(value)) => match value.parse::<f64>() {
                // Zeros in front are shown, but not kept.
                Ok(of) if shown.starts_with('0') && shown.parse() == Ok(of) => {
                    (shown, number(of, 0).1)
                }
                Ok(of) => number(of, 0),
                Err(_) => (value, None),
            },
            ("date" | "time", Some(value)) => (value, Some(Mark::Date)),
            (_, Some(value)) if !value.is_empty() => (value, None),
            _ if shown.is_empty() && self.is_formula && self.kind.is_empty() => {
                ("(formula)".to_owned(), Some(Mark::NotCalculated))
            }
            _ => (shown, None),
        };
        (!found.0.is_empty()).then_some(found)
    }
}

/// The text of a cell, up to its end; notes apart.
fn text(xml: &mut Xml<'_>, cell: &str) -> Result<String, Trouble> {
    let mut text = String::new();
    let mut paragraphs = 0;
    let (mut depth, mut in_note) = (1_u32, 0_u32);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(tag) => match tag.name().as_ref() {
                name if name == cell => depth += 1,
                "office:annotation" => in_note += 1,
                _ if in_note > 0 || depth > 1 => {}
                "text:p" => {
                    paragraphs += 1;
                    if paragraphs > 1 {
                        text.push('\n');
                    }
                }
                "text:s" => {
                    let blanks = count(&tag, "text:c")?.min(LONGEST_TEXT as u64 + 1);
                    text.extend((0..blanks).map(|_| ' '));
                }
                "text:tab" => text.push('\t'),
                "text:line-break" => text.push('\n'),
                _ => {}
            },
            Event::Text(part) if in_note == 0 && depth == 1 && paragraphs > 0 => {
                text.push_str(&part.xml10_content());
            }
            Event::CData(part) if in_note == 0 && depth == 1 => {
                text.push_str(&part.xml10_content());
            }
            Event::GeneralRef(entity) if in_note == 0 && depth == 1 => {
                if let Some(character) = entity.resolve_char_ref().map_err(damaged)? {
                    text.push(character);
                } else if let Some(known) = quick_xml::escape::resolve_xml_entity(&entity) {
                    text.push_str(known);
                }
            }
            Event::End(tag) if tag.name().as_ref() == "office:annotation" => {
                in_note = in_note.saturating_sub(1);
            }
            Event::End(tag) if tag.name().as_ref() == cell => {
                depth -= 1;
                if depth == 0 {
                    return Ok(text);
                }
            }
            Event::Eof => return Err(Trouble::Damaged("it is cut off".to_owned())),
            _ => {}
        }
        if text.len() > LONGEST_TEXT {
            return Err(Trouble::TooLarge(format!(
                "it has a cell with more than {LONGEST_TEXT} bytes"
            )));
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Trouble> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(damaged)?;
        if attribute.key.as_ref() == name {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(damaged)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// How often something is repeated.
fn count(tag: &BytesStart<'_>, name: &str) -> Result<u64, Trouble> {
    match attribute(tag, name)? {
        None => Ok(1),
        Some(count) => count
            .parse()
            .map_err(|_| Trouble::Damaged(format!("{name} is {count:?}, which is no number"))),
    }
}

fn damaged(error: impl std::fmt::Display) -> Trouble {
    Trouble::Damaged(error.to_string())
}
