//! Many people into and out of few groups: who goes with a call of their own, who in a batch.
//!
//! A person's memberships can be changed by one PATCH of the user, whatever their number, or with the
//! groups, each PATCH naming many people at once. The first costs a call a person, the second a call
//! for every batch of people of each group; which is fewer depends on who else is on the way.

use std::collections::BTreeMap;

/// The groups that one person joins and leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Memberships<'a> {
    /// Ids of groups to join.
    pub join: &'a [String],
    /// Ids of groups to leave.
    pub leave: &'a [String],
}

/// One PATCH of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The group's id.
    pub group: String,
    /// Who joins it, as places in the list that was shared out.
    pub join: Vec<usize>,
    /// Who leaves it.
    pub leave: Vec<usize>,
}

impl Batch {
    /// How many people it names.
    fn size(&self) -> usize {
        self.join.len() + self.leave.len()
    }
}

/// Who goes by which call. Everybody goes by exactly one way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shares {
    /// Those who get a PATCH of their own.
    pub by_user: Vec<usize>,
    /// The batches, those of one group one behind the other.
    pub batches: Vec<Batch>,
}

impl Shares {
    /// How many calls that is.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.by_user.len() + self.batches.len()
    }
}

/// How memberships can be changed on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// With the user or with the group.
    Both,
    /// With the group only.
    GroupsOnly,
}

