//! What is made of the command line as it is defined: docs/commands.md, manual pages, completions.

use std::fs;

use clap::{Arg, Command};
use harness::Desk;

/// The commands of the program and those in them, by their whole names, but for `help`.
fn every(command: &Command, found: &mut Vec<Command>) {
    let inner = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    found.push(command.clone());
    for inner in inner.filter(|inner| inner.get_name() != "help") {
        every(inner, found);
    }
}

fn commands() -> Vec<Command> {
    let mut program = headcount::cli::command().disable_help_subcommand(true);
    program.build();
    let mut found = Vec::new();
    every(&program, &mut found);
    assert!(found.len() > 20, "{} commands", found.len());
    found
}

/// What is in a cell of a table of Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('\n', " ")
        .replace('<', "&lt;")
}

fn name(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default();
    let takes = arg.get_action().takes_values();
    let values = values
        .iter()
        .filter(|_| takes)
        .map(clap::builder::Str::as_str);
    let values = values.collect::<Vec<_>>().join(" ");
    let Some(long) = arg.get_long() else {
        return format!("`{values}`");
    };
    let short = arg
        .get_short()
        .map_or(String::new(), |short| format!("`-{short}`, "));
    let value = if values.is_empty() {
        values
    } else {
        format!(" {values}")
    };
    format!("{short}`--{long}{value}`")
}

fn meaning(arg: &Arg) -> String {
    let mut words = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if arg.get_action().takes_values() {
        let possible: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| value.get_name().to_owned())
            .collect();
        if !possible.is_empty() && !arg.is_hide_possible_values_set() {
            words.push_str(&format!(" (one of {})", possible.join(", ")));
        }
        let default = arg.get_default_values();
        if !default.is_empty() && !arg.is_hide_default_value_set() {
            let default: Vec<_> = default
                .iter()
                .map(|value| value.to_string_lossy())
                .collect();
            words.push_str(&format!(" (default: {})", default.join(", ")));
        }
    }
    words
}

/// The page of all commands, as it has to be.
fn page() -> String {
    let mut page = String::from(
        "# Commands\n\nMade from the program itself: `headcount COMMAND --help` says the same, and \
         `HEADCOUNT_WRITE_DOCS=1 cargo test --test cli manual` writes this page. What flags do in full is in the \
         [Reference](reference.md).\n\nEvery flag can be set by a variable instead: `--rate` by `HEADCOUNT_RATE`. \
         A token is never an argument.\n",
    );
    for command in commands() {
        let called = command.get_bin_name().unwrap_or("headcount").to_owned();
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        page.push_str(&format!("\n## {called}\n\n{about}\n"));
        if command.has_subcommands() && called == "headcount" {
            continue;
        }
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim();
        page.push_str(&format!("\n```text\n{usage}\n```\n"));
        if let Some(examples) = command.get_after_help() {
            page.push_str(&format!(
                "\n```text\n{}\n```\n",
                examples.to_string().trim()
            ));
        }
        let shown = command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set() && !arg.is_global_set())
            .filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()));
        let rows: Vec<String> = shown
            .map(|arg| {
                format!(
                    "| {} | {} |\n",
                    name(arg).replace('|', "\\|"),
                    cell(&meaning(arg))
                )
            })
            .collect();
        if !rows.is_empty() {
            page.push_str(&format!("\n| | |\n|---|---|\n{}", rows.concat()));
        }
    }
    page
}

#[test]
fn the_page_of_commands_is_that_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    let page = page();
    if std::env::var_os("HEADCOUNT_WRITE_DOCS").is_some() {
        fs::write(path, page).unwrap();
        return;
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(
        there.replace("\r\n", "\n") == page,
        "docs/commands.md is not that of this program; write it anew with: HEADCOUNT_WRITE_DOCS=1 cargo test --test cli manual"
    );
}

#[test]
fn every_command_shows_examples() {
    let without: Vec<String> = commands()
        .iter()
        .filter(|command| !command.has_subcommands() && command.get_after_help().is_none())
        .map(|command| command.get_bin_name().unwrap_or_default().to_owned())
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let desk = Desk::at("");
    desk.headcount(&["man", "--dir", "pages"]).with(0);
    for command in commands() {
        let called = command.get_bin_name().unwrap_or("headcount").to_owned();
        let page = fs::read_to_string(desk.path(&format!("pages/{}.1", called.replace(' ', "-"))));
        let page = page.unwrap_or_else(|error| panic!("{called}: {error}"));
        assert!(
            page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"),
            "{called}"
        );
        let words: Vec<&str> = called.split(' ').skip(1).collect();
        let printed = desk
            .headcount(&[&["man"][..], &words].concat())
            .with(0)
            .stdout;
        assert!(printed.contains(".SH SYNOPSIS"), "{called}");
    }
    desk.headcount(&["man", "lok"]).with(2).says("lock");
}

#[test]
fn shells_complete_commands_and_flags() {
    let desk = Desk::at("");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.headcount(&["completions", shell]).with(0).stdout;
        for word in ["export", "resume", "allow-locks"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        assert!(!script.contains("t0ken"), "{shell}");
    }
}
