//! What people and programs read: colours, lines on a narrow terminal, documents for programs.

use std::fs;

use boon::{Compiler, Schemas};
use harness::{Desk, Ended, Node, ended};
use headcount::report::plain;
use serde_json::Value;

const ROWS: &str = "\
action,email,first_name,last_name,external_id,teams
create,new@example.com,New,Person,,Sales;Legal
update,kate.chen@example.com,,Chen-Baker,,
update,alice.chen@example.com,,,<clear>,
lock,clara.larsen@example.com,,,,
update,nobody@example.com,No,,,
";

/// Every object of the schema says all that it may hold: what is not described is found out here.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What is wrong with a document by its schema.
fn wrong(name: &str, document: &Value) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema");
    let text = fs::read_to_string(format!("{folder}/{name}.schema.json")).unwrap();
    let open: Value = serde_json::from_str(&text).unwrap();
    let mut closed = open.clone();
    close(&mut closed);
    validated(open, document).or_else(|| validated(closed, document))
}

fn validated(schema: Value, document: &Value) -> Option<String> {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", schema).unwrap();
    let mut schemas = Schemas::new();
    // Holds the schema against the schema of schemas, too.
    let schema = compiler.compile("schema.json", &mut schemas);
    let schema = schema.unwrap_or_else(|error| panic!("{error:#}"));
    let validated = schemas.validate(document, schema);
    validated.err().map(|error| format!("{error:#}"))
}

/// What was printed is one document, and the one that its schema describes.
#[track_caller]
fn document(name: &str, ended: &Ended) -> Value {
    let document: Value = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", ended.stdout, ended.stderr));
    assert_eq!(
        document["schema"],
        format!("urn:headcount:schema:{name}:1"),
        "{document:#}"
    );
    if let Some(wrong) = wrong(name, &document) {
        panic!("{wrong}\n{document:#}");
    }
    if let Some(code) = document.get("exit_code") {
        assert_eq!(*code, ended.code);
    }
    document
}

fn json(desk: &Desk, args: &[&str]) -> Ended {
    desk.headcount(&[args, &["--format", "json"]].concat())
}

#[test]
fn a_program_reads_what_a_run_came_to() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", ROWS);
    let ended = json(&desk, &["import", "people.csv", "--yes"])
        .with(4)
        .says("1 created, 2 updated, 1 locked, 1 failed");
    let summary = document("summary", &ended);
    assert_eq!(summary["rows"], 5);
    assert_eq!(summary["outcomes"]["created"], 1);
    assert_eq!(summary["outcomes"]["updated"], 2);
    assert_eq!(summary["outcomes"]["not_attempted"], 0);
    assert_eq!(summary["state"], "finished");
    assert_eq!(summary["calls"], node.sandbox().calls().total());
    let id = summary["run"].as_str().unwrap();
    assert_eq!(
        summary["next"],
        serde_json::json!(["headcount", "runs", "retry", id])
    );

    let shown = document("run", &json(&desk, &["runs", "show"]).with(0));
    let fields = shown.as_object().unwrap();
    assert!(fields.len() > 5, "{fields:?}");
    for field in fields.keys() {
        assert!(
            field == "schema" || shown[field] == summary[field],
            "{field}"
        );
    }
    let finished = json(&desk, &["runs", "resume", id]).with(4);
    assert_eq!(document("summary", &finished)["calls"], 0);
    let undone = document("summary", &json(&desk, &["runs", "undo", id, "-y"]).with(0));
    assert_eq!(undone["command"], "undo");
    assert_eq!(undone["of"], id);
    let list = document("runs", &json(&desk, &["runs", "list"]).with(0));
    let commands: Vec<&Value> = list["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["command"])
        .collect();
    assert_eq!(commands, ["undo", "import"]);
}

