//! Flags that commands share and one of them has no use for: it takes them, and does not show them.

use clap::{Arg, Command};

/// What is of no use, by command.
const OF_NO_USE: [(&str, &[&str]); 8] = [
    // A plan is made without a run.
    (
        "plan",
        &[
            "dry_run",
            "results",
            "report",
            "report_mask",
            "bom",
            "max_errors",
            "yes",
            "state_dir",
            "resume",
            "anew",
        ],
    ),
    // A plan that was carried out in part does not hold any more.
    ("apply", &["resume", "anew"]),
    // What is continued is known already.
    ("resume", &["resume", "anew"]),
    // Who is locked joins no team.
    ("lock", &["create_teams"]),
    ("unlock", &["create_teams"]),
    // A token is kept for a node, and no call is made.
    ("login", &OF_CALLS),
    ("logout", &OF_CALLS),
    ("logout", &["token_file"]),
];

const OF_CALLS: [&str; 6] = [
    "sandbox",
    "role_prefix",
    "rate",
    "concurrency",
    "timeout",
    "protect",
];

/// The command line without what is of no use.
pub(super) fn hide(command: Command) -> Command {
    command.mut_subcommands(|command| match command.get_name() {
        "columns" => command.mut_args(without_node),
        "runs" => command.mut_subcommands(hide_listed),
        _ => hide_listed(command),
    })
}

/// By name, so that the commands stay in their order.
fn hide_listed(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let listed = OF_NO_USE.iter().filter(|(of, _)| *of == name);
    let flags = listed.flat_map(|(_, flags)| *flags);
    flags.fold(command, |command, flag| {
        command.mut_arg(flag, |flag| flag.hide(true))
    })
}

/// Asks no node: of those it needs to know only what their profiles say.
fn without_node(flag: Arg) -> Arg {
    let is_of_node = flag.get_help_heading() == Some("Node");
    let names_profile = ["profile", "config"].contains(&flag.get_id().as_str());
    flag.hide(is_of_node && !names_profile)
}
