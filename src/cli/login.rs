//! `headcount login`: keeps a node's token in the keyring of the operating system.

use std::io::IsTerminal;

use clap::Args;
use secrecy::SecretString;

use super::args::{AddressArgs, QuietArgs, TokenArgs};
use super::{Exit, JobError};
use crate::job::{Destination, NodeRef, NodeTarget};
use crate::settings::{Account, Node, TokenSource, typed_token};

const EXAMPLES: &str = "\
Examples:
  headcount login --profile sales                  asks for the token; it is not shown
  headcount login --region eu --node 1234567890    without a profile
  pass show keeper/scim | headcount login --profile sales

The token is kept under the node's address, for this user of this machine only. headcount logout removes
it. To use it always, say token_keyring = true in the profile; else HEADCOUNT_TOKEN goes before it.";

/// Keep a node's token in the keyring of this machine
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LoginArgs {
    #[command(flatten)]
    pub(super) address: AddressArgs,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    quiet: QuietArgs,
}

/// The node whose token is kept, and where its token comes from so far.
pub(super) fn account(node: &NodeRef) -> Result<(Destination, Account), JobError> {
    let destination = node.one()?;
    let account = Account::of(destination.lasting()?);
    Ok((destination, account))
}

/// `headcount login`
pub(super) async fn login(args: LoginArgs) -> Result<Exit, JobError> {
    let mut node = args.address.node_ref();
    args.token.add_to(&mut node);
    let mut from = None;
    if node.token_file_first {
        // A file on the command line is where the new token comes from.
        from = node.token_of_flags();
        node.token_file = None;
        node.token_file_first = false;
    }
    let (destination, account) = account(&node)?;
    let node = destination.lasting()?.clone();
    // On a thread of its own: typing takes as long as it takes, and a keyring may have to be unlocked.
    let stored = tokio::task::spawn_blocking(move || {
        // Nobody types a token that cannot be kept.
        account.reach().map_err(JobError::usage)?;
        let token = take(from, &node)?;
        account.store(&token).map_err(JobError::usage)?;
        Ok::<Node, JobError>(node)
    });
    let node = stored.await.map_err(JobError::unexpected)??;
    args.quiet.say(format_args!(
        "The token of {node} is in the keyring. Whether the node takes it, says headcount doctor."
    ));
    if let Some(warning) = others(&destination) {
        args.quiet.say(warning);
    }
    Ok(Exit::Done)
}

/// The token: from where the flags say, else from somebody at the terminal, else from standard input.
fn take(from: Option<TokenSource>, node: &Node) -> Result<SecretString, JobError> {
    let from = match from {
        Some(from) => from,
        None if std::io::stdin().is_terminal() => {
            let typed = rpassword::prompt_password(format!("Token of {node} (it is not shown): "));
            let typed = typed.map_err(|error| {
                JobError::usage(format_args!("the token cannot be read from here: {error}"))
            })?;
            return typed_token(&SecretString::from(typed)).map_err(JobError::usage);
        }
        None => TokenSource::StandardInput,
    };
    from.read().map_err(JobError::usage)
}

/// Where the token comes from if not from the keyring, so that nobody wonders later.
fn others(destination: &Destination) -> Option<String> {
    let NodeTarget::At { token, .. } = &destination.node_target else {
        return None;
    };
    match (token, &destination.profile) {
        (TokenSource::Keyring(_), _) => None,
        (TokenSource::Usual(_), _) if std::env::var_os("HEADCOUNT_TOKEN").is_none() => None,
        (TokenSource::Usual(_), Some(profile)) => Some(format!(
            "HEADCOUNT_TOKEN is set and goes before it. To use the keyring all the same, say token_keyring = true in \
             the profile {profile}."
        )),
        (TokenSource::Usual(_), None) => {
            Some("HEADCOUNT_TOKEN is set and goes before it: unset it.".to_owned())
        }
        (source, Some(profile)) => Some(format!(
            "It is not used yet: the profile {profile} takes its token from {source}. Say token_keyring = true there \
             instead."
        )),
        (source, None) => Some(format!(
            "It is not used yet: HEADCOUNT_TOKEN_FILE is set, so the token comes from {source}."
        )),
    }
}
