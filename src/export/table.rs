//! The columns that are shown, and the order of the rows.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::sheet::{Cell, Format, Writer, beginning};
use crate::wording::nearest;

/// Which columns are shown, and by which one the rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    all: Vec<&'static str>,
    shown: Vec<usize>,
    sort: Option<usize>,
}

/// A column that cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// There is no such column.
    #[error("there is no column {name:?}; {}", match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", all.join(", ")),
    })]
    Unknown {
        /// What was asked for.
        name: String,
        /// The column that it is most like.
        near: Option<&'static str>,
        /// All there are.
        all: Vec<&'static str>,
    },
    /// It is named twice.
    #[error("the column {0} is named twice")]
    Twice(&'static str),
}

impl Choice {
    /// Chooses from `all` columns the named ones, in this order; all of them where none is named.
    ///
    /// # Errors
    /// When there is no such column, or one is named twice.
    pub fn of(
        all: Vec<&'static str>,
        columns: &[String],
        sort: Option<&str>,
    ) -> Result<Self, ColumnError> {
        let find = |name: &str| {
            let found = all.iter().position(|each| plain(each) == plain(name));
            found.ok_or_else(|| ColumnError::Unknown {
                name: name.trim().to_owned(),
                near: nearest(name.trim(), all.iter().copied()),
                all: all.clone(),
            })
        };
        let mut shown = Vec::new();
        for name in columns {
            let at = find(name)?;
            if shown.contains(&at) {
                return Err(ColumnError::Twice(all[at]));
            }
            shown.push(at);
        }
        if columns.is_empty() {
            shown = (0..all.len()).collect();
        }
        let sort = sort.map(find).transpose()?;
        Ok(Choice { all, shown, sort })
    }

    /// The headings of the columns that are shown.
    fn header(&self) -> Vec<String> {
        let shown = self.shown.iter().map(|at| self.all[*at].to_owned());
        shown.collect()
    }

    /// How a file with these columns begins, as far as that is known before the first row.
    #[must_use]
    pub fn beginning(&self, format: Format) -> Vec<u8> {
        beginning(format, &self.header())
    }

    /// Whether anything depends on one of these columns.
    pub(super) fn needs(&self, names: &[&str]) -> bool {
        let mut needed = self.shown.iter().chain(&self.sort);
        needed.any(|at| names.contains(&self.all[*at]))
    }
}

/// A column's name without what people write differently.
fn plain(name: &str) -> String {
    let name = name.chars().filter(|c| c.is_alphanumeric());
    name.flat_map(char::to_lowercase).collect()
}

/// Rows on their way into a file.
#[derive(Debug)]
pub struct ExportTable<W: Write> {
    writer: Writer<W>,
    format: Format,
    choice: Choice,
    /// Where rows are sorted, all so far, with what they are sorted by.
    held: Vec<(SortKey, Vec<HeldCell>)>,
}

/// Cells without anything come last, as in a spreadsheet program; upper and lower case are the same.
type SortKey = (bool, String);

impl<W: Write> ExportTable<W> {
    /// Begins a file with the headings of the columns that are shown.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn new(to: W, format: Format, choice: Choice) -> io::Result<Self> {
        Ok(ExportTable {
            writer: Writer::new(to, format, &choice.header())?,
            format,
            choice,
            held: Vec::new(),
        })
    }

    /// Whether the file can hold so many rows, which are about to come.
    pub(super) fn expect(&self, rows: Option<u64>) -> io::Result<()> {
        let fits = self.format.check_size(rows.unwrap_or(0), 1);
        fits.map_err(io::Error::other)
    }

    /// Whether anything depends on one of these columns.
    pub(super) fn needs(&self, names: &[&str]) -> bool {
        self.choice.needs(names)
    }

    /// Takes a row: a cell for each column, shown or not.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        let Choice { shown, sort, .. } = &self.choice;
        let shown = shown.iter().filter_map(|at| cells.get(*at));
        match sort.and_then(|at| cells.get(at)) {
            None => self.writer.row(&shown.copied().collect::<Vec<_>>()),
            Some(by) => {
                let shown = shown.map(|cell| HeldCell::from(*cell)).collect();
                self.held.push((sort_key(*by), shown));
                Ok(())
            }
        }
    }

    fn release(&mut self) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (_, cells) in held {
            let cells: Vec<Cell<'_>> = cells.iter().map(HeldCell::cell).collect();
            self.writer.row(&cells)?;
        }
        Ok(())
    }
}

