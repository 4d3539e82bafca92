//! How much a row looks like a header: for the search among the first rows of a file.

use super::column::{Column, meaning, plain};

/// What a row that says who the rows are about is worth more than one that does not.
const NAMES_SOMEBODY: usize = 100;

/// What a row is worth as a header: the more of its cells mean something, the better. `map` has headings
/// that somebody gave a meaning.
pub(super) fn worth(headings: &[String], map: &[(String, Column)]) -> usize {
    let mut known: Vec<Column> = Vec::new();
    for heading in headings {
        let name = plain(heading);
        let mapped = map.iter().find(|(mapped, _)| plain(mapped) == name);
        let column = mapped
            .map(|(_, column)| *column)
            .or_else(|| meaning(&name).map(|(column, _)| column));
        if let Some(column) = column.filter(|column| !known.contains(column)) {
            known.push(column);
        }
    }
    let somebody = known.contains(&Column::Email) || known.contains(&Column::Id);
    known.len() + if somebody { NAMES_SOMEBODY } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_worth_more_than_titles_and_people() {
        let of = |row: &str| {
            let cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            worth(&cells, &[("Dienstadresse".to_owned(), Column::Email)])
        };
        assert_eq!(of("Employee list 2026,,,"), 0);
        assert_eq!(of("Ann,Lee,ann@example.com,Sales"), 0);
        assert_eq!(of("Person,,Teams,Teams"), 1);
        assert_eq!(of("E-Mail,First Name,Surname,Desk"), 103);
        assert_eq!(of("dienstadresse"), 101);
    }
}
