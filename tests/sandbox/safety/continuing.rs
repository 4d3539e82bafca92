//! What may continue an unfinished run, what is retried, and which results count.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::{Desk, Node, Row, column, emails, newcomers, until_it};
use headcount::sandbox::Options;

/// How many people are in the files here.
const PEOPLE: usize = 120;

/// A node with people on it, a list of their emails, and how often each command may lock them.
fn list_of_everyone() -> (Node, Desk) {
    let node = Node::slow(PEOPLE, 10);
    let desk = node.desk();
    desk.file("people.csv", emails(&node.sandbox().snapshot().users));
    (node, desk)
}

/// Starts a command, and stops it by a signal when the node has taken so many calls of it that change something.
fn stop_after(node: &Node, desk: &Desk, signal: &str, changes: u64, args: &[&str]) {
    let sent = || {
        let calls = node.sandbox().calls();
        ["POST /Users", "PATCH /Users/{id}", "DELETE /Users/{id}"]
            .map(|call| calls.of(call))
            .iter()
            .sum::<u64>()
    };
    let before = sent();
    let mut child = desk.command(args).spawn().unwrap();
    until_it(&mut child, "some changes are sent", || {
        sent() >= before + changes
    });
    harness::signal(&child, signal);
    child.wait().unwrap();
}

const LOCK: [&str; 6] = ["lock", "people.csv", "--yes", "-q", "--allow-locks", "1000"];

fn runs(desk: &Desk) -> Vec<serde_json::Value> {
    let list = desk
        .headcount(&["runs", "list", "--format", "json"])
        .with(0);
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    list["runs"].as_array().unwrap().clone()
}

fn record(desk: &Desk) -> PathBuf {
    let files = fs::read_dir(desk.path("state/runs")).unwrap();
    let mut records: Vec<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "db"))
        .collect();
    records.sort();
    records.pop().expect("there is a record")
}

/// Moves all that a run did in its record by so many hours.
fn move_by(desk: &Desk, hours: i64) {
    let record = rusqlite::Connection::open(record(desk)).unwrap();
    let later = hours * 3_600_000;
    for (table, columns) in [
        ("part", &["begun"][..]),
        ("ended", &["at"]),
        ("row", &["sent_at", "finished_at"]),
    ] {
        for column in columns {
            let sql = format!("UPDATE {table} SET {column} = {column} + ?1");
            record.execute(&sql, [later]).unwrap();
        }
    }
}

fn all_are(rows: &[Row], outcome: &str) {
    assert_eq!(rows.len(), PEOPLE);
    let outcomes = column(rows, "result_outcome");
    assert!(outcomes.iter().all(|word| word == outcome), "{outcomes:?}");
}

#[test]
fn another_action_over_the_same_file_is_another_job() {
    let lock = &LOCK[..];
    let unlock = &["unlock", "people.csv", "--yes"][..];
    let delete = &[
        "import",
        "people.csv",
        "--action",
        "delete",
        "--yes",
        "-q",
        "--allow-locks",
        "1000",
    ][..];
    for (first, then, active) in [(lock, unlock, PEOPLE), (delete, lock, 0), (unlock, lock, 0)] {
        let (node, desk) = list_of_everyone();
        if first == unlock {
            desk.headcount(lock).with(0);
        }
        stop_after(&node, &desk, "-INT", 20, first);
        let deletes = node.sandbox().calls().of("DELETE /Users/{id}");
        desk.headcount(then)
            .with(0)
            .says("A previous run has not finished: ")
            .says("of 120 rows done")
            .says("headcount runs resume ")
            .says("headcount runs discard ")
            .says("another job over the same file, so it is not continued");
        assert_eq!(node.active().len(), active, "{first:?}, then {then:?}");
        assert_eq!(node.sandbox().calls().of("DELETE /Users/{id}"), deletes);
        assert_eq!(runs(&desk)[0]["command"], then[0]);
    }
}

