//! JSON lines as rows: one object a line, its keys for headings, in the order in which they first
//! appear anywhere in the file. Keys within objects are joined with a dot.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cursor::FileCursor;
use super::error::SheetError;
use super::line::Mark;
use super::rows::{Filled, MOST_COLUMNS, RowSpool, SparseRow, SpoolError};
use super::table::Table;
use super::{Addressing, Fact};

/// How long a line may be, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// How deep objects may stand in each other.
const DEEPEST: usize = 16;

/// An object, its values as they are written; two keys may be the same.
struct Object<'a>(Vec<(String, &'a RawValue)>);

/// Reads all lines of `from` and puts them aside.
pub(super) fn convert(from: FileCursor, file: &str) -> Result<Table, SheetError> {
    let wrong = |line, what| SheetError::JsonLine {
        file: file.to_owned(),
        line,
        what,
    };
    let failed = SheetError::io(file);
    let no_room = SheetError::no_room(file);
    let mut lines = BufReader::with_capacity(64 << 10, from);
    let mut spool = RowSpool::new().map_err(no_room)?;
    let mut keys = Keys::default();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut limited = Read::by_ref(&mut lines).take(LONGEST_LINE + 1);
        if limited.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        if bytes.len() as u64 > LONGEST_LINE {
            let what = format!(
                "the line is longer than {LONGEST_LINE} bytes; put one object on each line"
            );
            return Err(wrong(line, what));
        }
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let cells = keys.cells(text).map_err(|what| wrong(line, what))?;
        let row = SparseRow {
            number: line,
            cells,
        };
        spool.put(&row).map_err(|error| match error {
            SpoolError::Io(source) => no_room(source),
            other => SheetError::TooLarge {
                file: file.to_owned(),
                what: other.to_string(),
            },
        })?;
    }
    let (rows, _) = spool.finish().map_err(no_room)?;
    if keys.header.is_empty() {
        return Err(SheetError::Empty(file.to_owned()));
    }
    Ok(Table {
        file: rows,
        header: keys.header.into(),
        below: 0,
        addressing: Addressing::Rows,
        facts: vec![Fact::Format("JSON lines")],
        remarks: Vec::new(),
    })
}

/// The keys so far, and the column of each.
#[derive(Default)]
struct Keys {
    header: Vec<String>,
    columns: HashMap<String, usize>,
}

impl Keys {
    /// The cells of an object that are not empty, in the order of columns.
    fn cells(&mut self, line: &[u8]) -> Result<Vec<Filled>, String> {
        let object: Object<'_> = serde_json::from_slice(line).map_err(|error| {
            format!("this is no JSON object: {error}; put one {{…}} on each line")
        })?;
        let mut cells = Vec::new();
        self.fill("", object, DEEPEST, &mut cells)?;
        cells.sort_by_key(|cell| cell.column);
        let twice = cells
            .windows(2)
            .find(|pair| pair[0].column == pair[1].column);
        if let Some(twice) = twice {
            let key = &self.header[twice[0].column];
            return Err(format!("the key {key:?} is there twice; keep one of them"));
        }
        cells.retain(|cell| !cell.text.is_empty());
        Ok(cells)
    }

    fn fill(
        &mut self,
        before: &str,
        object: Object<'_>,
        depth: usize,
        cells: &mut Vec<Filled>,
    ) -> Result<(), String> {
        for (key, value) in object.0 {
            let key = if before.is_empty() {
                key
            } else {
                format!("{before}.{key}")
            };
            let json = value.get();
            let said =
                |error: serde_json::Error| format!("the value of {key:?} cannot be read: {error}");
            let (text, mark) = match json.as_bytes().first() {
                Some(b'{') => {
                    let inner: Object<'_> = serde_json::from_str(json).map_err(said)?;
                    if depth == 0 {
                        return Err(format!("objects stand too deep in each other at {key:?}"));
                    }
                    if !inner.0.is_empty() {
                        self.fill(&key, inner, depth - 1, cells)?;
                        continue;
                    }
                    (String::new(), None)
                }
                Some(b'[') => list(json).map_err(said)?,
                _ => (plain(json).map_err(said)?, None),
            };
            let column = self.column(key)?;
            cells.push(Filled { column, text, mark });
        }
        Ok(())
    }

    fn column(&mut self, key: String) -> Result<usize, String> {
        if let Some(column) = self.columns.get(&*key) {
            return Ok(*column);
        }
        let column = self.header.len();
        if column == MOST_COLUMNS {
            return Err(format!(
                "with the key {key:?} there are more than {MOST_COLUMNS} keys in the file, as many as a spreadsheet has columns"
            ));
        }
        self.columns.insert(key.clone(), column);
        self.header.push(key);
        Ok(column)
    }
}

/// A value that is neither a list nor an object: text without its quotes, all else as it is written.
fn plain(json: &str) -> Result<String, serde_json::Error> {
    match json {
        "null" => Ok(String::new()),
        _ if json.starts_with('"') => serde_json::from_str(json),
        _ => Ok(json.to_owned()),
    }
}

/// A list in one cell.
fn list(json: &str) -> Result<(String, Option<Mark>), serde_json::Error> {
    let values: Vec<&RawValue> = serde_json::from_str(json)?;
    let texts: Result<Vec<String>, _> = values.iter().map(|value| plain(value.get())).collect();
    let texts = texts?;
    let is_unclear = texts.iter().any(|text| text.contains([';', '|']));
    Ok((texts.join(";"), is_unclear.then_some(Mark::UnclearList)))
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Takes every entry. A map would keep only the last of two with the same key.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Object(object))
    }
}