/// Shares people out over calls so that there are few of them, never more than one a person where
/// people can have calls of their own. At most `batch` people are named in one PATCH of a group.
///
/// Among equally many calls those of a person's own are chosen: a refusal then is nobody else's.
#[must_use]
pub fn share(people: &[Memberships<'_>], batch: usize, ways: Ways) -> Shares {
    let batch = batch.max(1);
    let mut classes: BTreeMap<Memberships<'_>, Vec<usize>> = BTreeMap::new();
    for (place, memberships) in people.iter().enumerate() {
        classes.entry(*memberships).or_default().push(place);
    }
    let mut by_user = Vec::new();
    if ways == Ways::Both {
        let alone = split(&mut classes, batch);
        let batches = calls(&counts(&classes), batch);
        // Never more calls than the plain way.
        by_user = if alone.len() + batches < people.len() {
            alone
        } else {
            classes.clear();
            (0..people.len()).collect()
        };
        by_user.sort_unstable();
    }
    let mut grouped: Vec<(usize, Memberships<'_>)> = classes
        .into_iter()
        .flat_map(|(memberships, places)| places.into_iter().map(move |at| (at, memberships)))
        .collect();
    grouped.sort_unstable_by_key(|(place, _)| *place);
    Shares {
        by_user,
        batches: batches(&grouped, batch),
    }
}

/// Takes out those who are better sent on their own: whole classes of people with the same groups,
/// or as many of one as spill over into another batch.
fn split(classes: &mut BTreeMap<Memberships<'_>, Vec<usize>>, batch: usize) -> Vec<usize> {
    let mut alone = Vec::new();
    let mut counts = counts(classes);
    let mut smallest_first: Vec<Memberships<'_>> = classes.keys().copied().collect();
    smallest_first.sort_by_key(|memberships| classes[memberships].len());
    for memberships in smallest_first {
        let places = classes
            .get_mut(&memberships)
            .expect("it is a key of this map");
        let groups = || memberships.join.iter().chain(memberships.leave);
        let mut sizes: Vec<usize> = groups().map(|group| counts[&**group] % batch).collect();
        sizes.push(places.len());
        sizes.retain(|size| (1..=places.len()).contains(size));
        let saved = |size: usize| -> usize {
            groups()
                .map(|group| counts[&**group])
                .map(|count| count.div_ceil(batch) - (count - size).div_ceil(batch))
                .sum()
        };
        let gain = |size: usize| saved(size).checked_sub(size);
        let Some(size) = sizes
            .into_iter()
            .filter(|size| gain(*size).is_some())
            .max_by_key(|size| (gain(*size), *size))
        else {
            continue;
        };
        for group in groups() {
            *counts.get_mut(&**group).expect("it was counted") -= size;
        }
        alone.extend(places.drain(places.len() - size..));
    }
    alone
}

/// How many people each group would be told of.
fn counts<'a>(classes: &BTreeMap<Memberships<'a>, Vec<usize>>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for (memberships, places) in classes {
        for group in memberships.join.iter().chain(memberships.leave) {
            *counts.entry(&**group).or_default() += places.len();
        }
    }
    counts
}

fn calls(counts: &BTreeMap<&str, usize>, batch: usize) -> usize {
    counts.values().map(|count| count.div_ceil(batch)).sum()
}

fn batches(people: &[(usize, Memberships<'_>)], batch: usize) -> Vec<Batch> {
    let mut by_group: BTreeMap<&str, Vec<Batch>> = BTreeMap::new();
    for (place, memberships) in people {
        let joins = memberships.join.iter().map(|group| (group, true));
        let leaves = memberships.leave.iter().map(|group| (group, false));
        for (group, joins) in joins.chain(leaves) {
            let batches = by_group.entry(group).or_default();
            if batches.last().is_none_or(|last| last.size() == batch) {
                batches.push(Batch {
                    group: group.clone(),
                    ..Batch::default()
                });
            }
            if let Some(last) = batches.last_mut() {
                if joins {
                    &mut last.join
                } else {
                    &mut last.leave
                }
                .push(*place);
            }
        }
    }
    by_group.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Owned = (Vec<String>, Vec<String>);

    fn shares(people: &[Owned], batch: usize, ways: Ways) -> Shares {
        let people: Vec<Memberships<'_>> = people
            .iter()
            .map(|(join, leave)| Memberships { join, leave })
            .collect();
        share(&people, batch, ways)
    }

    fn joining(groups: &[&str], people: usize) -> Vec<Owned> {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        vec![(groups, Vec::new()); people]
    }

    #[test]
    fn few_groups_and_many_people_go_in_batches() {
        let calls = |people: &[Owned]| shares(people, 100, Ways::Both).calls();
        assert_eq!(calls(&joining(&["a", "b", "c"], 10_000)), 300);
        // One more would cost three batches, or one call of its own.
        assert_eq!(calls(&joining(&["a", "b", "c"], 10_001)), 301);
        assert_eq!(calls(&joining(&["a"], 1)), 1);
        assert_eq!(calls(&joining(&["a", "b"], 2)), 2);
        assert_eq!(calls(&joining(&["a", "b", "c"], 2)), 2);
        let mixed = [joining(&["a"], 200), joining(&["b"], 1)].concat();
        assert_eq!(calls(&mixed), 3);
        assert_eq!(
            shares(&mixed, 100, Ways::Both).by_user,
            [200],
            "whoever is alone in a group gets a call of their own"
        );
        assert_eq!(shares(&joining(&["a", "b"], 3), 1, Ways::Both).calls(), 3);
        assert_eq!(
            shares(&joining(&["a", "b"], 3), 1, Ways::GroupsOnly).calls(),
            6
        );
    }

    fn anyone() -> impl Strategy<Value = Owned> {
        let group = || "[a-e]";
        (
            proptest::collection::btree_set(group(), 0..4),
            proptest::collection::btree_set(group(), 0..3),
        )
            .prop_map(|(join, leave)| {
                let leave = leave.difference(&join).cloned().collect();
                (join.into_iter().collect(), leave)
            })
            .prop_filter("nothing to change", |(join, leave): &Owned| {
                !join.is_empty() || !leave.is_empty()
            })
    }

    proptest! {
        #[test]
        fn everybody_is_served_once_by_no_more_calls_than_the_plain_ways(
            people in proptest::collection::vec(anyone(), 0..60),
            batch in 1_usize..12,
            both in any::<bool>(),
        ) {
            let ways = if both { Ways::Both } else { Ways::GroupsOnly };
            let shares = shares(&people, batch, ways);
            let by_user: BTreeSet<usize> = shares.by_user.iter().copied().collect();
            prop_assert_eq!(by_user.len(), shares.by_user.len());

            let mut served: BTreeSet<(usize, &str, bool)> = BTreeSet::new();
            for each in &shares.batches {
                prop_assert!((1..=batch).contains(&each.size()));
                for (places, joins) in [(&each.join, true), (&each.leave, false)] {
                    for place in places {
                        prop_assert!(served.insert((*place, &each.group, joins)));
                    }
                }
            }
            let wanted: BTreeSet<(usize, &str, bool)> = people
                .iter()
                .enumerate()
                .filter(|(place, _)| !by_user.contains(place))
                .flat_map(|(place, (join, leave))| {
                    let join = join.iter().map(move |group| (place, group.as_str(), true));
                    let leave = leave.iter().map(move |group| (place, group.as_str(), false));
                    join.chain(leave)
                })
                .collect();
            prop_assert_eq!(served, wanted);

            let all_by_group = super::share(
                &people.iter().map(|(join, leave)| Memberships { join, leave }).collect::<Vec<_>>(),
                batch,
                Ways::GroupsOnly,
            ).calls();
            prop_assert!(shares.calls() <= all_by_group);
            prop_assert!(!both || shares.calls() <= people.len());
            prop_assert!(both || shares.by_user.is_empty());
        }
    }
}
