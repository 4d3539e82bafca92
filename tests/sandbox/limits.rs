//! Nodes that let calls come only so fast, over real HTTP.

use harness::Node;
use headcount::sandbox::Options;

fn people(from: usize, to: usize) -> String {
    let rows = (from..to).map(|i| format!("p{i}@example.com,First{i},Last{i}\n"));
    "email,first_name,last_name\n".to_owned() + &rows.collect::<String>()
}

fn node(limits: &str, tell_limits: bool) -> Node {
    Node::start(Options {
        users: 0,
        limits: limits.parse().unwrap(),
        tell_limits,
        ..Options::default()
    })
}

#[test]
fn a_node_that_says_what_is_left_is_asked_for_little_more() {
    let node = node("users=40/s:fixed", true);
    let desk = node.desk();
    desk.file("people.csv", people(0, 200));
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("200 created");
    let refused = node.sandbox().calls().answered(429);
    // It met the limit: when nothing is left, one call tries that. It did not run into it again and again.
    assert!((1..150).contains(&refused), "{refused} were refused");
}

#[test]
fn a_limit_on_calls_at_once_is_found_out() {
    let node = Node::start(Options {
        latency: std::time::Duration::from_millis(20),
        users: 0,
        limits: "all=3/once".parse().unwrap(),
        ..Options::default()
    });
    let desk = node.desk();
    desk.file("people.csv", people(0, 400));
    desk.headcount(&["import", "people.csv", "--concurrency", "32"])
        .with(0)
        .says("400 created");
    let refused = node.sandbox().calls().answered(429);
    assert!((1..=40).contains(&refused), "{refused} were refused");
}

#[test]
fn what_was_found_out_is_there_in_the_next_run() {
    let node = node("users=60/s", false);
    let desk = node.desk();
    desk.file("first.csv", people(0, 400));
    desk.file("second.csv", people(400, 600));
    desk.headcount(&["import", "first.csv"]).with(0);
    let first = node.sandbox().calls().answered(429);
    assert!(first > 0, "nothing was refused");
    let kept = desk.path("state").join("pace.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains(desk.url()), "{kept}");
    desk.headcount(&["import", "second.csv"]).with(0);
    let second = node.sandbox().calls().answered(429) - first;
    assert!(second < first, "{first} and then {second} were refused");
}

#[test]
fn without_rate_control_as_many_calls_as_agreed_are_in_flight() {
    for (limit, most) in [("all=1000/once", 0), ("all=3/once", 400)] {
        let node = Node::start(Options {
            latency: std::time::Duration::from_millis(20),
            users: 0,
            limits: limit.parse().unwrap(),
            ..Options::default()
        });
        let desk = node.desk();
        desk.file("people.csv", people(0, 100));
        desk.headcount(&[
            "import",
            "people.csv",
            "--rate",
            "off",
            "--concurrency",
            "6",
        ])
        .with(0)
        .says("100 created");
        let refused = node.sandbox().calls().answered(429);
        // Half of six calls are refused by a node that takes three, and none by others.
        assert_eq!(refused > 0, most > 0, "{limit}");
        assert!(refused <= most, "{limit}: {refused} were refused");
        assert!(!desk.path("state").join("pace.json").exists());
    }
}
