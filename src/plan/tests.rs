//! What is planned for a change, given what the node holds.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::attribute::{Attributes, Texts};
use crate::roster::{Action, Edit, Email, GroupKind, Person};
use crate::scim::{Group, Reference};

fn teams() -> Teams {
    let group = |id: &str, name: &str| Group {
        id: id.into(),
        display_name: Some(name.into()),
        members: None,
    };
    Teams::of(
        vec![
            group("t1", "Sales"),
            group("t2", "Legal"),
            group("r1", "ROLE_Auditor"),
        ],
        Some("ROLE_".into()),
    )
}

fn team(name: &str) -> GroupName {
    GroupName {
        kind: GroupKind::Team,
        name: name.into(),
    }
}

fn ann() -> Person {
    Person::Email(Email::try_from("ann@example.com").unwrap())
}

fn account() -> User {
    User {
        id: "7".into(),
        texts: Texts::from([
            (Attribute::UserName, Some("Ann@example.com".into())),
            (Attribute::GivenName, Some("Ann".into())),
            (Attribute::FamilyName, Some("Lee".into())),
            (Attribute::DisplayName, Some("Ann Lee".into())),
        ]),
        active: Some(true),
        groups: Some(vec![Reference::to("t1".into())]),
        created: None,
    }
}

fn held() -> AccountLookup {
    AccountLookup::Account(Box::new(account()))
}

/// What would be sent, as JSON.
fn sent(change: &Change) -> Value {
    match plan(change, &held(), &teams()) {
        PlannedOperation::Patch(account_patch) => {
            serde_json::to_value(account_patch.patch()).unwrap()["Operations"].clone()
        }
        planned => panic!("{planned:?}"),
    }
}

/// A change of Ann's account; nothing here depends on which action it comes from.
fn update_of(update: AccountUpdate) -> Change {
    Change {
        action: Action::Update,
        person: ann(),
        ask: Ask::Revise(update),
    }
}

fn active(active: bool) -> Change {
    update_of(AccountUpdate {
        active: Some(active),
        ..AccountUpdate::default()
    })
}

fn join(teams: &[&str]) -> Change {
    update_of(AccountUpdate {
        join: teams.iter().map(|name| team(name)).collect(),
        ..AccountUpdate::default()
    })
}

fn leave(teams: &[&str]) -> Change {
    update_of(AccountUpdate {
        leave: teams.iter().map(|name| team(name)).collect(),
        ..AccountUpdate::default()
    })
}

#[test]
fn attributes_lock_state_and_teams_of_one_person_are_one_patch() {
    let update = AccountUpdate {
        attributes: Attributes::from([
            (Attribute::FamilyName, Edit::Set("Chen".into())),
            (Attribute::GivenName, Edit::Set("Ann".into())),
            (Attribute::DisplayName, Edit::Clear),
            (Attribute::ExternalId, Edit::Clear),
        ]),
        active: Some(false),
        new_email: Some(Email::try_from("ann.chen@example.com").unwrap()),
        join: vec![
            team("Sales"),
            team("Legal"),
            GroupName {
                kind: GroupKind::Role,
                name: "Auditor".into(),
            },
        ],
        leave: vec![],
    };
    assert_eq!(
        sent(&update_of(update)),
        json!([
            {"op": "replace", "path": "userName", "value": "ann.chen@example.com"},
            {"op": "replace", "path": "displayName", "value": ""},
            {"op": "replace", "path": "name.familyName", "value": "Chen"},
            {"op": "replace", "path": "active", "value": false},
            {"op": "add", "path": "groups", "value": [{"value": "r1"}, {"value": "t2"}]}
        ]),
        "what is so already is not sent: the first name, the empty external id, the team"
    );
    let leaving = leave(&["Sales", "Legal"]);
    assert_eq!(
        sent(&leaving),
        json!([{"op": "remove", "path": "groups", "value": [{"value": "t1"}]}])
    );
    assert_eq!(
        sent(&active(false)),
        json!([{"op": "replace", "path": "active", "value": false}])
    );
}

#[test]
fn what_is_so_already_costs_no_write() {
    for change in [
        active(true),
        join(&["sales"]),
        leave(&["Legal"]),
        update_of(AccountUpdate::default()),
    ] {
        assert_eq!(
            plan(&change, &held(), &teams()),
            PlannedOperation::Nothing { id: "7".into() },
            "{change:?}"
        );
    }
}

#[test]
fn memberships_that_the_node_does_not_show_are_sent() {
    let silent = AccountLookup::Account(Box::new(User {
        groups: None,
        ..account()
    }));
    let change = join(&["Sales"]);
    assert!(matches!(
        plan(&change, &silent, &teams()),
        PlannedOperation::Patch(_)
    ));
}

