//! What would be done is shown before it is done, and a plan is carried out only if it still holds.

use harness::{Node, emails};
use headcount::sandbox::Options;

const ROWS: &str = "\
action,email,first_name,last_name,external_id,teams,remove_teams,new_email
create,new@example.com,New,Person,,Sales;Legal,,
update,kate.chen@example.com,,Chen-Baker,,,,kate.baker@example.com
update,kate.baker@example.com,Katherine,,,,,
lock,clara.larsen@example.com,,,,,,
unlock,clara.larsen@example.com,,,,,,
update,nobody@example.com,No,,,,,
update,alice.chen@example.com,,,<clear>,,,
create,ben.gomez@example.com,,Beech,,,,
delete,leila.gomez@example.com,,,,,,
";

#[test]
fn every_change_is_named_and_none_is_made() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", ROWS);
    let before = node.sandbox().snapshot();
    let planned = desk
        .headcount(&["plan", "people.csv", "--rate", "60/min"])
        .with(4)
        .says("9 rows on node 1234567890")
        .says("1 created, 3 updated, 1 locked, 1 unlocked, 1 deleted, 2 failed")
        .says("7 calls: 1 to create users (POST /Users), 5 to change users (PATCH /Users), 1 to delete users")
        .says("7.0 s at 60/min")
        .says("Nothing was changed.");
    insta::assert_snapshot!(planned.stdout, @r#"
    row 2: create new@example.com: first_name "New", last_name "Person", display_name "New Person", joins "Sales", joins "Legal"
    row 3: update kate.chen@example.com: email "kate.chen@example.com" -> "kate.baker@example.com", last_name "Chen" -> "Chen-Baker"
    row 4: update kate.baker@example.com: first_name "Kate" -> "Katherine"
    row 5: lock clara.larsen@example.com: active "yes" -> "no"
    row 6: unlock clara.larsen@example.com: active "no" -> "yes"
    row 7: update nobody@example.com: cannot be done (failed): the node has nobody of this email; was the account deleted, or is it on another node?
    row 8: update alice.chen@example.com: external_id "E00004" -> nothing
    row 9: create ben.gomez@example.com: cannot be done (failed): an account with this email exists and differs: last_name is "Gomez", the row asks for "Beech"; see --on-conflict skip or update
    row 10: delete leila.gomez@example.com
    "#);
    let dry = desk
        .headcount(&["import", "people.csv", "--dry-run", "--yes"])
        .with(4);
    assert_eq!(dry.stdout, planned.stdout);
    assert_eq!(node.sandbox().snapshot(), before);
    let calls = node.sandbox().calls();
    assert!(calls.total() > 0);
    assert!(calls.by_kind.keys().all(|kind| kind.starts_with("GET ")));
    assert!(!desk.path("people.results.csv").exists());
}

#[test]
fn errors_and_guards_come_first_in_a_dry_run_too() {
    let node = Node::with_users(40);
    let desk = node.desk();
    desk.file(
        "bad.csv",
        "email,teams\nann@,Sales\nbob@example.com,Saels\n",
    );
    desk.headcount(&["plan", "bad.csv"])
        .with(2)
        .says("row 2")
        .says("Saels");
    desk.file("all.csv", emails(&node.sandbox().snapshot().users));
    let active = node.active().len();
    desk.headcount(&["lock", "all.csv", "--dry-run"])
        .with(5)
        .says(&format!("--allow-locks {active}"));
}

#[test]
fn what_is_forecast_is_what_is_sent() {
    let node = Node::start(Options {
        users: 600,
        ..Options::default()
    });
    let desk = node.desk();
    let users = node.sandbox().snapshot().users;
    let rows: String = users
        .iter()
        .enumerate()
        .map(|(i, user)| match i % 4 {
            0 => format!("update,{},Changed,Sales\n", user.user_name),
            1 => format!("create,new{i}@example.com,New,Legal\n"),
            _ => format!("add-teams,{},,Sales;Finance\n", user.user_name),
        })
        .collect();
    desk.file(
        "people.csv",
        format!("action,email,last_name,teams\n{rows}"),
    );
    let forecast = desk.headcount(&["plan", "people.csv"]).with(0).stderr;
    let calls = |what: &str| -> u64 {
        let (before, _) = forecast.split_once(what).unwrap();
        before
            .trim_end()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    desk.headcount(&["import", "people.csv"]).with(0);
    let sent = node.sandbox().calls();
    assert_eq!(calls("to create users"), sent.of("POST /Users"));
    assert_eq!(calls("to change users"), sent.of("PATCH /Users/{id}"));
    assert_eq!(calls("to change teams"), sent.of("PATCH /Groups/{id}"));
}

#[test]
fn a_plan_is_carried_out_only_while_it_holds() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file(
        "leavers.csv",
        "email\nclara.larsen@example.com\nben.gomez@example.com\n",
    );
    desk.headcount(&[
        "plan",
        "leavers.csv",
        "--action",
        "lock",
        "-o",
        "leavers.plan",
    ])
    .with(0)
    .says("headcount apply");
    // Somebody else locks one of them meanwhile.
    desk.file("one.csv", "email\nben.gomez@example.com\n");
    desk.headcount(&["lock", "one.csv", "--yes"]).with(0);
    desk.headcount(&["apply", "leavers.plan", "--yes"])
        .with(2)
        .says("row 3")
        .says("now: row 3: lock ben.gomez@example.com: nothing to change")
        .says("1 of the plan's rows would do something else now; nothing was sent");
    let active = |email: &str| node.sandbox().snapshot().user(email).unwrap().active;
    assert!(active("clara.larsen@example.com"));

    desk.headcount(&["unlock", "one.csv"]).with(0);
    desk.headcount(&["apply", "leavers.plan", "--dry-run"])
        .with(0)
        .says("still holds");
    desk.headcount(&["apply", "leavers.plan"])
        .with(2)
        .says("--yes");
    desk.headcount(&["apply", "leavers.plan", "--yes"])
        .with(0)
        .says("2 locked");
    assert!(!active("clara.larsen@example.com"));
    assert_eq!(desk.outcomes("leavers.results.csv"), ["locked", "locked"]);
}

#[test]
fn a_plan_belongs_to_its_file_and_its_node() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", "email\nnew@example.com\n");
    desk.headcount(&["plan", "people.csv", "-o", "people.plan"])
        .with(0);
    let other = Node::with_users(120);
    desk.headcount(&["apply", "people.plan", "--url", &other.url()])
        .with(2)
        .says("the plan was made for");
    desk.file(
        "people.csv",
        "email\nnew@example.com\nanother@example.com\n",
    );
    desk.headcount(&["apply", "people.plan"])
        .with(2)
        .says("was changed since the plan was made");
    desk.headcount(&["apply", "people.csv"])
        .with(2)
        .says("not a plan of headcount");
    assert_eq!(node.sandbox().snapshot().users.len(), 120);
}
