//! `headcount runs`: what runs have done, and going on with them, again or back.
#![cfg(unix)]

use std::fs;

use harness::{Desk, Node, column, ended, newcomers, until_it};
use headcount::sandbox::Options;

/// Begins to create many people, and kills the program when some are there.
fn kill_an_import(node: &Node, desk: &Desk, people: usize) {
    desk.file("people.csv", newcomers(people));
    let mut import = desk.command(&["import", "people.csv", "-q"]);
    let mut child = node.until_created(20, &mut import);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_plan_that_was_begun_is_gone_on_with_by_its_run() {
    let node = Node::slow(200, 10);
    let desk = node.desk();
    desk.headcount(&["export", "users", "-o", "people.csv"])
        .with(0);
    let locks = ["--allow-locks", "200"];
    let plan = ["plan", "people.csv", "--action", "lock", "-o", "all.plan"];
    desk.headcount(&[&plan[..], &locks].concat()).with(0);
    let apply = [&["apply", "all.plan", "--yes", "-q"][..], &locks].concat();
    let active = || node.active().len();
    let before = active();
    let mut child = desk.command(&apply).spawn().unwrap();
    until_it(&mut child, "some people are locked", || {
        active() <= before - 20
    });
    child.kill().unwrap();
    child.wait().unwrap();
    desk.headcount(&apply)
        .with(2)
        .says("would do something else now; nothing was sent")
        .says("has not finished")
        .says("headcount runs resume");
    desk.headcount(&["runs", "resume", "-q"]).with(0);
    assert_eq!(active(), 0);
}

#[test]
fn the_same_import_continues_a_run_that_was_killed_and_says_so() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    kill_an_import(&node, &desk, 300);
    desk.headcount(&["runs", "show"])
        .with(0)
        .says("Next: headcount runs resume");
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("Continuing a previous run: import of ")
        .says("of 300 rows done");
    assert_eq!(node.sandbox().snapshot().users.len(), 300);
    assert_eq!(node.sandbox().calls().answered(201), 300);
    let rows = desk.rows("people.results.csv");
    assert!(
        column(&rows, "result_outcome")
            .iter()
            .all(|word| word == "created")
    );
    // It is over: the same file is a new run, whose people are all there.
    desk.headcount(&["import", "people.csv"])
        .with(0)
        .says("300 existed already");
    desk.headcount(&["runs", "resume"])
        .with(2)
        .says("there is no run that is unfinished");
}

#[test]
fn a_run_whose_file_was_changed_finishes_the_input_that_it_recorded() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    kill_an_import(&node, &desk, 200);
    let path = desk.path("people.csv");
    let text = fs::read_to_string(&path).unwrap();
    desk.file("people.csv", text.replacen("p150@", "someone@", 1));
    for choice in [&[][..], &["--yes"], &["--resume"]] {
        desk.headcount(&[&["import", "people.csv"][..], choice].concat())
            .with(2)
            .says("The file has changed since; nothing was sent.")
            .says("headcount runs resume")
            .says("--anew");
    }
    // What became of its rows so far can be had.
    desk.headcount(&["runs", "results", "-o", "so-far.csv"])
        .with(0);
    let rows = desk.rows("so-far.csv");
    assert_eq!(rows.len(), 200);
    let outcomes = column(&rows, "result_outcome");
    assert!(outcomes.contains(&"created".to_owned()));
    assert!(outcomes.contains(&"not_attempted".to_owned()));
    desk.headcount(&["runs", "resume"])
        .with(0)
        .says("has changed; continuing with the copy");
    assert_eq!(node.sandbox().calls().answered(201), 200);
    assert!(node.sandbox().snapshot().user("p150@example.com").is_some());
}

#[test]
fn a_run_is_not_gone_on_with_on_another_node() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    kill_an_import(&node, &desk, 100);
    let other = Node::with_users(0);
    desk.headcount(&["runs", "resume", "--url", &other.url()])
        .with(2)
        .says("nothing was sent");
    assert_eq!(other.sandbox().snapshot().users.len(), 0);
}

#[test]
fn what_failed_is_sent_again_from_a_corrected_results_file() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first name,last name\na@example.com,Ann,Ash\nb@example.com,Bob,Birch\n",
    );
    desk.headcount(&["import", "people.csv"]).with(0);
    desk.file(
        "more.csv",
        "email,first name,last name\nb@example.com,Ben,Beech\nc@example.com,Cem,Cedar\n",
    );
    desk.headcount(&["import", "more.csv"]).with(4);
    // Not corrected: it fails again, and nobody is created twice.
    desk.headcount(&["runs", "retry"]).with(4);
    assert_eq!(node.sandbox().calls().answered(201), 3);
    let text = fs::read_to_string(desk.path("more.results.csv")).unwrap();
    desk.file(
        "more.results.csv",
        text.replacen("b@example.com", "ben@example.com", 1),
    );
    desk.headcount(&["runs", "retry", "more.results.csv"])
        .with(0);
    assert_eq!(node.sandbox().calls().answered(201), 4);
    let rows = desk.rows("more.retry.results.csv");
    assert_eq!(column(&rows, "result_outcome"), ["created", "created"]);
    assert!(desk.path("more.results.csv").exists(), "the input stays");
    // Everything is done now, whichever of the two is retried.
    for results in ["more.retry.results.csv", "more.results.csv"] {
        desk.headcount(&["runs", "retry", results])
            .with(0)
            .says("There is nothing to retry");
    }
    assert!(!desk.path("more.retry-2.results.csv").exists());
    desk.headcount(&["import", "more.results.csv", "--on-conflict", "skip"])
        .with(0);
    // What the retry wrote is kept.
    assert_eq!(rows.len(), desk.rows("more.retry.results.1.csv").len());
    desk.headcount(&["runs", "report"]).with(0);
    assert!(desk.path("more.retry.report.html").exists());
    assert!(node.sandbox().snapshot().user("ben@example.com").is_some());
}