#[test]
fn another_sheet_is_another_job() {
    let node = Node::slow(PEOPLE, 10);
    let desk = node.desk();
    let before = node.sandbox().snapshot().users;
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    let mut joiners: Vec<Vec<String>> = vec![row(&["email", "first_name", "last_name"])];
    joiners.extend(
        (0..PEOPLE).map(|at| row(&[&format!("p{at}@example.com"), "Pat", &format!("No {at}")])),
    );
    let mut leavers: Vec<Vec<String>> = vec![row(&["email"])];
    leavers.extend(before[..5].iter().map(|user| row(&[&user.user_name])));
    crate::support::write_sheets(
        &desk.path("people.xlsx"),
        &[("Joiners", joiners), ("Leavers", leavers)],
    );
    stop_after(
        &node,
        &desk,
        "-INT",
        20,
        &["import", "people.xlsx", "--sheet", "Joiners", "-q"],
    );
    let created = node.sandbox().calls().of("POST /Users");
    desk.headcount(&["lock", "people.xlsx", "--sheet", "Leavers", "--yes"])
        .with(0);
    assert_eq!(node.sandbox().calls().of("POST /Users"), created);
    for (at, user) in before.iter().enumerate() {
        let now = node
            .sandbox()
            .snapshot()
            .user(&user.user_name)
            .unwrap()
            .active;
        assert_eq!(now, user.active && at >= 5, "{}", user.user_name);
    }
}

#[test]
fn options_that_change_what_is_sent_make_another_job() {
    for options in [
        &["--on-conflict", "skip"][..],
        &["--map", "last_name=ignore"],
        &["--protect", "ceo@example.com"],
        &["--skip-invalid"],
        &["--create-teams"],
        &["--replace"],
        &["--header-row", "1"],
        &["--role-prefix", "ROLE:"],
    ] {
        let node = Node::slow(0, 10);
        let desk = node.desk();
        desk.file("people.csv", newcomers(PEOPLE));
        stop_after(&node, &desk, "-INT", 20, &["import", "people.csv", "-q"]);
        let import = [&["import", "people.csv"][..], options].concat();
        let ended = desk.headcount(&import);
        assert!(
            ended.stderr.contains("it is not continued"),
            "{options:?}: {}",
            ended.stderr
        );
        assert_eq!(runs(&desk).len(), 2, "{options:?}");
        assert_eq!(desk.rows("people.results.csv").len(), PEOPLE);
        // Without them it is the same job, and another one has worked on the file since.
        desk.headcount(&["import", "people.csv"])
            .with(2)
            .says("has worked on the same file since");
    }
    // How fast it goes and what is said makes no difference.
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(PEOPLE));
    stop_after(&node, &desk, "-INT", 20, &["import", "people.csv", "-q"]);
    desk.headcount(&[
        "import",
        "people.csv",
        "--concurrency",
        "3",
        "--max-errors",
        "7",
    ])
    .with(0)
    .says("Continuing a previous run");
    assert_eq!(runs(&desk).len(), 1);
    all_are(&desk.rows("people.results.csv"), "created");
}

#[test]
fn a_run_that_is_more_than_a_day_old_waits_for_a_decision() {
    // The clock of this machine may have been set either way since.
    for hours in [-25, 25] {
        let node = Node::slow(0, 10);
        let desk = node.desk();
        desk.file("people.csv", newcomers(PEOPLE));
        stop_after(&node, &desk, "-INT", 20, &["import", "people.csv", "-q"]);
        move_by(&desk, hours);
        let sent = node.sandbox().calls().of("POST /Users");
        for options in [&[][..], &["--yes"]] {
            desk.headcount(&[&["import", "people.csv"][..], options].concat())
                .with(2)
                .says("It is more than a day old; nothing was sent.")
                .says("--resume")
                .says("--anew");
        }
        assert_eq!(node.sandbox().calls().of("POST /Users"), sent);
        desk.headcount(&["import", "people.csv", "--resume"])
            .with(0);
        all_are(&desk.rows("people.results.csv"), "created");
        desk.headcount(&["import", "people.csv", "--resume"])
            .with(2)
            .says("there is no unfinished run of this job to resume");
    }
}

