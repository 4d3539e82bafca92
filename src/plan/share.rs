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

/// Who is better sent by a call of their own, as places in the list; everybody else goes in batches, at most `batch`
/// people in one PATCH of a group. Together that is few calls, and never more than one a person.
///
/// Among equally many calls those of a person's own are chosen: a refusal then is nobody else's.
#[must_use]
pub fn alone(people: &[Memberships<'_>], batch: usize) -> Vec<usize> {
    let batch = batch.max(1);
    let mut classes: BTreeMap<Memberships<'_>, Vec<usize>> = BTreeMap::new();
    for (place, memberships) in people.iter().enumerate() {
        classes.entry(*memberships).or_default().push(place);
    }
    let mut alone = split(&mut classes, batch);
    // Never more calls than the plain way.
    if alone.len() + calls(&counts(&classes), batch) >= people.len() {
        return (0..people.len()).collect();
    }
    alone.sort_unstable();
    alone
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (Vec<String>, Vec<String>);

    fn memberships(people: &[Owned]) -> Vec<Memberships<'_>> {
        let each = |(join, leave)| Memberships { join, leave };
        people
            .iter()
            .map(|(join, leave)| each((join, leave)))
            .collect()
    }

    /// The calls if these go alone and everybody else in batches.
    fn cost(people: &[Owned], alone: &[usize], batch: usize) -> usize {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let others = people.iter().enumerate();
        for (_, (join, leave)) in others.filter(|(place, _)| !alone.contains(place)) {
            for group in join.iter().chain(leave) {
                *counts.entry(group).or_default() += 1;
            }
        }
        alone.len() + calls(&counts, batch)
    }

    fn calls_for(people: &[Owned], batch: usize) -> usize {
        cost(people, &alone(&memberships(people), batch), batch)
    }

    fn joining(groups: &[&str], people: usize) -> Vec<Owned> {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        vec![(groups, Vec::new()); people]
    }

    #[test]
    fn few_groups_and_many_people_go_in_batches() {
        assert_eq!(calls_for(&joining(&["a", "b", "c"], 10_000), 100), 300);
        // One more would cost three batches, or one call of its own.
        assert_eq!(calls_for(&joining(&["a", "b", "c"], 10_001), 100), 301);
        assert_eq!(calls_for(&joining(&["a"], 1), 100), 1);
        assert_eq!(calls_for(&joining(&["a", "b"], 2), 100), 2);
        assert_eq!(calls_for(&joining(&["a", "b", "c"], 2), 100), 2);
        assert_eq!(calls_for(&joining(&["a", "b"], 3), 1), 3);
        let mixed = [joining(&["a"], 200), joining(&["b"], 1)].concat();
        assert_eq!(calls_for(&mixed, 100), 3);
        assert_eq!(
            alone(&memberships(&mixed), 100),
            [200],
            "whoever is alone in a group gets a call of their own"
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
        fn there_are_no_more_calls_than_by_the_plain_ways(
            people in proptest::collection::vec(anyone(), 0..60),
            batch in 1_usize..12,
        ) {
            let alone = alone(&memberships(&people), batch);
            prop_assert!(alone.is_sorted_by(|one, next| one < next));
            prop_assert!(alone.iter().all(|place| *place < people.len()));
            let calls = cost(&people, &alone, batch);
            prop_assert!(calls <= people.len());
            prop_assert!(calls <= cost(&people, &[], batch));
        }

        /// So a group need not wait for the others.
        #[test]
        fn a_group_whose_people_are_in_no_other_can_be_looked_at_on_its_own(
            people in proptest::collection::vec(anyone(), 0..40),
            others in 0_usize..40,
            batch in 1_usize..12,
        ) {
            let others = joining(&["x"], others);
            let apart = calls_for(&people, batch) + calls_for(&others, batch);
            prop_assert!(apart <= calls_for(&[people, others].concat(), batch));
        }
    }
}