#[test]
fn a_run_is_taken_back() {
    let node = Node::start(Options {
        users: 12,
        teams: 3,
        ..Options::default()
    });
    let desk = node.desk();
    let before = node.sandbox().snapshot();
    let teams: Vec<&str> = before
        .groups
        .iter()
        .filter(|group| !group.is_role)
        .map(|group| group.display_name.as_str())
        .collect();
    let email = |at: usize| before.users[at].user_name.clone();
    let text = format!(
        "action,email,first_name,last_name,external_id,new_email,teams,remove_teams\n\
         update,{},Other,Name,<clear>,,,\n\
         lock,{},,,,,,\n\
         update,{},,,,moved@example.com,TEAM2,\n\
         create,new@example.com,New,Comer,,,TEAM0,\n\
         delete,{},,,,,,\n\
         remove-teams,{},,,,,,TEAM0;TEAM1;TEAM2\n",
        email(0),
        email(1),
        email(2),
        email(3),
        email(4),
    );
    let text = text
        .replace("TEAM0", teams[0])
        .replace("TEAM1", teams[1])
        .replace("TEAM2", teams[2]);
    desk.file("people.csv", text);
    desk.headcount(&["import", "people.csv", "--yes"]).with(0);
    let changed = node.sandbox().snapshot();
    assert_ne!(changed, before);

    let shown = desk.headcount(&["runs", "undo", "--dry-run"]).with(0);
    assert!(
        shown.stdout.contains("moved@example.com"),
        "{}",
        shown.stdout
    );
    assert_eq!(
        node.sandbox().snapshot(),
        changed,
        "a dry run changes nothing"
    );
    desk.headcount(&["runs", "undo"]).with(2).says("--yes");
    desk.headcount(&["runs", "undo", "--yes"])
        .with(0)
        .says("row 6 stays")
        .says("cannot be brought back");
    let after = node.sandbox().snapshot();
    assert!(before.users.len() > 5);
    for user in before
        .users
        .iter()
        .filter(|user| user.user_name != email(3))
    {
        let now = after.users.iter().find(|each| each.id == user.id).unwrap();
        // The sandbox writes an email that changes into emails, too, and orders groups by their age.
        assert_eq!(now.user_name, user.user_name);
        assert_eq!(now.given_name, user.given_name);
        assert_eq!(now.family_name, user.family_name);
        assert_eq!(now.external_id, user.external_id);
        assert_eq!(now.active, user.active);
        assert_eq!(now.groups, user.groups, "{}", user.user_name);
    }
    assert!(!after.user("new@example.com").unwrap().active);
    let shown = desk.headcount(&["runs", "show"]).with(0).stdout;
    assert!(shown.contains("undo of "), "{shown}");
    let list = desk.headcount(&["runs", "list"]).with(0).stdout;
    assert!(list.contains("  undo    people.undo.csv"), "{list}");
}

#[test]
fn two_runs_on_a_node_go_one_after_the_other() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    let rows = |from: usize| -> String {
        let rows = (from..from + 150).map(|at| format!("q{at}@example.com,Q,No {at}\n"));
        format!("email,first name,last name\n{}", rows.collect::<String>())
    };
    desk.file("one.csv", rows(0));
    desk.file("two.csv", rows(1000));
    let mut first = node.until_created(10, &mut desk.command(&["import", "one.csv", "-q"]));
    desk.headcount(&["import", "two.csv"])
        .with(0)
        .says("Another run is working on");
    assert_eq!(first.wait().unwrap().code(), Some(0));
    assert_eq!(node.sandbox().snapshot().users.len(), 300);
}