#[test]
fn an_unfinished_lock_is_not_continued_after_an_unlock_unless_the_user_says_so() {
    let (node, desk) = list_of_everyone();
    stop_after(&node, &desk, "-INT", 20, &LOCK);
    desk.headcount(&["unlock", "people.csv"]).with(0);
    // Those whom the first run has locked are active again: to go on with the others would leave them so.
    desk.headcount(&LOCK)
        .with(2)
        .says("has worked on the same file since; nothing was sent");
    assert_eq!(node.active().len(), PEOPLE);
    desk.headcount(&[&LOCK[..], &["--anew"]].concat()).with(0);
    assert_eq!(node.active().len(), 0);
    // It has replaced the one before.
    let states: Vec<_> = runs(&desk).iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["finished", "finished", "discarded"]);
    desk.headcount(&["runs", "resume"]).with(2);
}

#[test]
fn a_discarded_run_is_not_offered_any_more() {
    let (node, desk) = list_of_everyone();
    stop_after(&node, &desk, "-INT", 20, &LOCK);
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    desk.headcount(&["runs", "discard", &id])
        .with(0)
        .says("headcount runs undo");
    desk.headcount(&["runs", "discard", &id]).with(2);
    desk.headcount(&["runs", "resume"])
        .with(2)
        .says("no run that is unfinished");
    let ended = desk.headcount(&["unlock", "people.csv"]).with(0);
    assert!(
        !ended.stderr.contains("has not finished"),
        "{}",
        ended.stderr
    );
    // To name it is to mean it.
    desk.headcount(&["runs", "resume", &id])
        .with(0)
        .says("has worked on the same file since");
    assert!(node.active().len() < PEOPLE / 2);
}

/// A file of which 60 rows succeed and the others fail, imported; the node then takes them.
fn half_failed() -> (Node, Desk) {
    let node = Node::start(Options {
        users: 0,
        seats: Some(60),
        latency: Duration::from_millis(5),
        ..Options::default()
    });
    let desk = node.desk();
    desk.file("people.csv", newcomers(PEOPLE));
    desk.headcount(&["import", "people.csv", "-q", "--concurrency", "1"])
        .with(5);
    (node, desk)
}

#[test]
fn a_second_retry_has_nothing_to_do() {
    let node = Node::with_users(30);
    let desk = node.desk();
    let users = node.sandbox().snapshot().users;
    let person = |at: usize| users[at].user_name.clone();
    let rows: String = (0..5)
        .map(|at| format!("lock,{},\nupdate,{},Renamed\n", person(at), person(at + 10)))
        .collect();
    desk.file(
        "people.csv",
        format!("action,email,last_name\n{rows}lock,missing@example.com,\n"),
    );
    desk.headcount(&["import", "people.csv", "--yes"]).with(4);
    // A person is let back in, and another one gets a new name; then the one who was missing is there.
    desk.file(
        "after.csv",
        format!(
            "action,email,last_name\nunlock,{},\nupdate,{},Later\n",
            person(0),
            person(10)
        ),
    );
    desk.headcount(&["import", "after.csv"]).with(0);
    desk.file(
        "missing.csv",
        "email,first_name,last_name\nmissing@example.com,Mia,Missing\n",
    );
    desk.headcount(&["import", "missing.csv"]).with(0);

    let id = runs(&desk)[2]["run"].as_str().unwrap().to_owned();
    desk.headcount(&["runs", "retry", &id, "--yes"]).with(0);
    let after = node.sandbox().snapshot();
    assert!(!after.user("missing@example.com").unwrap().active);
    // All of it is in the record of the retry.
    desk.headcount(&["runs", "results", "-o", "retried.csv"])
        .with(0);
    let outcomes = desk.outcomes("retried.csv");
    let expected: Vec<&str> = ["locked", "updated"]
        .into_iter()
        .cycle()
        .take(10)
        .chain(["locked"])
        .collect();
    assert_eq!(outcomes, expected);

    for retry in [
        &["runs", "retry"][..],
        &["runs", "retry", &id],
        &["runs", "retry", "people.results.csv"],
    ] {
        let sent = node.sandbox().calls();
        desk.headcount(&[retry, &["--yes"]].concat())
            .with(0)
            .says("There is nothing to retry");
        assert_eq!(
            node.sandbox().calls().of("PATCH /Users/{id}"),
            sent.of("PATCH /Users/{id}")
        );
    }
    let now = node.sandbox().snapshot();
    assert_eq!(now, after);
    assert!(now.user(&person(0)).unwrap().active);
    assert_eq!(
        now.user(&person(10)).unwrap().family_name.as_deref(),
        Some("Later")
    );
}

