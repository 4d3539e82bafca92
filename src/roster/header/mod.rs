//! Headings, and what they stand for.

mod look;
#[cfg(test)]
mod tests;

use super::column::Column;
use super::heading::{key, near};
use super::mapping::{MappedBy, Mapping, MappingTarget, flag};
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use look::{Claim, Look, listed};

/// What the headings of a file stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    known: Vec<(Column, usize)>,
    meanings: Vec<Meaning>,
    unknown: Vec<String>,
    results: Vec<usize>,
}

/// What one heading stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A column.
    Column(Column, Why),
    /// A result of an earlier run, which is left out.
    Result,
    /// Nothing: it is only carried over to the results.
    CarriedOver(Idle),
}

/// Why a heading stands for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Somebody says so.
    Mapped(MappedBy),
    /// It is the column's name.
    Name,
    /// People and their systems call it so.
    Alias,
}

/// Why a heading stands for no column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// There is none.
    Empty,
    /// Somebody says so.
    Ignored(MappedBy),
    /// Another one stands for that column, and better.
    Outdone(Column),
    /// It is not understood. It is like a name of this column, which the file lacks.
    Unknown {
        /// The column.
        near: Option<Column>,
    },
}

impl Columns {
    /// Understands the headings of `file`, as far as they can be, and says all that is wrong with them:
    /// nobody is named, two headings mean the same, a heading that `map` names is not there.
    ///
    /// That two headings compete for a column is no problem where nobody `reads` it.
    #[must_use]
    pub fn look(
        file: &str,
        header: &[String],
        map: &[Mapping],
        reads: &dyn Fn(Column) -> bool,
    ) -> (Self, Vec<Problem>) {
        let mut look = Look {
            file,
            header,
            reads,
            problems: Vec::new(),
        };
        let mut columns = Columns {
            meanings: vec![Meaning::CarriedOver(Idle::Empty); header.len()],
            ..Columns::default()
        };
        let mut claims = Vec::new();
        for (at, heading) in header.iter().enumerate() {
            match look.claim(at, &key(heading), map) {
                Ok(claim) => claims.push(claim),
                Err(meaning) => columns.meanings[at] = meaning,
            }
        }
        look.whole_or_part(&mut claims);
        columns.settle(&mut look, claims);
        columns.list_the_rest(header);
        look.missing(map);
        let named = |column| columns.at(column).is_some();
        if look.problems.is_empty() && !named(Column::Email) && !named(Column::Id) {
            let what = columns.nobody_named(header);
            look.problem(ProblemKind::NobodyNamed, what);
        }
        (columns, look.problems)
    }

    /// Gives each column the heading with the best claim to it.
    fn settle(&mut self, look: &mut Look, mut claims: Vec<Claim>) {
        claims.sort_by_key(|claim| (claim.column.name(), claim.rank, claim.at));
        for same in claims.chunk_by(|one, other| one.column == other.column) {
            let best = &same[0];
            self.known.push((best.column, best.at));
            self.meanings[best.at] = Meaning::Column(best.column, best.why.clone());
            let rivals: Vec<usize> = same
                .iter()
                .take_while(|claim| claim.is_rival(best))
                .map(|claim| claim.at)
                .collect();
            if rivals.len() > 1 && (look.reads)(best.column) {
                look.compete(best.column, &rivals);
            }
            for claim in &same[1..] {
                self.meanings[claim.at] = Meaning::CarriedOver(Idle::Outdone(claim.column));
            }
        }
    }

    /// Lists what is not understood, and finds out which headings of it are slips of the pen. A column that
    /// the file has needs no second heading.
    fn list_the_rest(&mut self, header: &[String]) {
        for (at, heading) in header.iter().enumerate() {
            match self.meanings[at] {
                Meaning::Result => self.results.push(at),
                Meaning::CarriedOver(Idle::Unknown { .. }) => {
                    let near = near(&key(heading)).filter(|column| self.at(*column).is_none());
                    self.meanings[at] = Meaning::CarriedOver(Idle::Unknown { near });
                    self.unknown.push(heading.clone());
                }
                Meaning::CarriedOver(Idle::Outdone(_)) => self.unknown.push(heading.clone()),
                Meaning::Column(..) | Meaning::CarriedOver(Idle::Empty | Idle::Ignored(_)) => {}
            }
        }
    }

    /// How many columns were found.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Where a column stands, from 0.
    #[must_use]
    pub fn at(&self, column: Column) -> Option<usize> {
        self.known
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    /// What each heading stands for, in the order of the file.
    #[must_use]
    pub fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// The headings that mean nothing, but for those of which somebody says so.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Where the results of an earlier run stand.
    #[must_use]
    pub fn results(&self) -> &[usize] {
        &self.results
    }

    /// What to say of headings that are near to a name, but not one: one line each.
    #[must_use]
    pub fn slips(&self, header: &[String]) -> Vec<String> {
        let slip = |(heading, meaning): (&String, &Meaning)| match meaning {
            Meaning::CarriedOver(Idle::Unknown { near: Some(near) }) => {
                let near = near.name();
                Some(format!(
                    "{heading:?} is not understood; did you mean {near}? Say {}",
                    flag(heading, near)
                ))
            }
            _ => None,
        };
        header.iter().zip(&self.meanings).filter_map(slip).collect()
    }

    /// The headings of which somebody says what they stand for.
    pub fn mapped<'h>(
        &self,
        header: &'h [String],
    ) -> impl Iterator<Item = (&'h str, MappingTarget)> + use<'h, '_> {
        let target = |(heading, meaning): (&'h String, &Meaning)| match meaning {
            Meaning::Column(column, Why::Mapped(_)) => {
                Some((heading.as_str(), MappingTarget::Column(*column)))
            }
            Meaning::CarriedOver(Idle::Ignored(_)) => {
                Some((heading.as_str(), MappingTarget::Ignored))
            }
            _ => None,
        };
        header.iter().zip(&self.meanings).filter_map(target)
    }

    fn nobody_named(&self, header: &[String]) -> String {
        if header.iter().any(|heading| heading.contains('@')) {
            return "the first row looks like a person, not like headings; put a row with headings on top, such as: email"
                .to_owned();
        }
        let slip = header.iter().zip(&self.meanings).find(|(_, meaning)| {
            matches!(
                meaning,
                Meaning::CarriedOver(Idle::Unknown {
                    near: Some(Column::Email)
                })
            )
        });
        if let Some((heading, _)) = slip {
            return format!(
                "there is no column with emails or ids. Did you mean email by {heading:?}? Say {}",
                flag(heading, "email")
            );
        }
        format!(
            "there is no column with emails or ids. The headings are {}. If one of them holds the emails, say so: {}",
            listed(header),
            flag(header.first().map_or("HEADING", String::as_str), "email")
        )
    }
}
