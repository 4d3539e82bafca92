//! Headings, and what they stand for.

use super::column::{Claim, Column, meaning, plain};
use super::nearest;
use super::problem::Problem;

/// The columns that the results of a run add.
const RESULTS: [&str; 8] = [
    "resultrow",
    "resultaction",
    "resultoutcome",
    "resultstatus",
    "resultuserid",
    "resultattempts",
    "resulterror",
    "resultfinishedat",
];

/// What the headings of a file stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    known: Vec<(Column, usize)>,
    unknown: Vec<String>,
    results: Vec<usize>,
}

impl Columns {
    /// Understands the headings of `file`.
    ///
    /// # Errors
    /// All that is wrong with them: nobody is named, two headings mean the same, a heading that
    /// `map` names is not there.
    pub fn understand(
        file: &str,
        header: &[String],
        map: &[(String, Column)],
    ) -> Result<Self, Vec<Problem>> {
        let mut columns = Columns::default();
        let mut claims: Vec<(Column, Claim, usize)> = Vec::new();
        for (at, heading) in header.iter().enumerate() {
            let name = plain(heading);
            if RESULTS.contains(&name.as_str()) {
                columns.results.push(at);
            } else if let Some((_, column)) = map.iter().find(|(mapped, _)| plain(mapped) == name) {
                claims.push((*column, Claim::Mapped, at));
            } else if let Some((column, claim)) = meaning(&name) {
                claims.push((column, claim, at));
            } else if !name.is_empty() {
                columns.unknown.push(heading.clone());
            }
        }
        let mut problems = columns.settle(file, header, claims);
        let missing = map
            .iter()
            .filter(|(mapped, _)| !header.iter().any(|heading| plain(heading) == plain(mapped)));
        problems.extend(missing.map(|(mapped, _)| {
            problem(
                file,
                format!(
                    "--map names the heading {mapped:?}, but there is none; there are {}",
                    listed(header)
                ),
            )
        }));
        if problems.is_empty()
            && columns.at(Column::Email).is_none()
            && columns.at(Column::Id).is_none()
        {
            problems.push(problem(file, nobody_named(header)));
        }
        if problems.is_empty() {
            Ok(columns)
        } else {
            Err(problems)
        }
    }

    /// Gives each column the heading with the best claim to it.
    fn settle(
        &mut self,
        file: &str,
        header: &[String],
        mut claims: Vec<(Column, Claim, usize)>,
    ) -> Vec<Problem> {
        claims.sort_by_key(|(column, claim, at)| (column.name(), *claim, *at));
        let mut problems = Vec::new();
        for same in claims.chunk_by(|(one, ..), (other, ..)| one == other) {
            let (column, best, at) = same[0];
            self.known.push((column, at));
            // Sorted by claim: those with the best one come first.
            let rivals = same
                .iter()
                .take_while(|(_, claim, _)| *claim == best)
                .count();
            if rivals > 1 {
                let headings: Vec<String> = same[..rivals]
                    .iter()
                    .map(|(.., at)| header[*at].clone())
                    .collect();
                problems.push(problem(
                    file,
                    format!(
                        "the columns {} {} mean {}; keep one of them, or say which is meant with --map 'HEADING={}'",
                        listed(&headings),
                        if rivals == 2 { "both" } else { "all" },
                        column.name(),
                        column.name()
                    ),
                ));
            }
            self.unknown
                .extend(same[rivals..].iter().map(|(.., at)| header[*at].clone()));
        }
        problems
    }

    /// Where a column stands, from 0.
    #[must_use]
    pub fn at(&self, column: Column) -> Option<usize> {
        self.known
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    /// The headings that mean nothing.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Where the results of an earlier run stand.
    #[must_use]
    pub fn results(&self) -> &[usize] {
        &self.results
    }
}

fn nobody_named(header: &[String]) -> String {
    if header.iter().any(|heading| heading.contains('@')) {
        return "the first row looks like a person, not like headings; put a row with headings on top, such as: email"
            .to_owned();
    }
    let near = header
        .iter()
        .find(|heading| nearest(&plain(heading), ["email", "emailaddress", "workemail"]).is_some());
    let example = near.or(header.first()).map_or("HEADING", String::as_str);
    format!(
        "there is no column with emails or ids. The headings are {}. \
         If one of them holds the emails, say so: --map '{example}=email'",
        listed(header)
    )
}

fn listed(headings: &[String]) -> String {
    headings
        .iter()
        .filter(|heading| !heading.is_empty())
        .map(|heading| format!("{heading:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn problem(file: &str, what: String) -> Problem {
    Problem {
        file: file.to_owned(),
        row: None,
        cell: None,
        column: None,
        value: None,
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(headings: &[&str]) -> Vec<String> {
        headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect()
    }

    fn understand(headings: &[&str]) -> Result<Columns, Vec<Problem>> {
        Columns::understand("people.csv", &header(headings), &[])
    }

    #[test]
    fn headings_are_matched_as_hr_systems_write_them() {
        let columns = understand(&[
            "Employee ID",
            "E-Mail",
            "First Name",
            "SURNAME",
            "Start Date",
            "result_status",
            "",
        ])
        .unwrap();
        assert_eq!(columns.at(Column::ExternalId), Some(0));
        assert_eq!(columns.at(Column::Email), Some(1));
        assert_eq!(columns.at(Column::FirstName), Some(2));
        assert_eq!(columns.at(Column::LastName), Some(3));
        assert_eq!(columns.unknown(), ["Start Date"]);
        assert_eq!(columns.results(), [5]);
    }

    #[test]
    fn the_proper_name_beats_an_alias_and_a_mapping_beats_both() {
        let columns = understand(&["User Name", "email"]).unwrap();
        assert_eq!(
            (columns.at(Column::Email), columns.unknown()),
            (Some(1), &header(&["User Name"])[..])
        );
        let map = [("User Name".to_owned(), Column::Email)];
        let columns =
            Columns::understand("people.csv", &header(&["User Name", "email"]), &map).unwrap();
        assert_eq!(columns.at(Column::Email), Some(0));
    }

    #[test]
    fn headings_that_cannot_be_understood_are_said_in_words() {
        let said = |headings: &[&str]| understand(headings).unwrap_err()[0].to_string();
        insta::assert_snapshot!(said(&["Name", "Team"]), @r#"people.csv: there is no column with emails or ids. The headings are "Name", "Team". If one of them holds the emails, say so: --map 'Name=email'"#);
        insta::assert_snapshot!(said(&["ann@example.com"]), @"people.csv: the first row looks like a person, not like headings; put a row with headings on top, such as: email");
        insta::assert_snapshot!(said(&["Mail", "UPN"]), @r#"people.csv: the columns "Mail", "UPN" both mean email; keep one of them, or say which is meant with --map 'HEADING=email'"#);
        let map = [("Work Mail".to_owned(), Column::Email)];
        let missing = Columns::understand("people.csv", &header(&["email"]), &map).unwrap_err();
        insta::assert_snapshot!(missing[0].to_string(), @r#"people.csv: --map names the heading "Work Mail", but there is none; there are "email""#);
    }
}
