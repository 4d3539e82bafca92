//! `headcount config init`: asks for a node, and writes its profile.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::args::QuietArgs;
use super::{Exit, JobError};
use crate::report::{ask, say};
use crate::settings::{Config, Draft, DraftError, Existing, Node, NodeLocation, Region, TokenAt};
use crate::transport::RateSetting;

/// What to write; what is not given is asked for.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The name of the profile
    #[arg(long, value_name = "NAME", env = "HEADCOUNT_PROFILE")]
    profile: Option<String>,
    /// The file with the profiles, instead of the one in your configuration folder
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_CONFIG")]
    config: Option<PathBuf>,
    /// The region of your Keeper tenant
    #[arg(long, value_enum, env = "HEADCOUNT_REGION")]
    region: Option<Region>,
    /// The node's id, shown on the SCIM page of the admin console
    #[arg(long, value_name = "ID", env = "HEADCOUNT_NODE")]
    node: Option<String>,
    /// The node's whole SCIM address, instead of --region and --node
    #[arg(long, value_name = "BASE", env = "HEADCOUNT_URL")]
    url: Option<String>,
    /// What names of roles begin with on the node
    #[arg(long, value_name = "PREFIX", env = "HEADCOUNT_ROLE_PREFIX")]
    role_prefix: Option<String>,
    /// Never send more calls than this
    #[arg(long, value_name = "N[/s|/min|/h]|auto|off", env = "HEADCOUNT_RATE")]
    rate: Option<RateSetting>,
    /// The token is in this file
    #[arg(long, value_name = "FILE", env = "HEADCOUNT_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The token is in this variable
    #[arg(long, value_name = "VARIABLE", env = "HEADCOUNT_TOKEN_ENV")]
    token_env: Option<String>,
    /// The token is in the keyring of this machine (headcount login puts it there)
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_TOKEN_KEYRING")]
    token_keyring: bool,
    /// The token is in this record of Keeper Secrets Manager, and the address too, if no node is named
    #[arg(long, value_name = "RECORD_UID", env = "HEADCOUNT_KSM")]
    ksm: Option<String>,
    /// Replace what a profile of this name says of its node, token, role prefix and rate
    #[arg(long, value_parser = FalseyValueParser::new(), env = "HEADCOUNT_REPLACE_PROFILE")]
    replace: bool,
    #[command(flatten)]
    quiet: QuietArgs,
}

/// `headcount config init`
pub(super) fn init(args: InitArgs) -> Result<Exit, JobError> {
    let path = location(args.config.clone())?;
    let given = args.location()?;
    let token = args.token()?;
    // Somebody who has said who and where is not asked for the rest.
    let asks = args.profile.is_none() || given.is_none();
    let mut questions = Questions::new();
    if asks && questions.terminal {
        args.quiet.say(format_args!(
            "A profile for {}. An empty answer means what stands in brackets.",
            path.display()
        ));
    }
    let name = match args.profile {
        Some(name) => name,
        None => questions.ask("Name of the profile", "--profile", None, |name| {
            Draft::check_name(name).map_err(|error| error.to_string())?;
            Ok(name.to_owned())
        })?,
    };
    let existing = existing(&path, &name, args.replace, &mut questions)?;
    let (location, asked_token) = match given {
        Some(location) => (location, None),
        None => ask_place(&mut questions)?,
    };
    let token = match token.or(asked_token) {
        Some(token) => token,
        None if asks => ask_token(&mut questions)?,
        None => TokenAt::Usual,
    };
    let role_prefix = match args.role_prefix {
        None if asks => questions.ask("Role prefix", "--role-prefix", Some("none"), |prefix| {
            Ok((prefix != "none").then(|| prefix.to_owned()))
        })?,
        prefix => prefix,
    };
    let rate = match args.rate {
        None if asks => questions.ask(
            "Most calls, such as 180/min",
            "--rate",
            Some("auto"),
            |rate| {
                rate.parse::<RateSetting>()
                    .map_err(|error| error.to_string())
                    .map(Some)
            },
        )?,
        rate => rate,
    };
    let draft = Draft {
        name,
        location,
        token,
        role_prefix,
        rate: rate.filter(|rate| *rate != RateSetting::Auto),
    };
    draft.write(&path, existing).map_err(JobError::usage)?;
    args.quiet.say(format_args!(
        "The profile {} is in {}.",
        draft.name,
        path.display()
    ));
    args.quiet.say(what_next(&draft));
    Ok(Exit::Done)
}