#[test]
fn a_retry_that_is_stopped_or_killed_repeats_nothing_when_it_continues() {
    for (signal, by_file) in [
        ("-INT", false),
        ("-KILL", false),
        ("-INT", true),
        ("-KILL", true),
    ] {
        let node = Node::slow(40, 10);
        let desk = node.desk();
        let users = node.sandbox().snapshot().users;
        let locks: String = users
            .iter()
            .map(|user| format!("lock,{},,\n", user.user_name))
            .collect();
        // The rows to be created fail at first: their team is missing.
        let creates: String = (0..60)
            .map(|at| format!("create,p{at}@example.com,No {at},Rockets\n"))
            .collect();
        desk.file(
            "people.csv",
            format!("action,email,last_name,teams\n{locks}{creates}"),
        );
        desk.headcount(&[
            "import",
            "people.csv",
            "--yes",
            "-q",
            "--skip-invalid",
            "--allow-locks",
            "100",
        ])
        .with(4);
        let locked = desk.outcomes("people.results.csv");
        desk.headcount(&["teams", "create", "Rockets"]).with(0);
        // Everyone is let back in.
        desk.file("back.csv", emails(&users));
        desk.headcount(&["unlock", "back.csv"]).with(0);
        assert_eq!(node.active().len(), 40);

        let id = runs(&desk)[1]["run"].as_str().unwrap().to_owned();
        let named = if by_file { "people.results.csv" } else { &id };
        let retry = ["runs", "retry", named, "--yes", "-q"];
        stop_after(&node, &desk, signal, 10, &retry);
        let resume = ["runs", "resume", "--yes", "-q"];
        stop_after(&node, &desk, signal, 10, &resume);
        // Without a terminal, the same retry continues.
        desk.headcount(&["runs", "retry", named, "--yes"])
            .with(0)
            .says("Continuing a previous run: retry");
        assert_eq!(node.active().len(), 100, "{signal}: nobody is locked again");
        assert_eq!(node.sandbox().calls().answered(409), 0);
        // The team as well.
        assert_eq!(node.sandbox().calls().answered(201), 61);
        desk.headcount(&["runs", "results", "-o", "retried.csv"])
            .with(0);
        let outcomes = desk.outcomes("retried.csv");
        assert_eq!(outcomes[..40], locked[..40], "{signal}, {named}");
        assert_eq!(outcomes[40..], vec!["created"; 60], "{signal}, {named}");
    }
}

