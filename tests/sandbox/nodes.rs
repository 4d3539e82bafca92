//! One file for several nodes: each row goes to its own, and the results stay one file.

use std::collections::BTreeSet;

use harness::{Desk, Node, column, rows};
use headcount::sandbox::{Bulk, Options};

/// Two nodes, each with a token of its own, and their profiles on a desk.
struct Company {
    sales: Node,
    berlin: Node,
    desk: Desk,
}

fn company(change: impl Fn(&mut Options)) -> Company {
    let node = |id: &str, prefix: &str| {
        let mut options = Options {
            node: id.to_owned(),
            users: 40,
            role_prefix: prefix.to_owned(),
            ..Options::default()
        };
        change(&mut options);
        Node::with_token(&format!("token-of-{id}"), options)
    };
    let (sales, berlin) = (node("111", "ROLE_"), node("222", "R-"));
    let desk = Desk::at("");
    desk.file("sales.token", "token-of-111\n");
    desk.file(
        "config.toml",
        format!(
            "[profiles.sales]\nurl = '{}'\ntoken_file = 'sales.token'\nrole_prefix = 'ROLE_'\n\n\
             [profiles.berlin]\nurl = '{}'\ntoken_env = 'BERLIN'\nrole_prefix = 'R-'\n",
            sales.url(),
            berlin.url()
        ),
    );
    Company {
        sales,
        berlin,
        desk,
    }
}

impl Company {
    fn headcount(&self, args: &[&str]) -> harness::Ended {
        let mut command = self.desk.by_profile(args);
        command.env("BERLIN", "token-of-222");
        let ended = harness::ended(&mut command);
        for token in ["token-of-111", "token-of-222"] {
            assert!(!ended.stdout.contains(token) && !ended.stderr.contains(token));
        }
        ended
    }
}

fn emails(node: &Node) -> BTreeSet<String> {
    let users = node.sandbox().snapshot().users;
    users.into_iter().map(|user| user.user_name).collect()
}

/// New people, by turns for one node and the other.
fn by_turns(people: usize) -> String {
    let row = |i| {
        let node = if i % 3 == 0 { "Berlin" } else { "111" };
        format!("p{i}@example.com,{node},Sales\n")
    };
    let rows: String = (0..people).map(row).collect();
    format!("email,node,teams\n{rows}")
}

#[test]
fn each_row_goes_to_its_own_node() {
    for bulk in [Bulk::No, Bulk::Yes] {
        let company = company(|options| options.bulk = bulk);
        company.desk.file("people.csv", by_turns(300));
        company
            .headcount(&["import", "people.csv"])
            .with(0)
            .says("300 created");
        let (sales, berlin) = (emails(&company.sales), emails(&company.berlin));
        for i in 0..300 {
            let email = format!("p{i}@example.com");
            assert_eq!(berlin.contains(&email), i % 3 == 0);
            assert_eq!(sales.contains(&email), i % 3 != 0);
        }
        let rows = company.desk.rows("people.results.csv");
        let order: Vec<String> = (0..300).map(|i| format!("p{i}@example.com")).collect();
        assert_eq!(column(&rows, "email"), order);
        assert_eq!(rows[0]["node"], "Berlin");
    }
}

#[test]
fn a_row_for_no_node_sends_nothing() {
    let company = company(|_| {});
    let before = emails(&company.sales);
    company.desk.file(
        "people.csv",
        "email,node\na@example.com,sales\nb@example.com,berlni\nc@example.com,\n",
    );
    company
        .headcount(&["import", "people.csv"])
        .with(2)
        .says("row 3, column \"node\": \"berlni\" is no node of this run; did you mean \"berlin\"?")
        .says("row 4, column \"node\": this row names no node")
        .says("2 of 3 rows have errors");
    assert_eq!(emails(&company.sales), before);
    company
        .headcount(&["import", "people.csv", "--skip-invalid"])
        .with(4)
        .says("1 created, 2 invalid");
    let rows = company.desk.rows("people.results.csv");
    assert_eq!(
        column(&rows, "result_outcome"),
        ["created", "invalid", "invalid"]
    );

    // One node is named: a row for another is not sent there.
    company
        .headcount(&["import", "people.csv", "--profile", "berlin"])
        .with(2)
        .says("\"sales\" is not the node of this run, which is berlin");
}