#[test]
fn a_program_reads_what_a_run_would_do() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", ROWS);
    let args = ["plan", "people.csv", "--rate", "60/min"];
    let plan = document("plan", &json(&desk, &args).with(4));
    let lines = plan["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0]["row"], 2);
    assert_eq!(lines[2]["changes"][0]["what"], "external_id");
    assert_eq!(plan["outcomes"]["failed"], 1);
    assert_eq!(plan["calls"]["create_users"], 1);
    assert_eq!(plan["seconds"], 4.0);

    let dry = json(&desk, &["import", "people.csv", "--dry-run"]).with(4);
    assert_eq!(document("plan", &dry)["lines"], plan["lines"]);
    let saved = document(
        "plan",
        &json(&desk, &["plan", "people.csv", "-o", "x.plan"]).with(4),
    );
    let path = saved["plan"].as_str().map(std::path::Path::new).unwrap();
    assert!(path.is_absolute() && path.ends_with("x.plan"));
    assert!(saved.get("lines").is_none());
    let holds = json(&desk, &["apply", "x.plan", "--dry-run"])
        .with(0)
        .says("The plan still holds");
    assert_eq!(document("plan", &holds)["calls"], saved["calls"]);
    let applied = json(&desk, &["apply", "x.plan", "--yes"]).with(4);
    assert_eq!(document("summary", &applied)["outcomes"], plan["outcomes"]);

    desk.file("teams.csv", "email,teams\nann@example.com,Chess\n");
    let args = ["plan", "teams.csv", "--create-teams"];
    let plan = document("plan", &json(&desk, &args).with(0));
    assert_eq!(plan["new_groups"][0]["name"], "Chess");
}

#[test]
fn a_program_that_waits_for_a_document_gets_one() {
    let node = Node::with_users(3);
    let desk = node.desk();
    desk.file("bad.csv", "email\nann@\n");
    desk.file("good.csv", "email\nann@example.com\n");
    let refused = json(&desk, &["import", "bad.csv"])
        .with(2)
        .says("nothing was sent");
    let error = document("error", &refused);
    assert!(
        error["error"].as_str().unwrap().starts_with("bad.csv: 1 "),
        "{error}"
    );
    document("error", &json(&desk, &["runs", "show"]).with(2));
    let list = document("runs", &json(&desk, &["runs", "list"]).with(0));
    assert_eq!(list["runs"], serde_json::json!([]));
    let nowhere = Desk::at("http://127.0.0.1:9/scim/v2");
    let report = document("doctor", &json(&nowhere, &["doctor"]).with(3));
    assert_eq!(report["usable"], false);
    let report = document("doctor", &json(&desk, &["doctor"]).with(0));
    assert_eq!(report["findings"][0]["check"], "address");
}

/// Runs it with variables set.
fn with(desk: &Desk, variables: &[(&str, &str)], args: &[&str]) -> Ended {
    ended(desk.command(args).envs(variables.iter().copied()))
}

