//! Ctrl-C: no new calls, those in flight finish, every row is in the results.
#![cfg(unix)]

use crate::support::after;

use harness::{Node, column, ended, newcomers, signal, until_it};
use headcount::sandbox::{Faults, Options};

/// Whether SIGHUP was ignored when this process began.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Where nobody can tell, the program leaves the signal alone.
    ignored.is_none_or(|mask| mask & 1 == 1)
}

#[test]
fn an_interrupted_run_accounts_for_every_row() {
    for signal_name in ["-INT", "-TERM", "-HUP"] {
        // These tests may run under nohup themselves: then the program is to ignore this one, too.
        if signal_name == "-HUP" && ignores_hangup() {
            continue;
        }
        let node = Node::slow(0, 20);
        let desk = node.desk();
        desk.file("people.csv", newcomers(1_000));
        let mut import = desk.command(&["import", "people.csv", "-q"]);
        let mut child = node.until_created(40, &mut import);
        signal(&child, signal_name);
        assert_eq!(child.wait().unwrap().code(), Some(130));

        let rows = desk.rows("people.results.csv");
        assert_eq!(rows.len(), 1_000);
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(
                row["email"],
                format!("p{at}@example.com"),
                "in the order of the input"
            );
        }
        let outcomes = column(&rows, "result_outcome");
        let created = harness::count(&outcomes, "created");
        let not_attempted = harness::count(&outcomes, "not_attempted");
        assert_eq!(
            created + not_attempted,
            1_000,
            "those in flight have finished"
        );
        assert_eq!(
            node.sandbox().snapshot().users.len(),
            created,
            "what is reported is what is there"
        );
        let run = ["runs", "resume", "-q"];
        desk.headcount(&run).with(0);
        assert_eq!(node.sandbox().snapshot().users.len(), 1_000);
        assert_eq!(node.sandbox().calls().answered(201), 1_000);
    }
}

#[test]
fn after_a_kill_only_what_may_have_been_sent_is_unknown() {
    const ROWS: usize = 600;
    let node = Node::slow(0, 50);
    let desk = node.desk();
    desk.file("people.csv", newcomers(ROWS));
    let created = || node.sandbox().snapshot().users.len();
    let stop = |signal_name: &str, after: usize, args: &[&str]| {
        let mut child = node.until_created(after, &mut desk.command(args));
        signal(&child, signal_name);
        child.wait().unwrap().code()
    };
    stop("-KILL", 40, &["import", "people.csv", "-q"]);
    let shown = desk
        .headcount(&["runs", "show", "--format", "json"])
        .with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let [doubtful, settled] = [&shown["in_doubt"], &shown["outcomes"]["created"]]
        .map(|number| usize::try_from(number.as_u64().unwrap()).unwrap());
    assert!(doubtful > 30, "{shown}");

    let count = |word| harness::count(&desk.outcomes("people.results.csv"), word);
    // One at a time: most of those that may have been sent are not looked for yet.
    let resume = ["runs", "resume", "-q", "--concurrency", "1"];
    assert_eq!(stop("-INT", 1, &resume), Some(130));
    let found = count("created") - settled;
    assert!(found < doubtful, "{found} of {doubtful}");
    assert_eq!(count("unknown"), doubtful - found);
    assert_eq!(count("not_attempted"), ROWS - settled - doubtful);

    // All of those are looked for, and some of the others were about to be sent.
    let resume = ["runs", "resume", "-q"];
    assert_eq!(stop("-INT", doubtful + 40, &resume), Some(130));
    assert_eq!(count("unknown"), 0);
    assert_eq!(count("created"), created());
    // None of those that were not sent is in doubt.
    assert_eq!(stop("-INT", 1, &resume), Some(130));
    assert_eq!(count("unknown"), 0);

    desk.headcount(&resume).with(0);
    assert_eq!(count("created"), ROWS);
    assert_eq!(node.sandbox().calls().answered(201), ROWS as u64);
    assert_eq!(node.sandbox().calls().answered(409), 0);
}

#[test]
fn a_run_that_shall_outlive_its_terminal_does() {
    let node = Node::slow(0, 20);
    let desk = node.desk();
    desk.file("people.csv", newcomers(300));
    // As nohup does it.
    let import = desk.command(&["import", "people.csv", "-q"]);
    let mut child = node.until_created(40, &mut after("trap '' HUP", &import));
    signal(&child, "-HUP");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(node.sandbox().snapshot().users.len(), 300);
}

