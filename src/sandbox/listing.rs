//! What a list holds, page by page.

use super::attribute::{Attr, Kind, Sub, Top};
use super::filter::Filter;
use super::held;
use super::paging::Start;
use super::store::Store;

/// The places of all resources that match, from `start` on and at most `take`, and how many match in all.
pub(super) fn page(
    store: &Store,
    kind: Kind,
    filter: Option<&Filter>,
    start: Start,
    take: usize,
) -> (Vec<u32>, usize) {
    let Some(filter) = filter else {
        return match kind {
            Kind::User => {
                // No node holds more users than places can count: see `create_user`.
                let total = u32::try_from(store.users().len()).unwrap_or(u32::MAX);
                let skip = start.skipped(|place| place as usize + 1);
                (
                    (0..total).skip(skip).take(take).collect(),
                    store.users().len(),
                )
            }
            Kind::Group => {
                let up_to = |place| store.live().partition_point(|live| *live <= place);
                let skip = start.skipped(up_to);
                let live = store.live().iter().copied();
                (live.skip(skip).take(take).collect(), store.live().len())
            }
        };
    };
    let mut total = 0;
    let mut page = Vec::new();
    let mut consider = |place: u32| {
        if held::matches(store, kind, place, filter) {
            if start.is_before(place, total) && page.len() < take {
                page.push(place);
            }
            total += 1;
        }
    };
    match (candidates(store, kind, filter), kind) {
        (Some(mut few), _) => {
            few.sort_unstable();
            few.into_iter().for_each(&mut consider);
        }
        (None, Kind::User) => (0u32..)
            .zip(store.users())
            .for_each(|(place, _)| consider(place)),
        (None, Kind::Group) => store.live().iter().copied().for_each(&mut consider),
    }
    (page, total)
}

/// The places that can match at all, where an index knows.
fn candidates(store: &Store, kind: Kind, filter: &Filter) -> Option<Vec<u32>> {
    let lone = |place: Option<u32>| Some(place.into_iter().collect());
    filter.pinned(
        &mut |attr: Attr, want: &str| match (kind, attr.top, attr.sub) {
            (Kind::User, Top::Id, _) => lone(store.user_place(want)),
            (Kind::Group, Top::Id, _) => lone(store.group_place(want)),
            (Kind::User, Top::UserName, _) => lone(store.named(want)),
            (Kind::User, Top::Groups, Some(Sub::Value)) => {
                let group = store.group_place(want).and_then(|place| store.group(place));
                Some(group.map_or_else(Vec::new, |group| group.members.iter().copied().collect()))
            }
            (Kind::Group, Top::Members, Some(Sub::Value)) => {
                let user = store.user_place(want).map(|place| store.user(place));
                Some(user.map_or_else(Vec::new, |user| user.groups.clone()))
            }
            _ => None,
        },
    )
}
