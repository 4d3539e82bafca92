//! From what a run has changed to rows that take it back.

use std::collections::BTreeMap;

use super::LedgerError;
use super::run_record::RunRecord;
use crate::plan::Difference;
use crate::run::{Before, PriorAccount, Verdict};
use crate::sheet::RowNumber;

/// One person of a run, with all rows that changed something of theirs.
#[derive(Debug, Default)]
struct Person {
    node: u16,
    id: Option<String>,
    rows: Vec<PersonRow>,
}

/// A row that changed something of a person's.
#[derive(Debug)]
struct PersonRow {
    number: RowNumber,
    before: Before,
    verdict: Option<Verdict>,
    /// Whether it is proven that the row has made the account.
    proven: bool,
}

/// What takes a person back to where they were before a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoRow {
    /// Which of the nodes of the run.
    pub node: u16,
    /// The account.
    pub id: String,
    /// Its email, as the run left it.
    pub email: Option<String>,
    /// How.
    pub step: UndoStep,
}

/// How somebody gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoStep {
    /// The run made the account, and that is proven. It is locked: whoever deletes it deletes its vault.
    Lock,
    /// The run changed it.
    Restore {
        /// What it was by column; nothing where it was empty.
        was: BTreeMap<String, Option<String>>,
        /// Ids of groups to be in again.
        join: Vec<String>,
        /// Ids of groups not to be in any more.
        leave: Vec<String>,
    },
}

/// What cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irreversible {
    /// The row that did it.
    pub row: RowNumber,
    /// Why not.
    pub why: String,
}

impl RunRecord {
    /// Gives what undoes the changes of everybody whom the run has changed to `on_row`, one row each, and what
    /// cannot be taken back to `on_irreversible`.
    ///
    /// # Errors
    /// When the record cannot be read, and what the two return.
    pub fn undo_steps<E: From<LedgerError>>(
        &self,
        mut on_row: impl FnMut(UndoRow) -> Result<(), E>,
        mut on_irreversible: impl FnMut(Irreversible),
    ) -> Result<(), E> {
        let failed = |error| E::from(self.failed(error));
        let mut rows = self
            .connection
            .prepare(
                "SELECT number, coalesce(node, 0), before, verdict,
                    coalesce(before ->> 'id', before ->> 'made', iif(verdict = 'created', user_id, NULL)) AS person,
                    coalesce(proven, status = 201, 0) OR coalesce(before ->> 'proven', 0)
                 FROM row WHERE before IS NOT NULL ORDER BY 2, person IS NULL, person, number",
            )
            .map_err(failed)?;
        let mut rows = rows.query([]).map_err(failed)?;
        let mut person = Person::default();
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || {
                Ok((
                    RowNumber(row.get::<_, i64>(0)?.unsigned_abs()),
                    row.get::<_, u16>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, Option<String>>(3)?,
                    row.get::<_, Option<String>>(4)?,
                    row.get::<_, bool>(5)?,
                ))
            };
            let (number, node, before, verdict, id, proven) = read().map_err(failed)?;
            let Ok(before) = serde_json::from_str::<Before>(&before) else {
                on_irreversible(Irreversible {
                    row: number,
                    why: "what was there before cannot be read".to_owned(),
                });
                continue;
            };
            if id.is_none() || (person.node, &person.id) != (node, &id) {
                person
                    .back(&mut on_irreversible)
                    .map_or(Ok(()), &mut on_row)?;
                person = Person {
                    node,
                    id,
                    rows: Vec::new(),
                };
            }
            let verdict = verdict.as_deref().and_then(Verdict::of_word);
            person.rows.push(PersonRow {
                number,
                before,
                verdict,
                proven,
            });
        }
        person
            .back(&mut on_irreversible)
            .map_or(Ok(()), &mut on_row)
    }
}

impl Person {
    fn back(&self, on_irreversible: &mut impl FnMut(Irreversible)) -> Option<UndoRow> {
        let Some(id) = &self.id else {
            self.made_or_not(on_irreversible);
            return None;
        };
        let mut made = None;
        let mut priors = Vec::new();
        for row in &self.rows {
            match &row.before {
                Before::Nobody { email, .. } if row.proven => made = Some(email.clone()),
                Before::Nobody { email, .. } => on_irreversible(Irreversible {
                    row: row.number,
                    why: format!(
                        "{} was reported as created, but whether this run made it is not proven; look at it before \
                         locking",
                        email.as_deref().unwrap_or(id)
                    ),
                }),
                Before::Account(prior) => priors.push((row.number, prior)),
                Before::Deleted { email, .. } => {
                    // Somebody whom this run has made and deleted was not there before.
                    if made.is_none() && row.verdict != Some(Verdict::Failed) {
                        let who = email.as_deref().unwrap_or(id);
                        on_irreversible(Irreversible {
                            row: row.number,
                            why: format!(
                                "{who} was deleted, and an account that is gone cannot be brought back"
                            ),
                        });
                        return None;
                    }
                }
            }
        }
        let last = priors.last().and_then(|(_, prior)| prior.email.clone());
        let (email, step) = match made {
            Some(email) => (last.or(email), UndoStep::Lock),
            None => (last, restore(&priors, on_irreversible)?),
        };
        Some(UndoRow {
            node: self.node,
            id: id.clone(),
            email,
            step,
        })
    }

