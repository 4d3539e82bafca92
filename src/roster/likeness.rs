//! How much a row looks like a header: for the search among the first rows of a file.

use super::column::Column;
use super::header::Columns;
use super::mapping::Mapping;

/// What a row that says who the rows are about is worth more than one that does not.
const NAMES_SOMEBODY: usize = 100;

/// What a row is worth as a header: the more of its cells mean something, the better. `map` has headings
/// that somebody gave a meaning.
pub(super) fn worth(headings: &[String], map: &[Mapping]) -> usize {
    let (columns, _) = Columns::look("", headings, map, &|_| true);
    let somebody = [Column::Email, Column::Id]
        .into_iter()
        .any(|column| columns.at(column).is_some());
    columns.count() + if somebody { NAMES_SOMEBODY } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::MappingTarget;

    #[test]
    fn headings_are_worth_more_than_titles_and_people() {
        let of = |row: &str| {
            let cells: Vec<String> = row.split(',').map(str::to_owned).collect();
            let email = MappingTarget::Column(Column::Email);
            worth(
                &cells,
                &[Mapping::by_flag("Dienstadresse".to_owned(), email)],
            )
        };
        assert_eq!(of("Employee list 2026,,,"), 0);
        assert_eq!(of("Ann,Lee,ann@example.com,Sales"), 0);
        assert_eq!(of("Person,,Teams,Teams"), 1);
        assert_eq!(of("E-Mail,First Name,Surname,Desk"), 103);
        assert_eq!(of("dienstadresse"), 101);
    }
}
