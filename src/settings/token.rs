//! Where the bearer token comes from: never from an argument, which every user of the machine can
//! read.
//!
//! Unlike other settings, a token belongs to one node. So what a profile says of its own goes before
//! `HEADCOUNT_TOKEN` and `HEADCOUNT_TOKEN_FILE`, which may well be another node's; only `--token-file` on
//! the command line goes before it.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::Node;
use super::keyring::{Account, KeyringError};
use super::secrets_manager::{Record, SecretsManagerError};

/// The variable that holds the token.
const VARIABLE: &str = "HEADCOUNT_TOKEN";

/// What the keyring is called in messages.
const KEYRING: &str = "the keyring";

/// A token is some dozens of characters; more than this is another file.
const LONGEST: u64 = 16 << 10;

/// Where to take the token from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// `HEADCOUNT_TOKEN`; if that is not set, the keyring.
    Usual(Account),
    /// A variable of the environment.
    Variable(String),
    /// A file that holds nothing else.
    File(PathBuf),
    /// Standard input.
    StandardInput,
    /// The keyring of the operating system.
    Keyring(Account),
    /// A record of Keeper Secrets Manager; its token is for this node only, if one is named.
    SecretsManager(Record, Option<Box<Node>>),
}

/// Whether a token is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    There,
    /// It is not, or cannot be read: why.
    Missing(String),
    /// Nobody looked: why not.
    NotLookedAt(String),
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody gave one.
    #[error(
        "no token: keep one in the keyring with headcount login, or set HEADCOUNT_TOKEN, or name a file that holds it \
         with --token-file (- for standard input)"
    )]
    Missing,
    /// The variable is not set.
    #[error("no token: the variable {0} is not set")]
    NotSet(String),
    /// The keyring has none for this node.
    #[error(
        "no token: the keyring has none for this node; store it with headcount login and the same --profile, or the \
         same --region and --node"
    )]
    NotInKeyring,
    /// The keyring is of no use.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Keeper Secrets Manager has none.
    #[error(transparent)]
    SecretsManager(#[from] SecretsManagerError),
    /// It cannot be read.
    #[error("the token cannot be read from {from}: {source}")]
    Unreadable {
        /// The file.
        from: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{0} holds no token: it is empty")]
    Empty(String),
    /// It is not a token.
    #[error(
        "{0} does not hold a token: it is too long, has blanks or several lines in it, or is not text"
    )]
    NotAToken(String),
    /// It has in front what stands before it in a call.
    #[error("{0} holds more than the token: leave the word Bearer out")]
    Bearer(String),
}

impl TokenSource {
    /// Where the token of a node comes from if nobody says otherwise.
    #[must_use]
    pub fn usual(node: &Node) -> Self {
        TokenSource::Usual(Account::of(node))
    }

    /// Reads the token. Blocks: the keyring may have to be unlocked, Keeper Secrets Manager is asked over the
    /// network.
    ///
    /// # Errors
    /// [`TokenError`], which never shows what was read.
    pub fn read(&self) -> Result<SecretString, TokenError> {
        match self {
            TokenSource::Usual(account) => match from_variable(VARIABLE) {
                Err(TokenError::NotSet(_)) => match account.read() {
                    Ok(Some(token)) => token_in(token.expose_secret(), KEYRING),
                    // Where there is no keyring, that is no news to anybody.
                    Ok(None) | Err(KeyringError::NotThere(_)) => Err(TokenError::Missing),
                    Err(error) => Err(error.into()),
                },
                token => token,
            },
            TokenSource::Variable(name) => from_variable(name),
            TokenSource::File(path) => {
                let from = path.display().to_string();
                let opened = std::fs::File::open(path);
                let file = opened.map_err(|source| TokenError::Unreadable {
                    from: from.clone(),
                    source,
                })?;
                token_in(&read_text(file, &from)?, &from)
            }
            TokenSource::StandardInput => {
                let from = "standard input";
                token_in(&read_text(std::io::stdin().lock(), from)?, from)
            }
            TokenSource::Keyring(account) => {
                let token = account.read()?.ok_or(TokenError::NotInKeyring)?;
                token_in(token.expose_secret(), KEYRING)
            }
            TokenSource::SecretsManager(record, node) => {
                let token = record.token(node.as_deref())?;
                token_in(
                    token.expose_secret(),
                    &format!("the record {}", record.uid()),
                )
            }
        }
    }