impl<W: Write + Send> ExportTable<W> {
    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.release()?;
        self.writer.finish()
    }
}

fn sort_key(cell: Cell<'_>) -> SortKey {
    let text = match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.to_lowercase(),
        Cell::Flag(flag) => flag.to_string(),
        // As many digits for each, so that 10 comes after 9.
        Cell::Number(number) => format!("{number:020}"),
        Cell::List(texts) => texts.join(";").to_lowercase(),
    };
    (text.is_empty(), text)
}

/// A cell that waits for its turn.
#[derive(Debug)]
enum HeldCell {
    Empty,
    Text(Box<str>),
    Flag(bool),
    Number(u64),
    List(Box<[Cow<'static, str>]>),
}

impl From<Cell<'_>> for HeldCell {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Empty => HeldCell::Empty,
            Cell::Text(text) => HeldCell::Text(text.into()),
            Cell::Flag(flag) => HeldCell::Flag(flag),
            Cell::Number(number) => HeldCell::Number(number),
            Cell::List(texts) => HeldCell::List(
                texts
                    .iter()
                    .map(|text| Cow::Owned(text.to_string()))
                    .collect(),
            ),
        }
    }
}

impl HeldCell {
    fn cell(&self) -> Cell<'_> {
        match self {
            HeldCell::Empty => Cell::Empty,
            HeldCell::Text(text) => Cell::Text(text),
            HeldCell::Flag(flag) => Cell::Flag(*flag),
            HeldCell::Number(number) => Cell::Number(*number),
            HeldCell::List(texts) => Cell::List(texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(columns: &[&str], sort: Option<&str>) -> Result<Choice, ColumnError> {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        Choice::of(vec!["id", "email", "last_name"], &columns, sort)
    }

    fn table(columns: &[&str], sort: Option<&str>, rows: &[[&str; 3]]) -> String {
        let choice = choice(columns, sort).unwrap();
        let mut table = ExportTable::new(Vec::new(), Format::Csv, choice).unwrap();
        for row in rows {
            table.row(&row.map(Cell::Text)).unwrap();
        }
        String::from_utf8(table.finish().unwrap()).unwrap()
    }

    #[test]
    fn columns_come_as_they_are_asked_for_and_rows_in_order() {
        let rows = [
            ["3", "c@x.com", "Zoë"],
            ["1", "a@x.com", ""],
            ["4", "d@x.com", "Ödön"],
            ["2", "b@x.com", "adams"],
            ["5", "e@x.com", "ADAMS"],
        ];
        insta::assert_snapshot!(table(&["Last Name", "id"], Some("last_name"), &rows), @r"
        last_name,id
        adams,2
        ADAMS,5
        Zoë,3
        Ödön,4
        ,1
        ");
        insta::assert_snapshot!(table(&["email"], Some("id"), &rows[..2]), @r"
        email
        a@x.com
        c@x.com
        ");
        insta::assert_snapshot!(table(&[], None, &rows[..1]), @r"
        id,email,last_name
        3,c@x.com,Zoë
        ");
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error_with_the_nearest_one() {
        let said = |columns: &[&str], sort| choice(columns, sort).unwrap_err().to_string();
        insta::assert_snapshot!(said(&["id", "emial"], None), @r#"there is no column "emial"; did you mean email?"#);
        insta::assert_snapshot!(said(&[], Some("Abteilung")), @r#"there is no column "Abteilung"; there are id, email, last_name"#);
        insta::assert_snapshot!(said(&["id", "ID"], None), @"the column id is named twice");
    }
}