#[test]
fn a_results_file_names_its_run_and_never_overrides_the_record() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(PEOPLE));
    stop_after(&node, &desk, "-INT", 20, &["import", "people.csv", "-q"]);
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    let rows = desk.rows("people.results.csv");
    assert_eq!(column(&rows, "result_run"), vec![id.clone(); PEOPLE]);
    fs::copy(desk.path("people.results.csv"), desk.path("copy.csv")).unwrap();

    // From when it continues, what it had written before is out of date, and gone.
    stop_after(&node, &desk, "-KILL", 30, &["runs", "resume", "-q"]);
    assert!(!desk.path("people.results.csv").exists());
    let sent = node.sandbox().calls().of("POST /Users");
    for named in ["people.results.csv", "copy.csv"] {
        let ended = desk.headcount(&["runs", "retry", named]);
        assert_ne!(ended.code, 1, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("headcount runs resume") || ended.code == 0,
            "{}",
            ended.stderr
        );
        if ended.code != 0 {
            assert_eq!(node.sandbox().calls().of("POST /Users"), sent);
        }
    }
    desk.headcount(&["runs", "resume", "-q"]);
    assert_eq!(node.sandbox().calls().answered(201), PEOPLE as u64);
    assert_eq!(node.sandbox().calls().answered(409), 0);
    all_are(&desk.rows("people.results.csv"), "created");
    // The old copy still says that most rows were not attempted. The record knows better.
    desk.headcount(&["runs", "retry", "copy.csv"])
        .with(0)
        .says("There is nothing to retry");
    assert_eq!(node.sandbox().calls().answered(201), PEOPLE as u64);
}

#[test]
fn results_that_were_changed_and_results_of_another_run_are_kept() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(PEOPLE));
    stop_after(&node, &desk, "-INT", 20, &["import", "people.csv", "-q"]);
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    // A clerk has made a note in it.
    let noted = fs::read_to_string(desk.path("people.results.csv")).unwrap() + "\n";
    desk.file("people.results.csv", &noted);
    stop_after(&node, &desk, "-INT", 20, &["runs", "resume", &id, "-q"]);
    assert_eq!(
        fs::read_to_string(desk.path("people.results.1.csv")).unwrap(),
        noted
    );

    // Another run over the same file takes the name.
    desk.headcount(&["import", "people.csv", "--on-conflict", "skip", "-q"])
        .with(0);
    let others = fs::read(desk.path("people.results.csv")).unwrap();
    desk.headcount(&["runs", "resume", &id])
        .says("has the results of another run");
    assert_eq!(fs::read(desk.path("people.results.csv")).unwrap(), others);
    let shown = desk.headcount(&["runs", "show", &id]).with(0).stdout;
    let place = shown
        .lines()
        .find_map(|line| line.strip_prefix("results"))
        .unwrap()
        .trim();
    let own = harness::rows(&fs::read(place).unwrap());
    assert_eq!(column(&own, "result_run"), vec![id; PEOPLE]);
}

#[test]
fn a_run_that_was_retried_is_not_continued_any_more() {
    let (node, desk) = half_failed();
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    desk.headcount(&["runs", "retry", &id]).with(5);
    let sent = node.sandbox().calls().of("POST /Users");
    desk.headcount(&["runs", "resume", &id])
        .with(2)
        .says("was retried by run");
    assert_eq!(node.sandbox().calls().of("POST /Users"), sent);
}

#[test]
fn a_record_without_its_log_or_with_a_damaged_page_is_recovered_by_import_as_well() {
    for damage in ["log", "page"] {
        let node = Node::slow(0, 10);
        let desk = node.desk();
        desk.file("people.csv", newcomers(PEOPLE));
        stop_after(&node, &desk, "-KILL", 40, &["import", "people.csv", "-q"]);
        let record = record(&desk);
        if damage == "log" {
            fs::remove_file(record.with_extension("db-wal")).unwrap();
            let _ = fs::remove_file(record.with_extension("db-shm"));
        } else {
            // What is in the log comes into the file first.
            desk.headcount(&["runs", "list"]).with(0);
            let mut bytes = fs::read(&record).unwrap();
            let pages = bytes.len() / 4096;
            assert!(pages > 4);
            bytes[(pages - 2) * 4096..(pages - 1) * 4096].fill(0xA5);
            fs::write(&record, bytes).unwrap();
        }
        desk.headcount(&["import", "people.csv"])
            .with(0)
            .says("Continuing a previous run");
        assert_eq!(runs(&desk).len(), 1, "{damage}");
        assert_eq!(
            node.sandbox().calls().answered(201),
            PEOPLE as u64,
            "{damage}"
        );
        all_are(&desk.rows("people.results.csv"), "created");
    }
}

