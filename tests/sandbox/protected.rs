//! Protected people keep their access, whatever a file says and by whatever name it knows them.

use harness::{Desk, Ended, Node, column};

/// A profile of the node that protects these.
fn protect(node: &Node, desk: &Desk, protected: &[&str]) {
    let url = node.url();
    let text = format!(
        "[profiles.main]\nurl = {url:?}\ntoken_env = \"HEADCOUNT_TOKEN\"\nprotected = {protected:?}\n"
    );
    desk.file("config.toml", text);
}

fn run(desk: &Desk, args: &[&str]) -> Ended {
    let mut command = desk.command(args);
    harness::ended(command.env("HEADCOUNT_CONFIG", "config.toml"))
}

/// Email and id of the first active users.
fn active(node: &Node) -> Vec<(String, String)> {
    let users = node.sandbox().snapshot().users.into_iter();
    let active = users.filter(|user| user.active);
    active.map(|user| (user.user_name, user.id)).collect()
}

#[test]
fn a_file_that_would_lock_somebody_protected_is_refused() {
    let node = Node::with_users(40);
    let desk = node.desk();
    let people = active(&node);
    let boss = &people[0].0;
    let (admin, admin_id) = &people[1];
    protect(&node, &desk, &[&boss.to_uppercase(), admin_id]);
    for (at, row) in [
        format!("lock,{boss},,"),
        format!("delete,{boss},,"),
        format!("lock,,{admin_id},"),
        format!("update,{boss},,no"),
        format!("upsert,{boss},,no"),
    ]
    .iter()
    .enumerate()
    {
        let other = &people[5 + at].0;
        desk.file(
            "people.csv",
            format!("action,email,id,active\nlock,{other},,\n{row}\n"),
        );
        let before = node.sandbox().calls().total();
        // Also where the node is not named by its profile.
        for args in [
            &["import", "people.csv", "--yes"][..],
            &["import", "people.csv", "--yes", "--profile", "main"],
        ] {
            run(&desk, args)
                .with(2)
                .says("row 3")
                .says("is protected, and is neither locked nor deleted")
                .says("nothing was sent");
        }
        assert_eq!(node.sandbox().calls().total(), before, "{row}");
    }
    // Other changes of theirs are like anybody's.
    desk.file(
        "people.csv",
        format!("action,email,last_name\nupdate,{boss},Chief\nunlock,{admin},\n"),
    );
    run(&desk, &["import", "people.csv"]).with(0);
}

#[test]
fn whoever_is_known_by_another_name_is_protected_all_the_same() {
    let node = Node::with_users(40);
    let desk = node.desk();
    let people = active(&node);
    let [(boss, boss_id), (admin, admin_id), (third, _), (other, _)] = &people[..4] else {
        panic!("four people");
    };
    protect(&node, &desk, &[boss, admin_id, third]);
    desk.file(
        "people.csv",
        format!(
            "action,email,id,new_email\n\
             lock,,{boss_id},\n\
             lock,{admin},,\n\
             delete,{admin},,\n\
             update,{third},,somebody@example.com\n\
             lock,somebody@example.com,,\n\
             lock,{other},,\n"
        ),
    );
    run(&desk, &["import", "people.csv", "--dry-run"]).says("1 updated, 1 locked, 4 invalid");
    run(&desk, &["import", "people.csv", "--yes"]).with(4);
    let rows = desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        [
            "invalid", "invalid", "invalid", "updated", "invalid", "locked"
        ]
    );
    let now = node.sandbox().snapshot();
    for email in [boss, admin, "somebody@example.com"] {
        assert!(now.user(email).unwrap().active, "{email}");
    }
    assert!(!now.user(other).unwrap().active);
}

#[test]
fn nobody_protected_is_locked_by_taking_a_run_back() {
    let node = Node::with_users(3);
    let desk = node.desk();
    protect(&node, &desk, &[]);
    desk.file(
        "people.csv",
        "email\nnew.boss@example.com\nother@example.com\n",
    );
    run(&desk, &["import", "people.csv"]).with(0);
    let undo = ["runs", "undo", "--yes", "--protect", "new.boss@example.com"];
    run(&desk, &undo).with(4).says("is protected");
    let now = node.sandbox().snapshot();
    assert!(now.user("new.boss@example.com").unwrap().active);
    assert!(!now.user("other@example.com").unwrap().active);
}

#[test]
fn a_list_of_protected_people_that_cannot_be_read_stops_everything() {
    let node = Node::with_users(3);
    let desk = node.desk();
    protect(&node, &desk, &["boss@"]);
    desk.file("people.csv", "email\nnew@example.com\n");
    run(&desk, &["import", "people.csv"])
        .with(2)
        .says("config.toml, line 4: protected: \"boss@\" is not an email address");
    desk.headcount(&["lock", "people.csv", "--protect", "a@b"])
        .with(2)
        .says("is not an email address");
    assert_eq!(node.sandbox().calls().total(), 0);
}