#[test]
fn a_second_interrupt_does_not_wait_for_calls_in_flight() {
    let node = Node::start(Options {
        users: 0,
        faults: "delay@after:50000=100%".parse().unwrap(),
        ..Options::default()
    });
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email\na@example.com\nb@example.com\nc@example.com\n",
    );
    let words = desk.file("words.txt", "");
    let mut child = desk
        .command(&["import", "people.csv", "--concurrency", "1"])
        .stderr(std::fs::File::create(&words).unwrap())
        .spawn()
        .unwrap();
    until_it(&mut child, "the first create is carried out", || {
        !node.sandbox().snapshot().users.is_empty()
    });
    signal(&child, "-INT");
    until_it(&mut child, "the first signal is heard", || {
        let words = std::fs::read_to_string(&words).unwrap();
        words.contains("Ctrl-C again stops at once")
    });
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let calls = node.sandbox().calls();
    assert_eq!(
        calls.answered(201),
        0,
        "it waited for the answer: {calls:?}"
    );
    let outcomes = desk.outcomes("people.results.csv");
    assert_eq!(outcomes.len(), 3);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome == "unknown" || outcome == "not_attempted"),
        "{outcomes:?}"
    );
    // Whoever was created without anybody hearing of it is not created again.
    node.sandbox().set_faults(Faults::default());
    desk.headcount(&["runs", "resume"]).with(0);
    let created = desk.outcomes("people.results.csv");
    assert_eq!(created, ["created"; 3]);
    assert_eq!(node.sandbox().snapshot().users.len(), 3);
    assert_eq!(node.sandbox().calls().answered(409), 0);
}

#[test]
fn interrupted_batches_say_of_each_row_what_is_so() {
    let node = Node::slow(2_000, 30);
    let desk = node.desk();
    let before = node.sandbox().snapshot();
    let rows: String = before
        .users
        .iter()
        .filter(|user| {
            let groups = before.groups_of(&user.user_name);
            !groups.contains(&"Legal") && !groups.contains(&"Finance")
        })
        .map(|user| format!("{},Legal;Finance\n", user.user_name))
        .collect();
    desk.file("people.csv", format!("email,teams\n{rows}"));
    let import = [
        "import",
        "people.csv",
        "-q",
        "--action",
        "add-teams",
        "--batch",
        "10",
    ];
    let mut child = desk.command(&import).spawn().unwrap();
    until_it(&mut child, "some batches are sent", || {
        node.sandbox().calls().of("PATCH /Groups/{id}") > 20
    });
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));

    let after = node.sandbox().snapshot();
    let rows = desk.rows("people.results.csv");
    assert!(rows.len() > 1_000);
    for row in rows {
        let groups = after.groups_of(&row["email"]);
        let joined = ["Legal", "Finance"].map(|team| groups.contains(&team));
        match row["result_outcome"].as_str() {
            "updated" => assert_eq!(joined, [true, true]),
            "not_attempted" => assert_eq!(joined, [false, false], "{row:?}"),
            _ => {
                assert!(row["result_error"].contains("only a part"), "{row:?}");
                assert!(joined[0] != joined[1]);
            }
        }
    }
}

#[test]
fn a_disk_without_room_stops_the_run_and_it_goes_on_when_there_is_some() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file("people.csv", newcomers(3_000));
    // No file may grow beyond this, in half a KiB; as if that were all the room there is.
    let with_room = |room: u32, args: &[&str]| {
        let script = format!("trap '' XFSZ; ulimit -f {room}");
        ended(&mut after(&script, &desk.command(args)))
    };
    let sent = || node.sandbox().calls().of("POST /Users");
    let import = ["import", "people.csv", "-q"];
    with_room(60, &import).with(2).says("nothing was sent");
    assert_eq!(sent(), 0);
    for (room, args) in [(400, &import[..]), (1_000, &["runs", "resume", "-q"])] {
        let before = sent();
        let ended = with_room(room, args).with(1).says("headcount runs resume");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        assert!((before + 1..3_000).contains(&sent()), "{room}");
    }
    desk.headcount(&["runs", "resume", "-q"]).with(0);
    assert_eq!(node.sandbox().snapshot().users.len(), 3_000);
    assert_eq!(node.sandbox().calls().answered(201), 3_000);
    let rows = desk.rows("people.results.csv");
    assert!(
        column(&rows, "result_outcome")
            .iter()
            .all(|word| word == "created")
    );
}