#[test]
fn records_are_private_and_old_ones_are_pruned() {
    use std::os::unix::fs::PermissionsExt;

    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first name,last name\na@example.com,Ann,Ash\n",
    );
    desk.headcount(&["import", "people.csv"]).with(0);
    let records: Vec<_> = fs::read_dir(desk.path("state/runs"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert!(
        records
            .iter()
            .any(|entry| entry.path().extension().unwrap() == "db")
    );
    for entry in records {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
    }
    desk.headcount(&["runs", "prune", "--older-than", "1d"])
        .with(0)
        .says("0 runs removed");
    desk.headcount(&["runs", "prune", "--older-than", "0h"])
        .with(0)
        .says("1 run removed");
    desk.headcount(&["runs", "list"])
        .with(0)
        .says("There are no runs");
}

#[test]
fn commands_that_only_say_what_they_did_say_nothing_if_asked() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first name,last name\na@example.com,Ann,Ash\n",
    );
    for args in [
        &["import", "people.csv"][..],
        &["export", "users", "-o", "users.csv"],
        &["teams", "create", "Sales"],
        &["runs", "results", "-o", "again.csv"],
        &["runs", "report", "-o", "page.html"],
        &["runs", "prune", "--older-than", "0h"],
        &["template", "onboarding", "-o", "new.csv"],
        &[
            "config",
            "init",
            "--config",
            "new.toml",
            "--profile",
            "sales",
            "--node",
            "7",
            "--region",
            "eu",
        ],
    ] {
        let mut command = desk.command(&[args, &["-q"]].concat());
        if args[0] == "config" {
            // What the command line says of a node counts alone.
            command.env_remove("HEADCOUNT_URL");
        }
        let ended = ended(&mut command).with(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("", ""), "{args:?}");
    }
    for made in ["users.csv", "again.csv", "page.html", "new.csv", "new.toml"] {
        assert!(desk.path(made).exists(), "{made}");
    }
    // The variable does the same.
    let mut prune = desk.command(&["runs", "prune"]);
    assert_eq!(ended(prune.env("HEADCOUNT_QUIET", "1")).with(0).stderr, "");
}

#[test]
fn a_place_where_no_record_can_be_kept_is_found_before_anything_is_sent() {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first name,last name\na@example.com,Ann,Ash\n",
    );
    let not_a_folder = desk.file("not-a-folder", "");
    let state = not_a_folder.to_str().unwrap();
    desk.headcount(&["import", "people.csv", "--state-dir", state])
        .with(2);
    assert_eq!(node.sandbox().calls().of("POST /Users"), 0);
    assert!(!desk.path("people.results.csv.part").exists());
}

/// What a machine that loses its power may leave: a log that is gone or cut, a file that is cut.
#[test]
fn a_record_that_has_lost_its_end_never_sends_anybody_twice() {
    for damage in 0..6 {
        let node = Node::slow(30, 10);
        let desk = node.desk();
        kill_an_import(&node, &desk, 150);
        let record = fs::read_dir(desk.path("state/runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().unwrap() == "db")
            .unwrap();
        let log = record.with_extension("db-wal");
        let cut = |path: &std::path::Path, share: u64| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(length * share / 10).unwrap();
        };
        match damage {
            0 => fs::remove_file(&log).unwrap(),
            1 => cut(&log, 3),
            2 => cut(&log, 8),
            3 => {
                fs::remove_file(&log).unwrap();
                cut(&record, 7);
            }
            4 => {
                fs::remove_file(&log).unwrap();
                cut(&record, 4);
            }
            _ => {
                fs::remove_file(&log).unwrap();
                cut(&record, 0);
            }
        }
        // Memory shared by processes is gone after a power failure.
        let _ = fs::remove_file(record.with_extension("db-shm"));
        let ended = desk.headcount(&[
            "runs",
            "resume",
            record.file_stem().unwrap().to_str().unwrap(),
        ]);
        if ended.code == 0 {
            assert_eq!(node.sandbox().calls().answered(409), 0, "damage {damage}");
            assert_eq!(node.sandbox().calls().answered(201), 150, "damage {damage}");
            let rows = desk.rows("people.results.csv");
            assert!(
                column(&rows, "result_outcome")
                    .iter()
                    .all(|word| word == "created"),
                "damage {damage}"
            );
        } else {
            assert_eq!(ended.code, 2, "damage {damage}: {}", ended.stderr);
            assert!(damage >= 3, "damage {damage}: {}", ended.stderr);
            let words = "cannot be known";
            assert!(
                ended.stderr.contains(words),
                "damage {damage}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn nothing_is_taken_back_on_a_node_that_the_run_was_not_on() {
    let (node, other) = (Node::with_users(20), Node::with_users(20));
    let desk = node.desk();
    let there = other.sandbox().snapshot().users;
    // The same people are on the other node: nothing but the address tells them apart.
    let email = &there[0].user_name;
    desk.file("people.csv", format!("email,last_name\n{email},Changed\n"));
    desk.headcount(&["import", "people.csv", "--action", "update"])
        .with(0);
    let mut undo = desk.command(&["runs", "undo", "--yes"]);
    undo.env("HEADCOUNT_URL", other.url());
    harness::ended(&mut undo)
        .with(2)
        .says("nothing was sent")
        .says(&other.url());
    assert_eq!(other.sandbox().snapshot().users, there);
    // Nobody says where: it knows.
    let mut undo = desk.command(&["runs", "undo", "--yes"]);
    undo.env_remove("HEADCOUNT_URL");
    harness::ended(&mut undo).with(0);
}
