//! Whatever calls come, the store's indexes agree with each other.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::attribute::Kind;
use super::error::ScimError;
use super::paging::Start;
use super::patch::Patch;
use super::snapshot::Snapshot;
use super::store::{Store, group_id, user_id};
use super::{listing, operation};

#[derive(Debug, Clone)]
enum Call {
    CreateUser(u32, Vec<u32>),
    CreateGroup(Vec<u32>),
    PutUser(u32, u32, Vec<u32>),
    PatchUser(u32, Vec<Value>),
    PatchGroup(u32, Vec<Value>),
    LockUser(u32),
    DeleteGroup(u32),
}

fn links(ids: &[u32], id: fn(u32) -> u64) -> Value {
    let links = ids
        .iter()
        .map(|place| json!({"value": id(*place).to_string()}));
    links.collect()
}

/// Small numbers, so that calls meet the same few resources again and again, and now and then one that is not there.
fn places() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..8u32, 0..5)
}

fn membership_change(list: &'static str, id: fn(u32) -> u64) -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "remove", "replace"]);
    (op, places(), any::<bool>()).prop_map(move |(op, places, filtered)| match places.first() {
        Some(first) if filtered && op != "add" => json!({
            "op": op,
            "path": format!("{list}[value eq \"{}\"]", id(*first)),
            "value": links(&places[1..], id),
        }),
        _ => json!({"op": op, "path": list, "value": links(&places, id)}),
    })
}

fn call() -> impl Strategy<Value = Call> {
    let of_user = prop::collection::vec(
        prop_oneof![
            membership_change("groups", group_id),
            (0..8u32).prop_map(|n| json!({"op": "replace", "path": "userName", "value": name(n)})),
            Just(json!({"op": "remove", "path": "groups"})),
        ],
        1..4,
    );
    let of_group = prop::collection::vec(
        prop_oneof![
            membership_change("members", user_id),
            Just(json!({"op": "remove", "path": "members"})),
            Just(json!({"op": "replace", "path": "displayName", "value": ""})),
        ],
        1..4,
    );
    prop_oneof![
        (0..8u32, places()).prop_map(|(n, groups)| Call::CreateUser(n, groups)),
        places().prop_map(Call::CreateGroup),
        (0..8u32, 0..8u32, places()).prop_map(|(at, n, groups)| Call::PutUser(at, n, groups)),
        (0..8u32, of_user).prop_map(|(at, operations)| Call::PatchUser(at, operations)),
        (0..8u32, of_group).prop_map(|(at, operations)| Call::PatchGroup(at, operations)),
        (0..8u32).prop_map(Call::LockUser),
        (0..8u32).prop_map(Call::DeleteGroup),
    ]
}

fn name(n: u32) -> String {
    let name = format!("user{}@example.com", n / 2);
    if n.is_multiple_of(2) {
        name
    } else {
        name.to_uppercase()
    }
}

fn carry_out(store: &mut Store, call: &Call) -> Result<(), ScimError> {
    let user =
        |n: u32, groups: &[u32]| json!({"userName": name(n), "groups": links(groups, group_id)});
    let fields = |document: Value| document.as_object().cloned().unwrap_or_default();
    let place = |store: &Store, kind: Kind, at: u32| {
        let id = if kind == Kind::User {
            user_id(at)
        } else {
            group_id(at)
        };
        store.place(kind, &id.to_string())
    };
    match call {
        Call::CreateUser(n, groups) => {
            operation::create_user(store, &fields(user(*n, groups)), 1)?;
        }
        Call::CreateGroup(members) => {
            let document = json!({"displayName": "Team", "members": links(members, user_id)});
            operation::create_group(store, &fields(document), 1)?;
        }
        Call::PutUser(at, n, groups) => {
            let at = place(store, Kind::User, *at)?;
            operation::replace_user(store, at, &fields(user(*n, groups)), 2)?;
        }
        Call::PatchUser(at, operations) => {
            let at = place(store, Kind::User, *at)?;
            let patch = Patch::read(Kind::User, json!({ "Operations": operations }))?;
            operation::patch_user(store, at, &patch, 2)?;
        }
        Call::PatchGroup(at, operations) => {
            let at = place(store, Kind::Group, *at)?;
            let patch = Patch::read(Kind::Group, json!({ "Operations": operations }))?;
            operation::patch_group(store, at, &patch, 2)?;
        }
        Call::LockUser(at) => {
            let at = place(store, Kind::User, *at)?;
            store.lock_user(at, 2);
        }
        Call::DeleteGroup(at) => {
            let at = place(store, Kind::Group, *at)?;
            store.delete_group(at);
        }
    }
    Ok(())
}

/// Checks both sides of every membership, and that each user is found by name and stands alone under it.
fn check(store: &Store) {
    let snapshot = Snapshot::of(store);
    for user in &snapshot.users {
        for group in &snapshot.groups {
            assert_eq!(
                user.groups.contains(&group.id),
                group.members.contains(&user.id),
                "{user:?} {group:?}"
            );
        }
        let groups = snapshot.groups.iter();
        let known = groups
            .filter(|group| user.groups.contains(&group.id))
            .count();
        assert_eq!(
            known,
            user.groups.len(),
            "{user:?} is in a group that is gone"
        );
        let text = format!("userName eq \"{}\"", user.user_name);
        let filter = super::filter::Filter::read(Kind::User, &text).expect("a filter");
        let (found, total) = listing::page(store, Kind::User, Some(&filter), Start::Skip(0), 10);
        let found: Vec<String> = found
            .into_iter()
            .map(|at| user_id(at).to_string())
            .collect();
        assert_eq!((found, total), (vec![user.id.clone()], 1));
        let folded = user.user_name.to_lowercase();
        let users = snapshot.users.iter();
        let same = users.filter(|other| other.user_name.to_lowercase() == folded);
        assert_eq!(same.count(), 1, "{folded} is held twice");
    }
}

proptest! {
    #[test]
    fn indexes_agree_and_refused_calls_change_nothing(calls in prop::collection::vec(call(), 1..60)) {
        let mut store = Store::new("http://127.0.0.1/node", "ROLE_", Some(6));
        for call in &calls {
            let before = Snapshot::of(&store);
            if carry_out(&mut store, call).is_err() {
                prop_assert_eq!(&Snapshot::of(&store), &before);
            }
            check(&store);
        }
        prop_assert!(Snapshot::of(&store).users.len() <= 6);
    }
}