#[test]
fn resume_names_a_record_that_it_cannot_read() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(PEOPLE));
    stop_after(&node, &desk, "-KILL", 40, &["import", "people.csv", "-q"]);
    let record = record(&desk);
    let id = record.file_stem().unwrap().to_str().unwrap().to_owned();
    for ending in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(record.with_extension(ending));
    }
    fs::write(&record, "not a record").unwrap();
    desk.headcount(&["runs", "resume"])
        .with(2)
        .says(&id)
        .says("cannot be read");
}

/// The rows of a results file that fail because their team is missing; then it is there.
fn rockets() -> (Node, Desk) {
    let node = Node::with_users(0);
    let desk = node.desk();
    desk.file(
        "people.csv",
        "email,first_name,last_name,teams\na@example.com,Ann,Ash,\nb@example.com,Bob,Birch,Rockets\n\
         c@example.com,Cem,Cedar,Rockets\nd@example.com,Dee,Dogwood,\n",
    );
    desk.headcount(&["import", "people.csv", "--skip-invalid"])
        .with(4);
    (node, desk)
}

fn by_email(rows: &[Row]) -> Vec<(String, String)> {
    let emails = column(rows, "email").into_iter();
    emails.zip(column(rows, "result_outcome")).collect()
}

#[test]
fn a_results_file_may_be_sorted_cut_and_copied_before_it_is_retried() {
    let (node, desk) = rockets();
    let text = fs::read_to_string(desk.path("people.results.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [header, ann, bob, cem, _dee] = lines[..] else {
        panic!("{text}")
    };
    // Sorted the other way round; Dee, who is done, is cut; Ann, who is done, is copied for another person.
    let eve = ann.replacen("a@example.com,Ann,Ash", "e@example.com,Eve,Elm", 1);
    desk.file(
        "people.results.csv",
        [header, cem, bob, ann, &eve].join("\n") + "\n",
    );
    let retry = ["runs", "retry", "people.results.csv"];
    // The team is still missing.
    desk.headcount(&retry).with(4);
    let expected = |bob: &str, cem: &str| {
        [("c", cem), ("b", bob), ("a", "created"), ("e", "created")]
            .map(|(name, outcome)| (format!("{name}@example.com"), outcome.to_owned()))
            .to_vec()
    };
    let retried = by_email(&desk.rows("people.retry.results.csv"));
    assert_eq!(retried, expected("invalid", "invalid"));
    assert_eq!(node.sandbox().calls().answered(201), 3);

    // Corrected in the first results, of which the rows are as they were before: each is found again.
    desk.headcount(&["teams", "create", "Rockets"]).with(0);
    desk.file("people.results.csv", &text);
    desk.headcount(&retry).with(0);
    let rows = by_email(&desk.rows("people.retry.results.csv"));
    let outcomes: Vec<&str> = rows.iter().map(|(_, outcome)| &**outcome).collect();
    assert_eq!(outcomes, ["created"; 4]);
    assert_eq!(node.sandbox().calls().of("POST /Users"), 5);
    desk.headcount(&retry)
        .with(0)
        .says("There is nothing to retry");
    desk.headcount(&["runs", "retry"])
        .with(0)
        .says("There is nothing to retry");
    assert_eq!(node.sandbox().snapshot().users.len(), 5);
}

/// Two lists of people of a node to lock, of which the last person of the first is missing; the first is carried out.
fn one_is_missing() -> (Node, Desk, Vec<String>) {
    let node = Node::with_users(30);
    let desk = node.desk();
    let emails: Vec<String> = node
        .active()
        .into_iter()
        .map(|user| user.user_name)
        .collect();
    let [ann, bob, ..] = &emails[..] else {
        panic!()
    };
    desk.file(
        "people.csv",
        format!("email\n{ann}\n{bob}\nmissing@example.com\n"),
    );
    desk.headcount(&["lock", "people.csv", "--yes", "-q"])
        .with(4);
    (node, desk, emails)
}

fn is_active(node: &Node, email: &str) -> bool {
    node.sandbox().snapshot().user(email).unwrap().active
}

#[test]
fn a_done_row_with_another_person_in_it_is_a_new_row() {
    let (node, desk, emails) = one_is_missing();
    let [ann, bob, cem, dee, ..] = &emails[..] else {
        panic!()
    };
    let text = fs::read_to_string(desk.path("people.results.csv")).unwrap();
    let copied = text.lines().nth(1).unwrap().replacen(&**ann, cem, 1);
    // Bob's row is corrected to Dee's: she is not locked because he is.
    desk.file(
        "people.results.csv",
        text.replacen(&**bob, dee, 1) + &copied + "\n",
    );
    desk.headcount(&["runs", "retry", "people.results.csv", "--yes"])
        .with(4);
    let rows = by_email(&desk.rows("people.retry.results.csv"));
    for email in [ann, dee, cem] {
        assert!(
            rows.contains(&(email.clone(), "locked".to_owned())),
            "{rows:?}"
        );
        assert!(!is_active(&node, email), "{email}");
    }
    assert!(rows.contains(&("missing@example.com".to_owned(), "failed".to_owned())));
}

#[test]
fn results_of_two_runs_are_not_taken_for_those_of_one() {
    let (_node, desk, emails) = one_is_missing();
    desk.file(
        "others.csv",
        format!("email\n{}\nabsent@example.com\n", emails[5]),
    );
    desk.headcount(&["lock", "others.csv", "--yes", "-q"])
        .with(4);
    let others = fs::read_to_string(desk.path("others.results.csv")).unwrap();
    let text = fs::read_to_string(desk.path("people.results.csv")).unwrap();
    desk.file("both.csv", text + others.split_once('\n').unwrap().1);
    desk.headcount(&["runs", "retry", "both.csv", "--yes"])
        .with(2)
        .says("retry the results of each run on their own");
}

#[test]
fn a_results_file_is_retried_on_the_node_of_its_run_only() {
    let (_node, desk, emails) = one_is_missing();
    let other = Node::with_users(30);
    let mut retry = desk.command(&["runs", "retry", "people.results.csv", "--yes"]);
    harness::ended(retry.env("HEADCOUNT_URL", other.url()))
        .with(2)
        .says("nothing was sent");
    assert!(is_active(&other, &emails[0]));
}

#[test]
fn rows_that_a_retry_has_left_out_are_still_retried_by_the_run() {
    let (node, desk, emails) = one_is_missing();
    desk.file(
        "more.csv",
        format!("email\n{}\nx@example.com\ny@example.com\n", emails[3]),
    );
    desk.headcount(&["lock", "more.csv", "--yes", "-q"]).with(4);
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    desk.file(
        "new.csv",
        "email,first_name,last_name\nx@example.com,Xia,Xu\ny@example.com,Yan,Yu\n",
    );
    desk.headcount(&["import", "new.csv", "-q"]).with(0);
    // Only x is retried.
    let text = fs::read_to_string(desk.path("more.results.csv")).unwrap();
    let part: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("y@"))
        .collect();
    desk.file("part.csv", part.join("\n") + "\n");
    desk.headcount(&["runs", "retry", "part.csv", "--yes"])
        .with(0);
    assert!(!is_active(&node, "x@example.com") && is_active(&node, "y@example.com"));
    desk.headcount(&["unlock", "part.csv"]).with(0);
    assert!(is_active(&node, "x@example.com"));
    // x is done, whatever has become of the account since; y is what is left.
    desk.headcount(&["runs", "retry", &id, "--yes"]).with(0);
    assert!(is_active(&node, "x@example.com") && !is_active(&node, "y@example.com"));
    for _ in 0..2 {
        desk.headcount(&["runs", "retry", &id, "--yes"])
            .with(0)
            .says("There is nothing to retry");
    }
}

