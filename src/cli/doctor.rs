//! `headcount doctor`: looks at a node and says what to mend.

use clap::Args;

use super::args::NodeArgs;
use super::printed::{OutputFormat, print_json, show};
use super::{Exit, JobError, signals};
use crate::doctor::{self, Setup};
use crate::report::{TerminalWriter, say};

const EXAMPLES: &str = "\
Examples:
  headcount doctor --sandbox
  headcount doctor --region eu --node 1234567890
  headcount doctor --role-prefix ROLE_ > report.txt
  headcount doctor --profile sales --format json

Nothing is changed on the node; some 20 calls are made, within --rate. Answers are awaited for
15 seconds at the most. The report goes to standard output and holds no token.

Exit codes: 0 the node can be used, 2 no address or token is given, 3 the node cannot be reached,
the token may not be used, or users cannot be listed.";

/// Check address, token and clock, and what the node supports; says what to mend
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t, env = "HEADCOUNT_DOCTOR_FORMAT")]
    pub(super) format: OutputFormat,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// `headcount doctor`
pub(super) async fn doctor(args: DoctorArgs) -> Result<Exit, JobError> {
    let mut destination = args.node.node_ref().one()?;
    destination.wait_at_most(doctor::PATIENCE);
    let node = destination.connect(destination.pace()).await?;
    say(format_args!("Looking at {} ...", node.name));
    let setup = Setup {
        name: node.name.clone(),
        role_prefix: node.role_prefix.clone(),
        concurrency: destination.concurrency,
        rate: destination.rate,
        route: destination.route(),
    };
    let report = tokio::select! {
        report = doctor::examine(&node.client, &setup) => report,
        () = signals::once() => {
            return Err(JobError::new(Exit::Interrupted, "interrupted; nothing was changed"));
        }
    };
    match args.format {
        OutputFormat::Json => print_json(&report.to_json())?,
        OutputFormat::Text => {
            let width = TerminalWriter::standard_output().columns();
            show(&report.lines(width))?;
        }
    }
    Ok(if report.is_usable() {
        Exit::Done
    } else {
        Exit::NoNode
    })
}
