//! Records of runs, and what a run needs of the machine: what is taken away from it, what it must not take.

use crate::support::after;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use harness::{Desk, Ended, Node, ended, newcomers};

/// The record of the only run.
fn record(desk: &Desk) -> PathBuf {
    let mut files = fs::read_dir(desk.path("state/runs")).unwrap();
    let record = files.find_map(|file| {
        let path = file.unwrap().path();
        (path.extension()? == "db").then_some(path)
    });
    record.unwrap()
}

/// Waits for a command that was started with its output in a pipe.
fn waited(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What is done to the record of a run that is going.
type Harm<'a> = &'a dyn Fn(&Desk);

#[test]
fn a_run_whose_record_is_deleted_or_replaced_stops() {
    const ROWS: usize = 2_000;
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    let harms: [(&str, Harm<'_>); 4] = [
        ("the state folder is deleted", &|desk| {
            fs::remove_dir_all(desk.path("state")).unwrap();
        }),
        ("the record is deleted", &|desk| delete(&record(desk))),
        ("its log is deleted", &|desk| {
            delete(&record(desk).with_extension("db-wal"));
        }),
        ("the record is replaced", &|desk| {
            let copy = desk.path("copy.db");
            fs::copy(record(desk), &copy).unwrap();
            fs::rename(copy, record(desk)).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let node = Node::slow(0, 10);
        let desk = node.desk();
        desk.file("people.csv", newcomers(ROWS));
        let mut import = desk.command(&["import", "people.csv", "-q", "--concurrency", "4"]);
        import.stderr(Stdio::piped());
        let child = node.until_created(20, &mut import);
        harm(&desk);
        let ended = waited(child)
            .with(1)
            .says("the record of this run was deleted or replaced: ")
            .says("people.results.csv");
        assert!(!ended.stderr.contains("panicked"), "{what}");
        assert!(!ended.stderr.contains("runs resume"), "{what}");

        // Every row is in the results, and what they say is so.
        let outcomes = desk.outcomes("people.results.csv");
        let count = |word| harness::count(&outcomes, word);
        assert_eq!(count("created") + count("not_attempted"), ROWS, "{what}");
        assert_eq!(count("created"), node.sandbox().snapshot().users.len());
        assert!(count("not_attempted") > 0, "{what}: everybody was sent");
    }
}

#[test]
fn a_run_is_resumed_while_others_look_at_it() {
    let node = Node::slow(0, 10);
    let desk = node.desk();
    desk.file("people.csv", newcomers(300));
    let mut import = node.until_created(20, &mut desk.command(&["import", "people.csv", "-q"]));
    import.kill().unwrap();
    import.wait().unwrap();

    let (over, looked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for args in [&["runs", "list"][..], &["runs", "list"], &["runs", "show"]] {
            let (desk, over, looked) = (&desk, &over, &looked);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let mut look = desk.command(args);
                    look.stdout(Stdio::null()).stderr(Stdio::null());
                    assert!(look.status().unwrap().success());
                    looked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut killed = Vec::new();
        for _ in 0..3 {
            let mut resume = desk.command(&["runs", "resume", "-q"]);
            let mut child = node.until_created(20, resume.stderr(Stdio::piped()));
            child.kill().unwrap();
            killed.push(waited(child));
        }
        let ended = desk.headcount(&["runs", "resume", "-q"]);
        over.store(true, Ordering::Relaxed);
        for each in killed {
            assert!(!each.stderr.contains("damaged"), "{}", each.stderr);
        }
        let ended = ended.with(0);
        assert!(!ended.stderr.contains("damaged"), "{}", ended.stderr);
    });
    assert!(looked.into_inner() > 0);
    assert_eq!(node.sandbox().calls().answered(201), 300);
    assert_eq!(node.sandbox().snapshot().users.len(), 300);
}

/// A file that a command writes, and the command.
const WRITTEN: [(&str, &[&str]); 7] = [
    ("people.results.csv", &["import", "people.csv"]),
    (
        "done.csv",
        &["import", "people.csv", "--results", "done.csv"],
    ),
    (
        "done.xlsx",
        &["import", "people.csv", "--results", "done.xlsx"],
    ),
    (
        "page.html",
        &["import", "people.csv", "--report", "page.html"],
    ),
    ("people.plan", &["plan", "people.csv", "-o", "people.plan"]),
    ("users.csv", &["export", "users", "-o", "users.csv"]),
    ("new.csv", &["template", "onboarding", "-o", "new.csv"]),
];

#[test]
fn a_part_that_belongs_to_somebody_else_is_left_alone() {
    let node = Node::with_users(3);
    let before = node.sandbox().snapshot();
    for (name, args) in WRITTEN {
        let desk = node.desk();
        desk.file("people.csv", newcomers(2));
        let part = format!("{name}.part");
        let refused = |why: &str| {
            desk.headcount(args).with(2).says(&part).says(why);
            let calls = node.sandbox().calls();
            assert_eq!(calls.of("POST /Users"), 0, "{args:?}");
            assert!(!desk.path(name).exists(), "{args:?}");
        };
        // A browser puts what it has so far into a file of this name.
        let download = "what a browser has so far";
        desk.file(&part, download);
        refused("it has other content. Move it away first");
        assert_eq!(fs::read_to_string(desk.path(&part)).unwrap(), download);

        // Nothing is in these, so their content would be ours.
        fs::remove_file(desk.path(&part)).unwrap();
        desk.file("other", "");
        std::os::unix::fs::symlink(desk.path("other"), desk.path(&part)).unwrap();
        refused("it is a link");
        fs::remove_file(desk.path(&part)).unwrap();
        fs::hard_link(desk.path("other"), desk.path(&part)).unwrap();
        refused("it is a hard link");
        fs::remove_file(desk.path(&part)).unwrap();
        desk.file(&part, "");
        // Only the superuser can give a file away.
        if std::os::unix::fs::chown(desk.path(&part), Some(12_345), None).is_ok() {
            refused("it belongs to another user");
        }
        assert!(desk.path(&part).exists() && desk.path("other").exists());
    }
    assert_eq!(node.sandbox().snapshot(), before);
}

#[test]
fn a_part_that_a_killed_command_left_is_no_hindrance() {
    let node = Node::slow(3_000, 20);
    let desk = node.desk();
    // As they are written: beyond what is kept in memory before.
    let lines = |line: &str| line.repeat(1_000);
    for (name, format, line) in [
        ("users.csv", "csv", "a@example.com,A,B"),
        ("users.tsv", "tsv", "a@example.com\tA\tB"),
        ("users.jsonl", "jsonl", r#"{"email":"a@example.com"}"#),
    ] {
        let export = ["export", "users", "-q", "-o", name, "--format", format];
        desk.headcount(&export).with(0);
        let whole = fs::read_to_string(desk.path(name)).unwrap();
        let first = whole.lines().next().unwrap();
        desk.file(&format!("{name}.part"), format!("{first}\n{}", lines(line)));
        desk.headcount(&export).with(0);
        assert_eq!(fs::read_to_string(desk.path(name)).unwrap(), whole);
        assert!(!desk.path(&format!("{name}.part")).exists());
    }
    // By a real kill: the part of the results is there, and holds some rows or none yet.
    desk.file("people.csv", newcomers(1_000));
    for _ in 0..2 {
        let mut import = desk.command(&["import", "people.csv", "-q", "--anew"]);
        import.args(["--on-conflict", "skip", "--results", "done.csv"]);
        let mut child = node.until_created(20, &mut import);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(desk.path("done.csv.part").exists());
    }
    desk.headcount(&["runs", "resume", "-q"]).with(0);
    assert_eq!(desk.rows("done.csv").len(), 1_000);
}

#[test]
#[cfg(target_os = "linux")]
fn too_little_memory_is_an_error_and_no_crash() {
    let node = Node::with_users(3);
    let desk = node.desk();
    desk.file("people.csv", newcomers(40));
    let import = [
        "import",
        "people.csv",
        "-q",
        "--anew",
        "--on-conflict",
        "skip",
    ];
    let sent = || node.sandbox().calls().of("POST /Users");
    let with_memory = |kib: u32, args: &[&str]| {
        let script = format!("ulimit -c 0; ulimit -v {kib}");
        ended(&mut after(&script, &desk.command(args)))
    };
    // With the first of these not even the code of a debug build can be loaded.
    let mut refused = 0;
    for kib in (20_000..300_000).step_by(7_000) {
        for args in [&["check", "people.csv"][..], &import, &["export", "users"]] {
            let before = sent();
            let ended = with_memory(kib, args);
            let is_loaded = refused > 0 || ended.stderr.starts_with("error: ");
            if !is_loaded {
                continue;
            }
            let words = &ended.stderr;
            assert!(matches!(ended.code, 0 | 1), "{kib} {args:?} {ended:?}");
            assert!(!words.contains("panicked"), "{kib} {args:?}: {words}");
            assert!(!words.contains("allocation"), "{kib} {args:?}: {words}");
            if ended.code == 1 {
                refused += 1;
            }
            if words.contains("nothing was sent") {
                assert_eq!(sent(), before, "{kib} {args:?}");
            }
        }
    }
    assert!(refused > 0, "there was always enough");
    with_memory(4 << 20, &import).with(0);
    assert_eq!(node.sandbox().snapshot().users.len(), 43);
}

#[test]
#[cfg(target_os = "linux")]
fn too_few_threads_are_an_error_and_no_hang() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;

    /// A user of whom there are no other processes, since those are counted as well.
    const USER: u32 = 54_321;
    let node = Node::with_users(3);
    let desk = node.desk();
    desk.file("people.csv", newcomers(40));
    // The superuser is not limited, and only the superuser can be somebody else.
    let folder = desk.path(".");
    if chown(&folder, Some(USER), None).is_err() {
        return;
    }
    let program = desk.path("headcount");
    fs::copy(harness::program(), &program).unwrap();
    for (path, mode) in [(&program, 0o755), (&desk.path("people.csv"), 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let with_threads = |threads: u32, args: &[&str]| {
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--nproc={threads}"))
            .arg(&program)
            .args(args)
            .current_dir(&folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("TMPDIR", &folder)
            .env("HEADCOUNT_STATE_DIR", desk.path("state"))
            .env("HEADCOUNT_URL", desk.url())
            .env("HEADCOUNT_TOKEN", harness::TOKEN)
            .uid(USER)
            .gid(USER);
        ended(&mut command)
    };
    let import = ["import", "people.csv", "-q"];
    for threads in 1..=3 {
        for args in [&import[..], &["export", "users", "-o", "users.csv"]] {
            let ended = with_threads(threads, args).with(1);
            let words = ended.stderr;
            assert!(words.starts_with("error: this command needs "), "{words}");
            assert!(words.contains("nothing was sent"), "{words}");
        }
    }
    with_threads(1, &["runs", "list"]).with(0);
    assert_eq!(node.sandbox().snapshot().users.len(), 3);
    with_threads(200, &import).with(0);
    assert_eq!(node.sandbox().snapshot().users.len(), 43);
}
