//! Templates: what the program gives out, it takes back.

use std::collections::{BTreeMap, BTreeSet};

use harness::{Node, column};

#[test]
fn each_template_is_an_input_as_it_stands() {
    let node = Node::with_users(0);
    let desk = node.desk();
    let outcomes = |kind: &str| {
        let name = format!("{kind}.csv");
        desk.headcount(&["template", kind, "-o", &name]).with(0);
        desk.headcount(&["import", &name, "--yes"]).with(0);
        column(&desk.rows(&format!("{kind}.results.csv")), "result_outcome")
    };
    assert_eq!(outcomes("onboarding"), ["created", "created"]);
    assert_eq!(outcomes("teams"), ["updated", "updated"]);
    let snapshot = node.sandbox().snapshot();
    let teams = |email| BTreeSet::from_iter(snapshot.groups_of(email));
    assert_eq!(
        teams("ann.example@example.com"),
        BTreeSet::from(["Marketing", "Sales"])
    );
    assert_eq!(
        teams("ben.example@example.com"),
        BTreeSet::from(["Marketing"])
    );
    let users = &snapshot.users;
    assert!(users.iter().any(|user| {
        user.user_name == "ann.example@example.com" && user.external_id.as_deref() == Some("00123")
    }));
    assert_eq!(outcomes("offboarding"), ["locked", "locked"]);
    assert_eq!(outcomes("update"), ["updated", "updated"]);
    let users = node.sandbox().snapshot().users;
    let active = users.iter().map(|user| (&*user.user_name, user.active));
    assert_eq!(
        active.collect::<BTreeMap<_, _>>(),
        BTreeMap::from([
            ("ann.sample@example.com", false),
            ("ben.example@example.com", true)
        ])
    );
}