#[test]
fn colours_are_where_somebody_wants_them() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", ROWS);
    let plan = ["plan", "people.csv"];
    let in_colours = |ended: &Ended| (ended.stdout.contains('\x1b'), ended.stderr.contains('\x1b'));
    let without = with(&desk, &[], &plan).with(4);
    assert_eq!(in_colours(&without), (false, false));
    for (variables, expected) in [
        (&[("CLICOLOR_FORCE", "1")][..], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (
            &[("CLICOLOR_FORCE", "1"), ("HEADCOUNT_COLOR", "never")],
            false,
        ),
        (&[("NO_COLOR", "1"), ("HEADCOUNT_COLOR", "always")], true),
    ] {
        let ended = with(&desk, variables, &plan).with(4);
        assert_eq!(in_colours(&ended), (expected, expected), "{variables:?}");
        // Colours say nothing that the words do not say.
        assert_eq!(plain(&ended.stdout), without.stdout);
    }
    let always = [&plan[..], &["--color", "always"]].concat();
    let coloured = with(&desk, &[("NO_COLOR", "1")], &always).with(4);
    assert!(coloured.stdout.contains("\x1b[32mjoins \"Sales\"\x1b[0m"));
    assert!(
        coloured
            .stdout
            .contains("\x1b[31mexternal_id \"E00004\" -> nothing\x1b[0m")
    );
    coloured.says("\x1b[31m1 failed\x1b[0m");
    let never = [&plan[..], &["--color=never"]].concat();
    let ended = with(&desk, &[("CLICOLOR_FORCE", "1")], &never).with(4);
    assert_eq!(in_colours(&ended), (false, false));

    desk.headcount(&["plan", "missing.csv", "--color", "always"])
        .with(2)
        .says("\x1b[31merror:\x1b[0m ");
    let wrong = desk.headcount(&["impotr", "--color", "always"]).with(2);
    assert!(wrong.stderr.contains('\x1b') && plain(&wrong.stderr).contains("'import'"));
    let wrong = with(
        &desk,
        &[("CLICOLOR_FORCE", "1")],
        &["impotr", "--color", "never"],
    )
    .with(2);
    assert!(!wrong.stderr.contains('\x1b'), "{:?}", wrong.stderr);
    let report = desk
        .headcount(&["doctor", "--color", "always"])
        .with(0)
        .stdout;
    assert!(report.contains("\x1b[32mok     \x1b[0m"), "{report:?}");
    let data = ["export", "users", "--color", "always"];
    assert!(!desk.headcount(&data).with(0).stdout.contains('\x1b'));
    let ended = json(&desk, &["plan", "people.csv", "--color", "always"]).with(4);
    document("plan", &ended);
}

/// What a terminal of so many columns is sent, both streams, without colours.
#[cfg(target_os = "linux")]
fn on_terminal(desk: &Desk, columns: usize, args: &[&str]) -> String {
    use std::process::Command;

    let program = desk.command(args);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
    let line = format!("stty cols {columns} rows 60; exec {}", words.join(" "));
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(desk.path("."))
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh")
        .stdin(std::process::Stdio::null());
    plain(&ended(&mut script).stdout).replace("\r\n", "\n")
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_wider_than_a_narrow_terminal() {
    use unicode_width::UnicodeWidthStr;

    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file("people.csv", ROWS);
    desk.file(
        "bad.csv",
        "email,teams\nann@,Sales\nbob@example.com,Saels\n",
    );
    for columns in [40, 60] {
        for args in [
            &["plan", "people.csv", "--progress", "never"][..],
            &["import", "people.csv", "-y", "--progress", "never"],
            &["import", "bad.csv", "--progress", "never"],
            &["runs", "list"],
            &["runs", "show"],
            &["teams", "list"],
            &["doctor"],
            &["columns", "people.csv"],
            &["check", "bad.csv"],
            &["config", "show"],
            &["impotr"],
        ] {
            let sent = on_terminal(&desk, columns, args);
            assert!(sent.len() > 20, "{args:?}: {sent}");
            for line in sent.lines() {
                // What is to be copied stays whole: one long word, or a command.
                let is_one = !line.trim().contains(' ') || line.trim().starts_with("headcount ");
                assert!(
                    line.width() <= columns || is_one,
                    "{columns} {args:?}: {line:?}\n{sent}"
                );
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_summary_goes_on_below_on_a_narrow_terminal() {
    let node = Node::with_users(120);
    let desk = node.desk();
    desk.file(
        "bad.csv",
        "email,teams\nann@,Sales\nbob@example.com,Saels\n",
    );
    let sent = on_terminal(&desk, 60, &["import", "bad.csv", "--progress", "never"]);
    insta::assert_snapshot!(sent, @r#"
    bad.csv, row 2, column "email": "ann@" is not an email
      address (domain is empty); write it like name@example.com
    bad.csv, row 3, column "teams": "Saels": the node has no
      team of this name; did you mean "Sales"? If not, create it
      with --create-teams
    error: bad.csv: 1 of 2 rows has an error, and 1 team or role
      cannot be used; nothing was sent. Correct the file, or
      send the other rows with --skip-invalid.
    "#);
}
