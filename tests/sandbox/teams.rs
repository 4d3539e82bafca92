//! Teams and roles: listed, created once, deleted after a question.

use harness::{Node, at_once, column};
use headcount::sandbox::Options;

fn names(node: &Node, wanted: &str) -> usize {
    let groups = node.sandbox().snapshot().groups;
    groups
        .iter()
        .filter(|group| group.display_name == wanted)
        .count()
}

#[test]
fn teams_and_roles_are_listed_apart() {
    let node = Node::with_users(120);
    let desk = node.desk();
    let teams = desk.headcount(&["teams", "list"]).with(0).stdout;
    assert!(teams.starts_with("NAME"));
    assert!(teams.contains("Human Resources") && teams.contains("611107205120004"));
    // Without the prefix nobody can tell what a role is.
    desk.headcount(&["roles", "list"])
        .with(2)
        .says("--role-prefix");
    let roles = desk
        .headcount(&["roles", "list", "--role-prefix", "ROLE_"])
        .with(0)
        .stdout;
    assert!(roles.contains("Auditor") && !roles.contains("Sales"));
}

#[test]
fn what_is_created_is_created_once() {
    let node = Node::with_users(10);
    let desk = node.desk();
    let create = ["teams", "create", "Kitchen", "Sales Berlin"];
    desk.headcount(&create)
        .with(0)
        .says("team \"Kitchen\": created");
    desk.headcount(&create).with(0).says("already");
    assert_eq!(
        (names(&node, "Kitchen"), names(&node, "Sales Berlin")),
        (1, 1)
    );
    desk.headcount(&["roles", "create", "Cook", "--role-prefix", "ROLE_"])
        .with(0);
    let group = node.sandbox().snapshot();
    assert!(group.group("ROLE_Cook").unwrap().is_role);

    // All names are looked at before anything is sent.
    desk.headcount(&[
        "teams",
        "create",
        "Garden",
        "sales",
        "ROLE_Gardener",
        "--role-prefix",
        "ROLE_",
    ])
    .with(2)
    .says("only in upper and lower case")
    .says("headcount roles create \"Gardener\"")
    .says("nothing was sent");
    assert_eq!(names(&node, "Garden"), 0);
}

#[test]
fn lost_answers_make_no_second_team() {
    at_once(0..4, |seed| {
        let node = Node::start(Options {
            users: 5,
            faults: "500@after=30%,reset@after=30%".parse().unwrap(),
            seed,
            ..Options::default()
        });
        let desk = node.desk();
        desk.headcount(&["teams", "create", "A", "B", "C", "D"])
            .with(0);
        for team in ["A", "B", "C", "D"] {
            assert_eq!(names(&node, team), 1, "{team}, seed {seed}");
        }
    });
}

#[test]
fn a_team_is_deleted_only_when_it_is_meant() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.headcount(&["teams", "delete", "Sales"])
        .with(2)
        .says("--yes");
    desk.headcount(&["teams", "delete", "Sales", "Nope", "--yes"])
        .with(2)
        .says("\"Nope\"")
        .says("nothing was sent");
    assert_eq!(names(&node, "Sales"), 1);
    desk.headcount(&["teams", "delete", "Sales", "611107205120007", "--yes"])
        .with(0)
        .says("deleted");
    assert_eq!((names(&node, "Sales"), names(&node, "Legal")), (0, 0));

    // Two of one name: which one is meant, only an id tells.
    let twin = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"Finance\"}";
    desk.headcount(&["request", "POST", "/Groups", "--data", twin])
        .with(0);
    desk.headcount(&["teams", "delete", "Finance", "--yes"])
        .with(2)
        .says("611107205120003, 611107205120011");
    desk.headcount(&["teams", "delete", "611107205120011", "--yes"])
        .with(0);
    assert_eq!(names(&node, "Finance"), 1);
}

#[test]
fn teams_that_rows_need_are_created_before_them() {
    let node = Node::with_users(10);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,teams,roles\na@example.com,Kitchen;Sales,Cook\nb@example.com,Kitchen,\n",
    );
    let import = ["import", "people.csv", "--role-prefix", "ROLE_"];
    desk.headcount(&import).with(2).says("--create-teams");
    assert_eq!(node.sandbox().snapshot().users.len(), 10);

    let with_teams = [&import[..], &["--create-teams"]].concat();
    let dry = [&with_teams[..], &["--dry-run"]].concat();
    let planned = desk
        .headcount(&dry)
        .with(0)
        .says("it is created for these rows")
        .says("2 to create teams and roles");
    assert!(planned.stdout.contains("create team \"Kitchen\""));
    assert_eq!(names(&node, "Kitchen"), 0);

    desk.headcount(&with_teams)
        .with(0)
        .says("2 created")
        .says("2 teams and roles were created.");
    let snapshot = node.sandbox().snapshot();
    let mut groups = snapshot.groups_of("a@example.com");
    groups.sort_unstable();
    assert_eq!(groups, ["Kitchen", "ROLE_Cook", "Sales"]);
    assert_eq!(snapshot.groups_of("b@example.com"), ["Kitchen"]);
    assert_eq!(names(&node, "Kitchen"), 1);
    assert_eq!(
        column(&desk.rows("people.results.csv"), "result_status"),
        ["201", "201"]
    );

    // Nobody can leave a team that there is not.
    desk.file("leave.csv", "email,remove_teams\na@example.com,Garden\n");
    desk.headcount(&[
        "import",
        "leave.csv",
        "--action",
        "update",
        "--create-teams",
    ])
    .with(2)
    .says("Garden");
}