#[test]
fn one_profile_needs_no_column_and_several_do() {
    let company = company(|_| {});
    company.desk.file("people.csv", "email\nann@example.com\n");
    let two = ["--profile", "sales", "--profile", "berlin"];
    company
        .headcount(&[&["import", "people.csv"][..], &two].concat())
        .with(2)
        .says("needs a column node");
    company
        .headcount(&["import", "people.csv", "--profile", "berlin"])
        .with(0)
        .says("1 row on berlin (node 222 at 127.0.0.1:");
    assert!(emails(&company.berlin).contains("ann@example.com"));
    company
        .headcount(&["roles", "list", "--profile", "berlin"])
        .with(0);
    company
        .headcount(&[&["doctor"][..], &two].concat())
        .with(2)
        .says("one node");
    company
        .headcount(&["import", "people.csv", "--profile", "paris"])
        .with(2)
        .says("there is no profile \"paris\" in config.toml; there are berlin, sales");
}

#[test]
fn locks_are_guarded_for_each_node() {
    let company = company(|_| {});
    let mut file = "email,node\n".to_owned();
    for user in company.berlin.active().iter().take(15) {
        file += &format!("{},berlin\n", user.user_name);
    }
    file += "nobody@example.com,sales\n";
    company.desk.file("leavers.csv", file);
    company
        .headcount(&["lock", "leavers.csv", "--yes"])
        .with(5)
        .says("berlin (node 222");
    company
        .headcount(&["lock", "leavers.csv", "--yes", "--allow-locks", "15"])
        .with(4)
        .says("15 locked, 1 failed");
}

#[test]
fn a_plan_for_several_nodes_is_carried_out_on_them() {
    let company = company(|_| {});
    company.desk.file("people.csv", by_turns(30));
    let shown = company
        .headcount(&["import", "people.csv", "--dry-run"])
        .with(0)
        .says("30 rows on berlin (node 222")
        .says("30 calls: 30 to create users");
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines[0].starts_with("row 2: create p0@example.com"));
    assert!(lines[29].starts_with("row 31: create p29@example.com"));
    company
        .headcount(&["plan", "people.csv", "-o", "p.plan"])
        .with(0);
    company
        .headcount(&["apply", "p.plan", "--profile", "berlin"])
        .with(2);
    company
        .headcount(&["apply", "p.plan"])
        .with(0)
        .says("30 created");
    assert!(emails(&company.berlin).contains("p27@example.com"));
}

#[test]
fn a_node_that_is_gone_does_not_keep_the_other_from_its_rows() {
    let company = company(|_| {});
    company.desk.file("people.csv", by_turns(60));
    let Company {
        sales,
        berlin,
        desk,
    } = company;
    drop(berlin);
    let mut command = desk.command(&["import", "people.csv"]);
    command
        .env_remove("HEADCOUNT_URL")
        .env("HEADCOUNT_CONFIG", "config.toml")
        .env("BERLIN", "token-of-222");
    // Without teams, nothing is asked of the nodes before the rows.
    let text = by_turns(60).replace(",Sales", ",");
    desk.file("people.csv", text);
    harness::ended(&mut command)
        .with(3)
        .says("40 created, 20 not attempted")
        .says("berlin (node 222");
    assert_eq!(emails(&sales).len(), 80);
    let rows = desk.rows("people.results.csv");
    assert_eq!(rows.len(), 60);
    assert_eq!(rows[0]["result_outcome"], "not_attempted");
    assert_eq!(rows[1]["result_outcome"], "created");
}

#[test]
fn an_export_of_several_nodes_says_which() {
    let company = company(|_| {});
    let two = ["--profile", "sales", "--profile", "berlin"];
    let ended = company
        .headcount(&[&["export", "users"][..], &two].concat())
        .with(0)
        .says("80 rows exported from sales (node 111");
    let exported = rows(ended.stdout.as_bytes());
    let of = |name: &str| {
        let rows = exported.iter().filter(|row| row["node"] == name);
        rows.map(|row| row["email"].clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(of("sales"), emails(&company.sales));
    assert_eq!(of("berlin"), emails(&company.berlin));
    // What was exported is an input for the same nodes.
    company.desk.file("again.csv", &ended.stdout);
    company
        .headcount(&["import", "again.csv", "--action", "update", "--yes"])
        .with(0)
        .says("80 unchanged");
    let one = company
        .headcount(&["export", "teams", "--profile", "berlin"])
        .with(0);
    assert!(one.stdout.starts_with("id,name,kind\n"));
    for what in ["teams", "members"] {
        let ended = company
            .headcount(&[&["export", what, "--format", "jsonl"][..], &two].concat())
            .with(0);
        assert!(ended.stdout.contains("\"node\":\"berlin\""));
    }
}