impl InitArgs {
    /// The node that the flags name.
    fn location(&self) -> Result<Option<NodeLocation>, JobError> {
        let location = match (&self.url, self.region, &self.node) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                return Err(JobError::usage(
                    "which node? Give --url, or --region and --node, not both (their HEADCOUNT_ variables count, too)",
                ));
            }
            (Some(url), None, None) => {
                Node::at(url).map_err(JobError::usage)?;
                NodeLocation::Url(url.clone())
            }
            (None, Some(region), Some(node)) => {
                Node::in_region(region, node).map_err(JobError::usage)?;
                NodeLocation::Region(region, node.clone())
            }
            (None, Some(_), None) | (None, None, Some(_)) => {
                return Err(JobError::usage(
                    "--region and --node belong together; give both",
                ));
            }
            (None, None, None) if self.ksm.is_some() => NodeLocation::InRecord,
            (None, None, None) => return Ok(None),
        };
        Ok(Some(location))
    }

    /// Where the flags say that the token is.
    fn token(&self) -> Result<Option<TokenAt>, JobError> {
        let said = [
            self.token_file.as_deref().map(in_file),
            self.token_env.clone().map(TokenAt::Variable),
            self.token_keyring.then_some(TokenAt::Keyring),
            self.ksm.clone().map(TokenAt::SecretsManager),
        ];
        let mut said = said.into_iter().flatten();
        match (said.next(), said.next()) {
            (_, Some(_)) => Err(JobError::usage(
                "where is the token? Give only one of --token-file, --token-env, --token-keyring and --ksm (or their \
                 HEADCOUNT_ variables)",
            )),
            (one, None) => Ok(one),
        }
    }
}

/// A file as it was named here, and not beside the file with the profiles.
fn in_file(path: &Path) -> TokenAt {
    TokenAt::File(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// What becomes of a profile of this name: nothing more is asked if it is to stay.
fn existing(
    path: &Path,
    name: &str,
    replace: bool,
    questions: &mut Questions,
) -> Result<Existing, JobError> {
    if replace {
        return Ok(Existing::Replace);
    }
    let taken = match Draft::check_free(name, path) {
        Ok(()) => return Ok(Existing::Keep),
        Err(taken @ DraftError::Exists { .. }) if questions.terminal => taken,
        Err(error) => return Err(JobError::usage(error)),
    };
    let question =
        format!("There is a profile {name} already. Replace where its node and token are");
    let replaces = questions.ask(&question, "--replace", Some("no"), |answer| {
        match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("answer yes or no".to_owned()),
        }
    })?;
    if replaces {
        Ok(Existing::Replace)
    } else {
        Err(JobError::usage(taken))
    }
}

fn ask_place(questions: &mut Questions) -> Result<(NodeLocation, Option<TokenAt>), JobError> {
    enum Where {
        In(Region),
        At(String),
        InRecord,
    }
    let question = "Region (us, eu, au, jp, ca, gov), or the node's whole SCIM address, or ksm for a record of Keeper \
                    Secrets Manager";
    let location = questions.ask(question, "--region and --node, or --url", None, |answer| {
        if answer.eq_ignore_ascii_case("ksm") {
            return Ok(Where::InRecord);
        }
        if answer.contains("://") {
            let node = Node::at(answer).map_err(|error| error.to_string())?;
            return Ok(Where::At(node.base().to_string()));
        }
        let region = Region::from_str(answer, true);
        region.map(Where::In).map_err(|_| {
            format!("{answer:?} is neither a region (us, eu, au, jp, ca, gov) nor an address (https://…)")
        })
    })?;
    match location {
        Where::At(url) => Ok((NodeLocation::Url(url), None)),
        Where::InRecord => Ok((NodeLocation::InRecord, Some(ask_record(questions)?))),
        Where::In(region) => {
            let node = questions.ask("Node id", "--node", None, |id| {
                Node::in_region(region, id).map_err(|error| error.to_string())?;
                Ok(id.to_owned())
            })?;
            Ok((NodeLocation::Region(region, node), None))
        }
    }
}

fn ask_record(questions: &mut Questions) -> Result<TokenAt, JobError> {
    questions.ask("UID of the record", "--ksm", None, |uid| {
        Ok(TokenAt::SecretsManager(uid.to_owned()))
    })
}

fn ask_token(questions: &mut Questions) -> Result<TokenAt, JobError> {
    #[derive(Clone, Copy)]
    enum In {
        Keyring,
        File,
        Variable,
        Record,
    }
    let question = "Where is the token: in the keyring, a file, a variable, or ksm";
    let kind = questions.ask(question, "--token-file", Some("keyring"), |answer| {
        match answer.to_lowercase().as_str() {
            "keyring" => Ok(In::Keyring),
            "file" => Ok(In::File),
            "variable" => Ok(In::Variable),
            "ksm" => Ok(In::Record),
            // It may be the token itself, so it is not repeated.
            _ => Err(
                "answer keyring, file, variable or ksm; the token itself is not asked for here"
                    .to_owned(),
            ),
        }
    })?;
    match kind {
        In::Keyring => Ok(TokenAt::Keyring),
        In::Record => ask_record(questions),
        In::File => questions.ask("The file that holds it", "--token-file", None, |path| {
            Ok(in_file(Path::new(path)))
        }),
        In::Variable => questions.ask("The variable's name", "--token-env", None, |name| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
                return Ok(TokenAt::Variable(name.to_owned()));
            }
            Err("a variable's name has letters, digits and _ only".to_owned())
        }),
    }
}