    /// Whether the token is there. Standard input is not read, and nobody is asked over the network.
    #[must_use]
    pub fn presence(&self) -> Presence {
        match self {
            TokenSource::StandardInput => {
                Presence::NotLookedAt("it is read when it is needed".to_owned())
            }
            TokenSource::SecretsManager(record, _) => match record.configured_by() {
                Ok(from) => Presence::NotLookedAt(format!("it would be asked for with {from}")),
                Err(error) => Presence::Missing(error.to_string()),
            },
            source => match source.read() {
                Ok(_) => Presence::There,
                Err(error) => Presence::Missing(error.to_string()),
            },
        }
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Usual(account) if std::env::var_os(VARIABLE).is_none() => {
                write!(f, "the keyring ({})", account.name())
            }
            TokenSource::Usual(_) => write!(f, "the variable {VARIABLE}"),
            TokenSource::Variable(name) => write!(f, "the variable {name}"),
            TokenSource::File(path) => write!(f, "the file {}", path.display()),
            TokenSource::StandardInput => f.write_str("standard input"),
            TokenSource::Keyring(account) => write!(f, "the keyring ({})", account.name()),
            TokenSource::SecretsManager(record, _) => {
                write!(f, "the record {} of Keeper Secrets Manager", record.uid())
            }
        }
    }
}

/// A token that somebody typed.
///
/// # Errors
/// [`TokenError`], which does not show what was typed.
pub fn typed_token(text: &SecretString) -> Result<SecretString, TokenError> {
    token_in(text.expose_secret(), "what you typed")
}

fn from_variable(name: &str) -> Result<SecretString, TokenError> {
    let text = std::env::var_os(name).ok_or_else(|| TokenError::NotSet(name.to_owned()))?;
    let text = text
        .into_string()
        .map_err(|_| TokenError::NotAToken(name.to_owned()))?;
    token_in(&text, name)
}

/// The token in what was read.
fn token_in(text: &str, from: &str) -> Result<SecretString, TokenError> {
    let token = text.trim_start_matches('\u{FEFF}').trim();
    if token.is_empty() {
        return Err(TokenError::Empty(from.to_owned()));
    }
    let mut words = token.split_ascii_whitespace();
    if words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("bearer"))
        && words.next().is_some()
    {
        return Err(TokenError::Bearer(from.to_owned()));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::NotAToken(from.to_owned()));
    }
    Ok(SecretString::from(token))
}

fn read_text(source: impl Read, from: &str) -> Result<String, TokenError> {
    let mut bytes = Vec::new();
    let unreadable = |source| TokenError::Unreadable {
        from: from.to_owned(),
        source,
    };
    source
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(TokenError::NotAToken(from.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| TokenError::NotAToken(from.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<SecretString, TokenError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, content).unwrap();
        TokenSource::File(path).read()
    }

    #[test]
    fn a_file_may_have_a_line_break_at_its_end_and_a_mark_at_its_beginning() {
        assert_eq!(
            read(b"\xEF\xBB\xBFabc.def\r\n").unwrap().expose_secret(),
            "abc.def"
        );
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_shown() {
        for content in [
            &b""[..],
            b" \n",
            b"one two",
            b"one\ntwo",
            b"caf\xC3\xA9",
            b"\xFF\xFE",
            &vec![b'x'; 20_000],
        ] {
            let error = read(content).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(
                !said.contains("one") && !said.contains("caf") && !said.contains("xxx"),
                "{said}"
            );
        }
        let error = read(b"Bearer abc.def").unwrap_err().to_string();
        assert!(error.ends_with("leave the word Bearer out"), "{error}");
    }
}
