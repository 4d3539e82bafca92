//! Which columns headings claim, and what is wrong with that.

use super::{Idle, Meaning, Why};
use crate::roster::column::{Column, RESULT_COLUMNS};
use crate::roster::heading::{Likeness, ambiguous, key, meaning};
use crate::roster::mapping::{MappedBy, Mapping, MappingTarget, flag};
use crate::roster::problem::Problem;
use crate::roster::problem_kind::ProblemKind;

/// How good a heading's claim to a column is; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Flag,
    Profile,
    Likeness(Likeness),
}

/// A heading that may stand for a column.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) column: Column,
    pub(super) rank: Rank,
    pub(super) why: Why,
    pub(super) at: usize,
}

/// Headings that are being understood.
pub(super) struct Look<'f> {
    pub(super) file: &'f str,
    pub(super) header: &'f [String],
    /// The columns that matter.
    pub(super) reads: &'f dyn Fn(Column) -> bool,
    pub(super) problems: Vec<Problem>,
}

impl Claim {
    /// Whether nothing tells which of the two is meant; `best` may be the better one.
    pub(super) fn is_rival(&self, best: &Claim) -> bool {
        let by_words = |rank| matches!(rank, Rank::Likeness(Likeness::Name | Likeness::Alias));
        let two_emails = self.column == Column::Email && by_words(self.rank) && by_words(best.rank);
        let logins = |rank| matches!(rank, Rank::Likeness(Likeness::Alias | Likeness::Login));
        let email_or_login = logins(self.rank) && logins(best.rank);
        self.rank == best.rank || two_emails || email_or_login
    }
}

impl Look<'_> {
    pub(super) fn problem(&mut self, code: ProblemKind, what: String) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            row: None,
            cell: None,
            column: None,
            value: None,
            code,
            what,
        });
    }

    /// The column that a heading asks for, or else what it is.
    pub(super) fn claim(
        &mut self,
        at: usize,
        name: &str,
        map: &[Mapping],
    ) -> Result<Claim, Meaning> {
        let claim = |column, rank, why| {
            Ok(Claim {
                column,
                rank,
                why,
                at,
            })
        };
        if RESULT_COLUMNS.iter().any(|result| key(result) == name) {
            return Err(Meaning::Result);
        }
        if let Some(mapping) = self.mapping(at, map) {
            let rank = match mapping.by {
                MappedBy::Flag => Rank::Flag,
                MappedBy::Profile(_) => Rank::Profile,
            };
            return match mapping.to {
                MappingTarget::Column(column) => {
                    claim(column, rank, Why::Mapped(mapping.by.clone()))
                }
                MappingTarget::Ignored => {
                    Err(Meaning::CarriedOver(Idle::Ignored(mapping.by.clone())))
                }
            };
        }
        match meaning(name) {
            Some((column, likeness)) => {
                let why = match likeness {
                    Likeness::Name => Why::Name,
                    Likeness::Alias | Likeness::Login => Why::Alias,
                };
                claim(column, Rank::Likeness(likeness), why)
            }
            None if ambiguous(name).is_some() => claim(
                Column::DisplayName,
                Rank::Likeness(Likeness::Alias),
                Why::Alias,
            ),
            None if name.is_empty() => Err(Meaning::CarriedOver(Idle::Empty)),
            None => Err(Meaning::CarriedOver(Idle::Unknown { near: None })),
        }
    }

    /// What somebody says of a heading: flags go before profiles, which must agree.
    fn mapping<'m>(&mut self, at: usize, map: &'m [Mapping]) -> Option<&'m Mapping> {
        let of_this = map.iter().filter(|mapping| self.names(mapping, at));
        let (flags, profiles): (Vec<&Mapping>, Vec<&Mapping>) =
            of_this.partition(|mapping| mapping.by == MappedBy::Flag);
        let said = if flags.is_empty() { &profiles } else { &flags };
        let first = *said.first()?;
        if let Some(other) = said.iter().find(|mapping| mapping.to != first.to) {
            let heading = &self.header[at];
            let what = format!(
                "{} says that {heading:?} stands for {}, and {} that it stands for {}; say which with {}",
                first.by,
                first.to.name(),
                other.by,
                other.to.name(),
                flag(heading, "COLUMN")
            );
            self.problem(ProblemKind::MappingsDisagree, what);
        }
        Some(first)
    }

    /// Whether a mapping is about a heading. One that is written just so goes before others that are
    /// written alike.
    fn names(&self, mapping: &Mapping, at: usize) -> bool {
        let heading = &self.header[at];
        if self.header.contains(&mapping.heading) {
            return *heading == mapping.heading;
        }
        key(heading) == key(&mapping.heading)
    }

    /// Settles what words such as "Name" mean, which may be the whole name or a part of it.
    pub(super) fn whole_or_part(&mut self, claims: &mut [Claim]) {
        let heading_of = |claims: &[Claim], column: Column| {
            let claim = claims.iter().find(|claim| claim.column == column);
            claim.map(|claim| claim.at)
        };
        let first = heading_of(claims, Column::FirstName);
        let last = heading_of(claims, Column::LastName);
        let (part, missing) = match (first, last) {
            (Some(first), None) => (first, Column::LastName),
            (None, Some(last)) => (last, Column::FirstName),
            _ => return,
        };
        for claim in claims {
            let is_mapped = matches!(claim.why, Why::Mapped(_));
            let Some(word) = ambiguous(&key(&self.header[claim.at])).filter(|_| !is_mapped) else {
                continue;
            };
            let decided = match missing {
                Column::LastName => word.last_beside,
                _ => word.first_beside,
            };
            let neighbour = key(&self.header[part]);
            if decided.iter().any(|name| key(name) == neighbour) {
                claim.column = missing;
            } else if (self.reads)(missing) {
                let heading = &self.header[claim.at];
                let what = format!(
                    "{heading:?} may be the whole name or, beside {:?}, the {} only; say which with {} or {}",
                    self.header[part],
                    missing.name().replace('_', " "),
                    flag(heading, "display_name"),
                    flag(heading, missing.name())
                );
                self.problem(ProblemKind::AmbiguousHeading, what);
            }
        }
    }

    /// Says that several headings stand for one column.
    pub(super) fn compete(&mut self, column: Column, rivals: &[usize]) {
        let headings: Vec<String> = rivals.iter().map(|at| self.header[*at].clone()).collect();
        let column = column.name();
        let advice = if headings.windows(2).all(|pair| pair[0] == pair[1]) {
            "keep one of them, or give them different names".to_owned()
        } else {
            format!("keep one of them, or say which is meant with --map 'HEADING={column}'")
        };
        let what = format!(
            "the columns {} {} mean {column}; {advice}",
            listed(&headings),
            if rivals.len() == 2 { "both" } else { "all" },
        );
        self.problem(ProblemKind::AmbiguousHeading, what);
    }

    /// Says which headings that flags name are not there.
    pub(super) fn missing(&mut self, map: &[Mapping]) {
        for mapping in map.iter().filter(|mapping| mapping.by == MappedBy::Flag) {
            let is_there = (0..self.header.len()).any(|at| self.names(mapping, at));
            if !is_there {
                let what = format!(
                    "--map names the heading {:?}, but there is none; there are {}",
                    mapping.heading,
                    listed(self.header)
                );
                self.problem(ProblemKind::NoSuchHeading, what);
            }
        }
    }
}

pub(super) fn listed(headings: &[String]) -> String {
    headings
        .iter()
        .filter(|heading| !heading.is_empty())
        .map(|heading| format!("{heading:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