#[test]
fn a_run_that_was_undone_is_neither_continued_nor_retried() {
    let (node, desk) = list_of_everyone();
    stop_after(&node, &desk, "-INT", 20, &LOCK);
    let id = runs(&desk)[0]["run"].as_str().unwrap().to_owned();
    let undo = ["runs", "undo", &id, "--yes", "-q"];
    desk.headcount(&undo).with(0);
    // A person is locked again by hand: a second undo leaves that alone.
    let email = node.active()[0].user_name.clone();
    desk.file("one.csv", format!("email\n{email}\n"));
    desk.headcount(&["lock", "one.csv", "--yes", "-q"]).with(0);
    desk.headcount(&undo[..4])
        .with(0)
        .says("There is nothing to undo");
    assert!(!is_active(&node, &email));
    for command in ["resume", "retry"] {
        desk.headcount(&["runs", command, &id, "--yes"])
            .with(2)
            .says("was undone by run");
    }
    // It is a new run, and everyone is locked by it.
    desk.headcount(&LOCK).with(0);
    assert_eq!(node.active().len(), 0);
}

#[test]
fn what_another_run_does_meanwhile_is_waited_for_and_counts() {
    let (node, desk) = list_of_everyone();
    stop_after(&node, &desk, "-INT", 30, &LOCK);
    let locked = PEOPLE - node.active().len();
    let mut unlock = desk
        .command(&["unlock", "people.csv", "-q", "--concurrency", "1"])
        .spawn()
        .unwrap();
    until_it(&mut unlock, "somebody is unlocked", || {
        PEOPLE - node.active().len() < locked
    });
    desk.headcount(&LOCK)
        .with(2)
        .says("(unlock) has worked on the same file since");
    assert_eq!(unlock.wait().unwrap().code(), Some(0));
    assert_eq!(node.active().len(), PEOPLE);
}