#[test]
fn nobody_two_people_and_twins_are_left_alone() {
    let lock = active(false);
    for lookup in [
        AccountLookup::NotFound,
        AccountLookup::IdMismatch {
            email: "bob@example.com".into(),
        },
        AccountLookup::Ambiguous {
            ids: vec!["1".into(), "2".into()],
        },
    ] {
        assert!(
            matches!(
                plan(&lock, &lookup, &teams()),
                PlannedOperation::Impossible(_)
            ),
            "{lookup:?}"
        );
    }
    let unknown = join(&["Kitchen"]);
    assert!(matches!(
        plan(&unknown, &held(), &teams()),
        PlannedOperation::Impossible(Impossible::Team { .. })
    ));
}

/// What a node that keeps to the provider's page makes of an account.
fn carried_out(before: &User, account_patch: &AccountPatch) -> User {
    let mut account = before.clone();
    for operation in serde_json::to_value(account_patch.patch()).unwrap()["Operations"]
        .as_array()
        .unwrap()
    {
        let value = &operation["value"];
        let text = || {
            value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let ids = || {
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|each| each["value"].as_str().unwrap().to_owned())
        };
        match (
            operation["path"].as_str().unwrap(),
            operation["op"].as_str().unwrap(),
        ) {
            ("active", _) => account.active = value.as_bool(),
            ("groups", "add") => {
                let joined = ids().map(Reference::to);
                account.groups.get_or_insert_default().extend(joined);
            }
            ("groups", _) => {
                let left: Vec<String> = ids().collect();
                account
                    .groups
                    .get_or_insert_default()
                    .retain(|group| !left.contains(&group.value));
            }
            (path, _) => {
                let attribute = Attribute::all().find(|attribute| attribute.path() == path);
                account.texts[attribute.expect(path)] = text();
            }
        }
    }
    account
}

fn edits() -> impl Strategy<Value = Edit<String>> {
    prop_oneof![
        Just(Edit::Keep),
        Just(Edit::Clear),
        "[abc]{1,2}".prop_map(Edit::Set)
    ]
}

fn some_teams() -> impl Strategy<Value = Vec<GroupName>> {
    proptest::sample::subsequence(vec!["Sales", "Legal"], 0..=2)
        .prop_map(|names| names.into_iter().map(team).collect())
}

proptest! {
    #[test]
    fn carrying_out_the_plan_gives_what_the_row_asks_for(
        (first, last, shown, external) in (edits(), edits(), edits(), edits()),
        active in proptest::option::of(any::<bool>()),
        (join, leave) in (some_teams(), some_teams()),
        (had_first, had_external) in (proptest::option::of("[abc]{1,2}"), proptest::option::of("[abc]{1,2}")),
    ) {
        let leave: Vec<GroupName> = leave.into_iter().filter(|team| !join.contains(team)).collect();
        let mut before = account();
        before.texts[Attribute::GivenName] = had_first;
        before.texts[Attribute::ExternalId] = had_external;
        let attributes = Attributes::from([
            (Attribute::GivenName, first),
            (Attribute::FamilyName, last),
            (Attribute::DisplayName, shown),
            (Attribute::ExternalId, external),
        ]);
        let change = update_of(AccountUpdate { attributes: attributes.clone(), active, new_email: None, join: join.clone(), leave: leave.clone() });
        let after = match plan(&change, &AccountLookup::Account(Box::new(before.clone())), &teams()) {
            PlannedOperation::Nothing { .. } => before.clone(),
            PlannedOperation::Patch(account_patch) => {
                let after = carried_out(&before, &account_patch);
                prop_assert_eq!(&after, &account_patch.after);
                prop_assert_ne!(&after, &before, "a call that changes nothing");
                after
            }
            planned => panic!("{planned:?}"),
        };
        let wanted = |edit: &Edit<String>, before: &Option<String>| match edit {
            Edit::Keep => before.clone(),
            Edit::Clear => None,
            Edit::Set(text) => Some(text.clone()),
        };
        for attribute in Attribute::all() {
            let wanted = wanted(&attributes[attribute], &before.texts[attribute]);
            prop_assert_eq!(&after.texts[attribute], &wanted);
        }
        prop_assert_eq!(after.active, active.or(before.active));
        let is_in = |name: &GroupName| {
            let id = teams().resolve(name).unwrap().to_owned();
            after.groups.as_ref().unwrap().iter().any(|group| group.value == id)
        };
        prop_assert!(join.iter().all(is_in) && !leave.iter().any(is_in));
        // Once it is so, nothing more is sent.
        let again = plan(&change, &AccountLookup::Account(Box::new(after)), &teams());
        prop_assert_eq!(again, PlannedOperation::Nothing { id: "7".into() });
    }
}
