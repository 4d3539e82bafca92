//! `headcount config`: which settings hold and why, where the file is, a new profile in it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{GuardedNodeArgs, ProfileArgs};
use super::explain::{SetVariable, explain, variables};
use super::printed::{OutputFormat, error, print, print_json, show as print_text};
use super::{Exit, JobError, init};
use crate::report::say;
use crate::settings::{Explained, Origin};

const EXAMPLES: &str = "\
Examples:
  headcount config init                       asks for a node and writes its profile
  headcount config show --profile sales       each setting, and who said so
  headcount config path                       where the file is

A flag goes before its variable, that before the profile, that before what holds if nobody says
anything. The token is the exception: a profile's own goes before the variables.";

const SHOW_EXAMPLES: &str = "\
Examples:
  headcount config show                       what holds without a profile
  headcount config show --profile sales       what holds for this one, and where its token comes from
  headcount config show --format json         the same for a program";

const PATH_EXAMPLES: &str = "\
Examples:
  headcount config path
  headcount config path --config other.toml";

const INIT_EXAMPLES: &str = "\
Examples:
  headcount config init
  headcount config init --profile sales --region eu --node 1234567890 --token-keyring
  headcount config init --profile lab --url http://127.0.0.1:8080/v2 --token-file lab.token
  headcount config init --profile berlin --ksm XXXXXXXXXXXXXXXXXXXXXX --replace

With --profile, and a node (or --ksm), nothing is asked; else questions are answered at the terminal or
from standard input, a line each. What stands in the file stays.";

/// Show which settings hold and why, or write them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show each setting and who said so: a flag, a variable, a profile, or nobody
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Box<ShowArgs>),
    /// Write a profile into the file, after asking for what is not given
    #[command(after_help = INIT_EXAMPLES)]
    Init(init::InitArgs),
    /// Print where the file with the profiles is
    #[command(after_help = PATH_EXAMPLES)]
    Path(PathArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_CONFIG_FORMAT")]
    format: OutputFormat,
    #[command(flatten)]
    node: GuardedNodeArgs,
}

#[derive(Debug, Args)]
struct PathArgs {
    /// The file with the profiles, instead of the one in your configuration folder
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArgs {
    pub(super) fn profiles(&mut self) -> Option<&mut ProfileArgs> {
        match &mut self.command {
            ConfigCommand::Show(show) => Some(show.node.profiles()),
            ConfigCommand::Init(_) | ConfigCommand::Path(_) => None,
        }
    }
}

/// `headcount config`
pub(super) fn config(args: ConfigArgs) -> Result<Exit, JobError> {
    match args.command {
        ConfigCommand::Show(args) => show(&args),
        ConfigCommand::Init(args) => init::init(args),
        ConfigCommand::Path(args) => {
            print(format!("{}\n", init::location(args.config)?.display()).as_bytes())?;
            Ok(Exit::Done)
        }
    }
}

/// Everything that `config show` says.
#[derive(Debug, Serialize)]
struct Shown {
    file: PathBuf,
    /// Who said that it is this one.
    file_from: String,
    file_is_there: bool,
    profiles: Vec<String>,
    nodes: Vec<Explained>,
    /// Variables of this program that are set and are not among the settings above.
    variables: Vec<SetVariable>,
}

fn show(args: &ShowArgs) -> Result<Exit, JobError> {
    let node = &args.node.node_ref();
    let file = init::location(node.config.clone())?;
    node.names_one_way()?;
    let config = node.config()?;
    let (nodes, problems): (Vec<_>, Vec<_>) = if node.profiles.is_empty() {
        vec![explain(node, &config, None)?]
    } else {
        let unique: BTreeSet<&String> = node.profiles.iter().collect();
        let nodes = unique
            .into_iter()
            .map(|name| explain(node, &config, Some(name)));
        nodes.collect::<Result<_, _>>()?
    }
    .into_iter()
    .unzip();
    let file_from = match &node.config {
        Some(_) => node.layers(None).said("config"),
        None => Origin::Default,
    };
    let file_from = file_from.to_string();
    let shown = Shown {
        file_is_there: !config.path().as_os_str().is_empty(),
        file,
        profiles: config.names().map(str::to_owned).collect(),
        variables: variables(node, &nodes, &file_from),
        file_from,
        nodes,
    };
    match args.format {
        OutputFormat::Json => print_json(&shown)?,
        OutputFormat::Text => print_text(&text(&shown))?,
    }
    let problems: Vec<JobError> = problems.into_iter().flatten().collect();
    for problem in &problems {
        say(error(&problem.message));
    }
    Ok(if problems.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    })
}

fn text(shown: &Shown) -> String {
    let mut text = format!("File: {}, by {}", shown.file.display(), shown.file_from);
    text += match (shown.file_is_there, shown.profiles.as_slice()) {
        (false, _) => " (not there; headcount config init makes it)\n".to_owned(),
        (true, []) => " (no profiles)\n".to_owned(),
        (true, names) => format!(" (profiles: {})\n", names.join(", ")),
    }
    .as_str();
    for node in &shown.nodes {
        let heading = match &node.profile {
            Some(profile) => format!("\nProfile {profile}\n"),
            None => "\nWithout a profile\n".to_owned(),
        };
        text += &format!("{heading}{node}");
    }
    if shown.nodes.iter().all(|node| node.profile.is_none()) && !shown.profiles.is_empty() {
        text += "\nWhat holds for a profile: headcount config show --profile NAME\n";
    }
    if !shown.variables.is_empty() {
        text += "\nOther variables that are set\n";
    }
    for variable in &shown.variables {
        text += &format!("  {}  {}\n", variable.name, variable.note);
    }
    text
}
