//! `headcount columns`: what was understood of a file, shown before anything is done with it.

use harness::{Desk, Ended};
use insta::assert_snapshot;
use serde_json::Value;

/// A desk without a node: nothing may be asked of one.
fn desk() -> Desk {
    Desk::at("")
}

fn without_node(desk: &Desk, args: &[&str]) -> Ended {
    harness::ended(&mut desk.by_profile(args))
}

/// A desk with profiles of nodes that are not there.
fn with_profiles() -> Desk {
    let desk = desk();
    desk.file(
        "config.toml",
        "[profiles.sales]\nurl = 'http://127.0.0.1:9/v2/1'\ntoken_env = 'NONE'\n\
         [profiles.sales.map]\n'Mail 2' = 'email'\n'Team' = 'ignore'\n'Not in this file' = 'id'\n\
         [profiles.berlin]\nurl = 'http://127.0.0.1:9/v2/2'\ntoken_env = 'NONE'\n\
         [profiles.berlin.map]\n'Mail 2' = 'external_id'\n",
    );
    desk
}

#[test]
fn a_mark_is_shown_where_the_file_has_one_and_not_where_results_get_one() {
    let desk = desk();
    desk.file(
        "people.csv",
        b"email,first_name\njuergen@example.com,J\xFCrgen\n",
    );
    let ended = desk.headcount(&["columns", "people.csv"]).with(0);
    assert!(
        ended.stdout.contains("byte order mark  no"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_file_is_shown_as_it_is_understood() {
    let desk = desk();
    desk.file(
        "people.csv",
        "\u{feff}Pers.-Nr.;Vorname;Name;Geschaeftliche E-Mail;Private E-Mail;Frist Name;Aktiv\r\n\
         7;Zoë;Müller;zoë@müller.example;z@example.org;;ja\r\n\
         8;Bob;Li;bob@example.com;;;nein\r\n\r\n\
         9;Carl;Ito;carl@example.com;;;\r\n\
         10;Dora;Roy;dora@example.com;;;\r\n",
    );
    let ended = desk.headcount(&["columns", "people.csv"]).with(0);
    assert_snapshot!(ended.stdout, @"
    people.csv
      format           CSV
      encoding         utf-8
      between cells    ;
      byte order mark  yes
      line ends        CR LF, as on Windows
      headings         in row 1

    Columns
      1  Pers.-Nr.              external_id  as an alias
      2  Vorname                first_name   as an alias
      3  Name                   last_name    as an alias
      4  Geschaeftliche E-Mail  email        as an alias
      5  Private E-Mail         -            only carried over
      6  Frist Name             -            only carried over
      7  Aktiv                  active       as an alias

    First rows
      row 2: create
        external_id   7
        first_name    Zoë
        last_name     Müller
        email         zoë@müller.example
        active        ja
      row 3: create
        external_id   8
        first_name    Bob
        last_name     Li
        email         bob@example.com
        active        nein
      row 5: create
        external_id   9
        first_name    Carl
        last_name     Ito
        email         carl@example.com

    4 rows: 4 create.
    ");
    assert_eq!(ended.stderr, "");
}

#[test]
fn what_is_wrong_is_shown_beside_what_was_understood() {
    let desk = desk();
    desk.file(
        "people.csv",
        "Emial,Vornahme,result_status,\na@example.com,Ann,201,\n",
    );
    let ended = desk.headcount(&["columns", "people.csv"]).with(2);
    assert_snapshot!(ended.stdout, @r#"
    people.csv
      format           CSV
      encoding         utf-8
      between cells    ,
      byte order mark  no
      line ends        LF
      headings         in row 1

    Columns
      1  Emial          -  did you mean email?
      2  Vornahme       -  did you mean first_name?
      3  result_status  -  left out: a result
      4                 -  no heading

    First rows
      row 2: has errors

    1 row.

    Problems
    people.csv: there is no column with emails or ids. Did you mean email by "Emial"? Say --map 'Emial=email'
    "#);
    assert_snapshot!(ended.stderr, @r#"
    "Emial" is not understood; did you mean email? Say --map 'Emial=email'
    "Vornahme" is not understood; did you mean first_name? Say --map 'Vornahme=first_name'
    "#);

    desk.file(
        "rows.csv",
        "email,first_name\nann@,Ann\nbob@example.com,Bob\n",
    );
    let ended = desk.headcount(&["columns", "rows.csv"]).with(2);
    assert!(
        ended.stdout.contains("row 2: has errors"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("2 rows: 1 create, 1 with errors."),
        "{}",
        ended.stdout
    );

    desk.file("quote.csv", "email\nann@example.com\n\"bob\n");
    desk.headcount(&["columns", "quote.csv"])
        .with(2)
        .says("quotation mark");
    desk.headcount(&["columns", "nowhere.csv"])
        .with(2)
        .says("nowhere.csv");
}

#[test]
fn flags_and_profiles_say_what_headings_stand_for() {
    let desk = with_profiles();
    desk.file(
        "people.csv",
        "Mail 2,Team,Email,Badge\na@example.com,Sales,b@example.com,7\n",
    );
    let columns = |args: &[&str]| {
        let args = [&["columns", "people.csv"], args].concat();
        let ended = without_node(&desk, &args).with(0);
        let (_, table) = ended.stdout.split_once("Columns\n").unwrap();
        table.split_once("\n\n").unwrap().0.to_owned()
    };
    assert_snapshot!(columns(&["--profile", "sales"]), @"
    1  Mail 2  email  by profile sales
    2  Team    -      ignored by profile sales
    3  Email   -      email is column 1
    4  Badge   -      only carried over
    ");
    assert_snapshot!(
        columns(&["--profile", "sales", "--map", "Badge=external_id;mail 2=ignore"]),
        @"
    1  Mail 2  -            ignored by --map
    2  Team    -            ignored by profile sales
    3  Email   email        by its name
    4  Badge   external_id  by --map
    "
    );
    let both = without_node(
        &desk,
        &[
            "columns",
            "people.csv",
            "--profile",
            "sales",
            "--profile",
            "berlin",
        ],
    );
    let both = both.with(2);
    let (_, problems) = both.stdout.split_once("Problems\n").unwrap();
    assert_snapshot!(problems, @r#"people.csv: profile sales says that "Mail 2" stands for email, and profile berlin that it stands for external_id; say which with --map 'Mail 2=COLUMN'"#);
    // Where nobody names a node, every profile counts, as for a file with a column for nodes.
    assert_eq!(without_node(&desk, &["columns", "people.csv"]).code, 2);

    let wrong = without_node(&desk, &["columns", "people.csv", "--map", "Badge=badge"]).with(2);
    assert!(wrong.stderr.contains("ignore"), "{}", wrong.stderr);
    desk.file("config.toml", "[profiles.sales.map]\nx = 'mail'\n");
    without_node(&desk, &["columns", "people.csv"])
        .with(2)
        .says("config.toml, line 1")
        .says("\"mail\" is not a column");
}

#[test]
fn a_program_gets_the_same_as_json() {
    let desk = desk();
    desk.file(
        "people.csv",
        "email;Vorname;Emial\nann@example.com;Ann;\nbob@;Bob;\n",
    );
    let ended = desk
        .headcount(&["columns", "people.csv", "--format", "json"])
        .with(2);
    let object: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_snapshot!(ended.stdout, @r#"
    {
      "file": "people.csv",
      "format": "csv",
      "encoding": "utf-8",
      "delimiter": ";",
      "byte_order_mark": false,
      "line_ends": "lf",
      "header_row": 1,
      "columns": [
        {
          "at": 1,
          "heading": "email",
          "column": "email",
          "why": "name"
        },
        {
          "at": 2,
          "heading": "Vorname",
          "column": "first_name",
          "why": "alias"
        },
        {
          "at": 3,
          "heading": "Emial",
          "column": null,
          "why": "unknown"
        }
      ],
      "first_rows": [
        {
          "row": 2,
          "action": "create",
          "cells": {
            "email": "ann@example.com",
            "first_name": "Ann"
          }
        },
        {
          "row": 3,
          "action": null,
          "cells": {
            "email": "bob@",
            "first_name": "Bob"
          }
        }
      ],
      "rows": 2,
      "invalid": 1,
      "actions": {
        "create": 1
      },
      "repeats": [],
      "problems": [
        {
          "code": "email",
          "count": 1,
          "first": [
            {
              "row": 3,
              "column": "email",
              "value": "bob@",
              "code": "email",
              "message": "\"bob@\" is not an email address (domain is empty); write it like name@example.com"
            }
          ]
        }
      ],
      "problems_left_out": 0
    }
    "#);
    assert_eq!(object["problems"][0]["first"][0]["row"], 3);
    assert_eq!(ended.stderr, "");
}