fn what_next(draft: &Draft) -> String {
    let name = &draft.name;
    let next = match &draft.token {
        TokenAt::Keyring => format!("headcount login --profile {name}     keeps its token in the keyring"),
        TokenAt::Usual => format!(
            "headcount login --profile {name}     keeps its token in the keyring; or set HEADCOUNT_TOKEN"
        ),
        TokenAt::File(file) => format!("write the token into {}, and nothing else", file.display()),
        TokenAt::Variable(variable) => format!("set {variable} to the token"),
        TokenAt::SecretsManager(_) => {
            "set KSM_CONFIG to the configuration of an application with which the record is shared, or name its file \
             with ksm_config in the profile"
                .to_owned()
        }
    };
    format!("Next:\n  {next}\n  headcount doctor --profile {name}    whether it all works")
}

/// Questions, and their answers: from a terminal, where a wrong one is asked again, or from a pipe.
struct Questions {
    terminal: bool,
}

impl Questions {
    fn new() -> Self {
        Questions {
            terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        }
    }

    /// Asks until the answer is understood. `usual` is what an empty answer means.
    fn ask<T>(
        &mut self,
        question: &str,
        flag: &str,
        usual: Option<&str>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, JobError> {
        loop {
            if self.terminal {
                let brackets = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
                ask(format_args!("{question}{brackets}: "));
            }
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            let read = read.map_err(|error| {
                JobError::usage(format_args!("the answer cannot be read: {error}"))
            })?;
            let answer = match (line.trim(), usual) {
                ("", Some(usual)) => usual,
                ("", None) if read == 0 => {
                    return Err(JobError::usage(format_args!(
                        "standard input says nothing of this: {question}. Give it with {flag}. Nothing was written"
                    )));
                }
                (answer, _) => answer,
            };
            let understood = if answer.is_empty() {
                Err("this needs an answer".to_owned())
            } else {
                understand(answer)
            };
            match understood {
                Ok(value) => return Ok(value),
                Err(why) if self.terminal => say(why),
                Err(why) => {
                    return Err(JobError::usage(format_args!(
                        "{question}: {why}. Nothing was written"
                    )));
                }
            }
        }
    }
}

/// Where the file is, or would be.
pub(super) fn location(given: Option<PathBuf>) -> Result<PathBuf, JobError> {
    given.or_else(Config::usual_path).ok_or_else(|| {
        JobError::usage("this user has no folder for configurations; name the file with --config")
    })
}
