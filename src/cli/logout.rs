//! `headcount logout`: removes a node's token from the keyring of the operating system.

use clap::Args;

use super::args::{AddressArgs, QuietArgs};
use super::login::account;
use super::{Exit, JobError};

const EXAMPLES: &str = "\
Examples:
  headcount logout --profile sales
  headcount logout --region eu --node 1234567890

The token itself stays valid: it is the node's SCIM page in the admin console that makes another one.";

/// Remove a node's token from the keyring of this machine
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    pub(super) address: AddressArgs,
    #[command(flatten)]
    quiet: QuietArgs,
}

/// `headcount logout`
pub(super) async fn logout(args: LogoutArgs) -> Result<Exit, JobError> {
    let (destination, account) = account(&args.address.node_ref())?;
    let node = destination.lasting()?;
    let removed = tokio::task::spawn_blocking(move || account.forget()).await;
    if removed
        .map_err(JobError::unexpected)?
        .map_err(JobError::usage)?
    {
        args.quiet.say(format_args!(
            "The token of {node} is no longer in the keyring."
        ));
    } else {
        args.quiet
            .say(format_args!("There was no token of {node} in the keyring."));
    }
    Ok(Exit::Done)
}