#[test]
fn a_run_and_its_retries_are_pruned_together() {
    let (node, desk, emails) = one_is_missing();
    desk.headcount(&["runs", "retry", "--yes", "-q"]).with(4);
    let ids: Vec<_> = runs(&desk).iter().map(|run| run["run"].clone()).collect();
    assert_eq!(ids.len(), 2);
    // The first run is old, its retry is not.
    let first = desk.path(&format!("state/runs/{}.db", ids[1].as_str().unwrap()));
    let record = rusqlite::Connection::open(first).unwrap();
    let sql = "UPDATE about SET json = json_set(json, '$.begun', '2020-01-01T00:00:00Z')";
    record.execute(sql, []).unwrap();
    drop(record);
    desk.headcount(&["runs", "prune", "--older-than", "1d"])
        .with(0)
        .says("0 runs removed");
    desk.headcount(&["runs", "prune", "--older-than", "0h"])
        .with(0)
        .says("2 runs removed");
    assert!(!is_active(&node, &emails[0]));
}

#[test]
fn without_its_record_the_results_file_tells_what_is_done_and_a_retry_keeps_it() {
    let (node, desk, emails) = one_is_missing();
    fs::remove_dir_all(desk.path("state")).unwrap();
    let retry = [
        "runs",
        "retry",
        "people.results.csv",
        "--action",
        "lock",
        "--yes",
    ];
    desk.headcount(&retry).with(4);
    desk.file("back.csv", format!("email\n{}\n", emails[0]));
    desk.headcount(&["unlock", "back.csv"]).with(0);
    let id = runs(&desk)[1]["run"].as_str().unwrap().to_owned();
    desk.headcount(&["runs", "results", &id, "-o", "retried.csv"])
        .with(0);
    let outcomes = desk.outcomes("retried.csv");
    assert_eq!(outcomes, ["locked", "locked", "failed"]);
    desk.headcount(&["runs", "retry", &id, "--yes"]).with(4);
    assert!(is_active(&node, &emails[0]), "a done row is not repeated");
}