    /// Rows that were to make an account, and nobody knows its id.
    fn made_or_not(&self, on_irreversible: &mut impl FnMut(Irreversible)) {
        for row in &self.rows {
            let Before::Nobody { email, .. } = &row.before else {
                continue;
            };
            if matches!(
                row.verdict,
                None | Some(Verdict::Unknown | Verdict::Created)
            ) {
                let who = email.as_deref().unwrap_or("the person of this row");
                on_irreversible(Irreversible {
                    row: row.number,
                    why: format!(
                        "whether {who} was created is not known; finish the run first, with headcount runs resume"
                    ),
                });
            }
        }
    }
}

/// What the column `active` has for an account that is not locked.
const ACTIVE: &str = "yes";

/// Back to what was there before the first of these changes.
fn restore(
    priors: &[(RowNumber, &PriorAccount)],
    on_irreversible: &mut impl FnMut(Irreversible),
) -> Option<UndoStep> {
    // By column, and by group: what was there first, and what is there last.
    let mut changes: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut groups: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for (row, prior) in priors {
        for Difference {
            what,
            before,
            after,
        } in &prior.changes
        {
            // Whoever was not shown as locked was not.
            let before = match &**what {
                "active" if before.is_empty() => ACTIVE,
                _ => before,
            };
            let change = changes.entry(what).or_insert((before, after));
            change.1 = after;
        }
        let changes_groups = !prior.joined.is_empty() || !prior.left.is_empty();
        if !prior.groups_seen && changes_groups {
            let who = prior.email.as_deref().unwrap_or(&prior.id);
            on_irreversible(Irreversible {
                row: *row,
                why: format!(
                    "the node did not show which teams {who} was in before; the teams stay as they are"
                ),
            });
            continue;
        }
        let joined = prior.joined.iter().map(|id| (id, true));
        let left = prior.left.iter().map(|id| (id, false));
        for (id, is_in) in joined.chain(left) {
            let group = groups.entry(id).or_insert((!is_in, is_in));
            group.1 = is_in;
        }
    }
    let undone = changes
        .into_iter()
        .filter(|(_, (first, last))| first != last);
    let was: BTreeMap<String, Option<String>> = undone
        .filter(|(what, (first, _))| !(first.is_empty() && *what == "email"))
        .map(|(what, (first, _))| {
            let what = if what == "email" { "new_email" } else { what };
            (
                what.to_owned(),
                (!first.is_empty()).then(|| first.to_owned()),
            )
        })
        .collect();
    let those = |wanted: bool| -> Vec<String> {
        let those = groups
            .iter()
            .filter(|(_, state)| **state == (wanted, !wanted));
        those.map(|(id, _)| (*id).to_owned()).collect()
    };
    let (join, leave) = (those(true), those(false));
    let is_nothing = was.is_empty() && join.is_empty() && leave.is_empty();
    (!is_nothing).then_some(UndoStep::Restore { was, join, leave })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prior(changes: &[(&str, &str, &str)], joined: &[&str], left: &[&str]) -> PriorAccount {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        PriorAccount {
            id: "7".into(),
            email: Some("lee@example.com".into()),
            changes: changes
                .iter()
                .map(|(what, before, after)| Difference {
                    what: (*what).into(),
                    before: (*before).into(),
                    after: (*after).into(),
                })
                .collect(),
            joined: owned(joined),
            left: owned(left),
            groups_seen: true,
        }
    }

    fn step(priors: &[PriorAccount]) -> Option<UndoStep> {
        let rows: Vec<(RowNumber, &PriorAccount)> =
            priors.iter().map(|f| (RowNumber(2), f)).collect();
        restore(&rows, &mut |irreversible| panic!("{irreversible:?}"))
    }

    #[test]
    fn several_rows_of_a_person_go_back_to_before_the_first() {
        let back = step(&[
            prior(
                &[("last_name", "Lee", "Chen"), ("active", "yes", "no")],
                &["t1"],
                &["t2"],
            ),
            prior(
                &[("last_name", "Chen", "Ray"), ("active", "no", "yes")],
                &["t3"],
                &["t1"],
            ),
            prior(
                &[
                    ("external_id", "", "E1"),
                    ("email", "lee@x.org", "ray@x.org"),
                ],
                &[],
                &[],
            ),
        ]);
        let Some(UndoStep::Restore { was, join, leave }) = back else {
            panic!("{back:?}");
        };
        let was: Vec<(&str, Option<&str>)> = was
            .iter()
            .map(|(what, was)| (what.as_str(), was.as_deref()))
            .collect();
        assert_eq!(
            was,
            [
                ("external_id", None),
                ("last_name", Some("Lee")),
                ("new_email", Some("lee@x.org")),
            ]
        );
        assert_eq!(
            (join, leave),
            (vec!["t2".to_owned()], vec!["t3".to_owned()])
        );
        let unlocked = step(&[prior(&[("active", "", "no")], &[], &[])]);
        let Some(UndoStep::Restore { was, .. }) = unlocked else {
            panic!("{unlocked:?}");
        };
        assert_eq!(was["active"].as_deref(), Some("yes"));
        assert_eq!(
            step(&[
                prior(&[("active", "yes", "no")], &[], &[]),
                prior(&[("active", "no", "yes")], &[], &[])
            ]),
            None
        );
    }

    #[test]
    fn memberships_that_were_not_seen_are_left_alone_and_named() {
        let unseen = PriorAccount {
            groups_seen: false,
            ..prior(&[], &["t1"], &[])
        };
        let mut irreversible = Vec::new();
        assert_eq!(
            restore(&[(RowNumber(5), &unseen)], &mut |each| irreversible
                .push(each)),
            None
        );
        assert_eq!(irreversible[0].row, RowNumber(5));
    }
}
