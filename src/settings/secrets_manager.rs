//! Tokens in a record of Keeper Secrets Manager: the record that Commander's `scim push` uses, whose field of the
//! type `url` is the node's address and whose field of the type `password` is the token.
//!
//! Here belongs which record that is, what lets the program ask for it, and what is done with the answer. Asking is for
//! the provider's SDK, in `sdk`, which is in programs that are built with the feature `ksm` only.

#[cfg(feature = "ksm")]
mod sdk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use secrecy::{ExposeSecret, SecretString};

use super::{Node, NodeError};

/// What lets an application ask for its records, in a variable: JSON, or that in Base64.
const CONFIG: &str = "KSM_CONFIG";

/// The same in a file.
const CONFIG_FILE: &str = "KSM_CONFIG_FILE";

/// More than this is no configuration of an application.
const LONGEST: u64 = 64 << 10;

/// A record that holds a node's token. It is asked for once, however often it is used.
#[derive(Clone)]
pub struct Record {
    uid: String,
    /// What lets the program ask for it, if the profile says.
    config: Option<PathBuf>,
    asked: Arc<OnceLock<Result<Login, SecretsManagerError>>>,
}

/// What the record holds.
#[derive(Clone)]
struct Login {
    url: Option<String>,
    token: SecretString,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsManagerError {
    /// The program was built without it.
    #[error(
        "this program was built without Keeper Secrets Manager; build it with: cargo install --locked --path . \
         --features ksm"
    )]
    NotBuiltIn,
    /// Nothing lets the program ask.
    #[error(
        "Keeper Secrets Manager cannot be asked: set KSM_CONFIG to the configuration of your application, or \
         KSM_CONFIG_FILE or ksm_config in the profile to the file that holds it"
    )]
    NoConfig,
    /// The configuration cannot be read.
    #[error("the configuration of Keeper Secrets Manager cannot be read from {from}: {why}")]
    Unreadable {
        /// The file or variable.
        from: String,
        /// Why not.
        why: String,
    },
    /// It is not one.
    #[error(
        "{0} holds no configuration of a Keeper Secrets Manager application; make one with: ksm profile init, or in \
         the vault under the application's devices"
    )]
    BadConfig(String),
    /// The question failed.
    #[error("Keeper Secrets Manager does not give the record {uid}: {why}")]
    Refused {
        /// The record.
        uid: String,
        /// What it said.
        why: String,
    },
    /// There is no such record for the application.
    #[error(
        "the application has no record {0}; share the folder that holds the record with the application"
    )]
    NoRecord(String),
    /// The record is not of use.
    #[error("the record {uid} has no {what}")]
    Incomplete {
        /// The record.
        uid: String,
        /// What is missing, and what to do.
        what: &'static str,
    },
    /// It holds the token of another node.
    #[error(
        "the record {uid} is for {theirs}, and this is {ours}; its token is not used. Mend the profile, or its key ksm"
    )]
    OtherNode {
        /// The record.
        uid: String,
        /// The record's node.
        theirs: String,
        /// The one that is worked with.
        ours: String,
    },
    /// Its address is none.
    #[error("the field url of the record {uid}: {why}")]
    BadAddress {
        /// The record.
        uid: String,
        /// What is wrong.
        why: NodeError,
    },
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Record").field(&self.uid).finish()
    }
}

impl Record {
    /// The record of this UID, asked for with the configuration of an application in a file, or else in
    /// `KSM_CONFIG` or the file that `KSM_CONFIG_FILE` names.
    #[must_use]
    pub fn new(uid: &str, config: Option<PathBuf>) -> Self {
        Record {
            uid: uid.trim().to_owned(),
            config,
            asked: Arc::default(),
        }
    }

    /// The record's UID.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The node that the record is for. Asks for the record.
    ///
    /// # Errors
    /// [`SecretsManagerError`].
    pub fn node(&self) -> Result<Node, SecretsManagerError> {
        let node = self.address(self.login()?)?;
        node.ok_or_else(|| SecretsManagerError::Incomplete {
            uid: self.uid.clone(),
            what: "field of the type url with the node's address; add it, or give the profile region and node, or url",
        })
    }

    /// The token, for this node if one is named. Asks for the record.
    ///
    /// # Errors
    /// [`SecretsManagerError`]; also when the record says that it is for another node.
    pub fn token(&self, node: Option<&Node>) -> Result<SecretString, SecretsManagerError> {
        let login = self.login()?;
        match (self.address(login)?, node) {
            (Some(theirs), Some(ours)) if theirs.base() != ours.base() => {
                Err(SecretsManagerError::OtherNode {
                    uid: self.uid.clone(),
                    theirs: theirs.to_string(),
                    ours: ours.to_string(),
                })
            }
            _ => Ok(login.token.clone()),
        }
    }

    /// Where the configuration of the application comes from, if it is there. Asks nobody.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn configured_by(&self) -> Result<String, SecretsManagerError> {
        let (from, _) = self.configuration()?;
        if cfg!(feature = "ksm") {
            Ok(from)
        } else {
            Err(SecretsManagerError::NotBuiltIn)
        }
    }

    fn address(&self, login: &Login) -> Result<Option<Node>, SecretsManagerError> {
        let node = login.url.as_deref().map(Node::at).transpose();
        node.map_err(|why| SecretsManagerError::BadAddress {
            uid: self.uid.clone(),
            why,
        })
    }

    fn login(&self) -> Result<&Login, SecretsManagerError> {
        let asked = self.asked.get_or_init(|| {
            let (from, config) = self.configuration()?;
            ask(&self.uid, &from, &config)
        });
        asked.as_ref().map_err(SecretsManagerError::clone)
    }

    /// The configuration of the application, and where it stands.
    fn configuration(&self) -> Result<(String, SecretString), SecretsManagerError> {
        let in_file = |path: &Path| {
            let from = path.display().to_string();
            match read(path) {
                Ok(text) => Ok((from, text)),
                Err(error) => Err(SecretsManagerError::Unreadable {
                    from,
                    why: error.to_string(),
                }),
            }
        };
        let (from, text) = if let Some(path) = &self.config {
            in_file(path)?
        } else if let Some(text) = std::env::var_os(CONFIG) {
            let text = text.into_string();
            let text = text.map_err(|_| SecretsManagerError::BadConfig(CONFIG.to_owned()))?;
            (CONFIG.to_owned(), SecretString::from(text))
        } else if let Some(path) = std::env::var_os(CONFIG_FILE) {
            in_file(Path::new(&path))?
        } else {
            return Err(SecretsManagerError::NoConfig);
        };
        let trimmed = text.expose_secret().trim_start_matches('\u{FEFF}').trim();
        if trimmed.is_empty() {
            return Err(SecretsManagerError::BadConfig(from));
        }
        Ok((from, SecretString::from(trimmed)))
    }
}

fn read(path: &Path) -> std::io::Result<SecretString> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(LONGEST)
        .read_to_string(&mut text)?;
    Ok(SecretString::from(text))
}

#[cfg(feature = "ksm")]
fn ask(uid: &str, from: &str, config: &SecretString) -> Result<Login, SecretsManagerError> {
    // The SDK blocks, and may not do so on a thread that drives tasks: it gets one of its own.
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| sdk::ask(uid, from, config, sdk::Way::Network));
        asking.join().unwrap_or_else(|_| {
            Err(SecretsManagerError::Refused {
                uid: uid.to_owned(),
                why: "the SDK failed while it read the answer".to_owned(),
            })
        })
    })
}

#[cfg(not(feature = "ksm"))]
fn ask(_uid: &str, _from: &str, _config: &SecretString) -> Result<Login, SecretsManagerError> {
    Err(SecretsManagerError::NotBuiltIn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: Option<&str>) -> Record {
        let record = Record::new(" UID ", None);
        let login = Login {
            url: url.map(str::to_owned),
            token: SecretString::from("secret"),
        };
        assert!(record.asked.set(Ok(login)).is_ok());
        record
    }

    #[test]
    fn a_token_is_for_the_node_of_its_record_only() {
        let node = |id: &str| {
            Node::at(&format!("https://keepersecurity.eu/api/rest/scim/v2/{id}")).unwrap()
        };
        let record = asked(Some(" https://keepersecurity.eu/api/rest/scim/v2/12/ "));
        assert_eq!(record.node().unwrap(), node("12"));
        assert_eq!(
            record.token(Some(&node("12"))).unwrap().expose_secret(),
            "secret"
        );
        let refused = record.token(Some(&node("13"))).unwrap_err().to_string();
        assert!(
            refused.contains("UID is for node 12") && refused.contains("this is node 13"),
            "{refused}"
        );
    }

    #[test]
    fn a_record_without_an_address_needs_one_from_the_profile() {
        let record = asked(None);
        assert!(record.node().unwrap_err().to_string().contains("type url"));
        let node = Node::at("https://x.example/v2/1").unwrap();
        assert!(record.token(Some(&node)).is_ok());
        let wrong = asked(Some("keeper")).node().unwrap_err().to_string();
        assert!(wrong.contains("is not a web address"), "{wrong}");
        assert!(!format!("{record:?}").contains("secret"));
    }

    #[test]
    fn an_empty_configuration_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ksm.json");
        let record = Record::new("UID", Some(path.clone()));
        assert!(matches!(
            record.node(),
            Err(SecretsManagerError::Unreadable { .. })
        ));
        std::fs::write(&path, " \n").unwrap();
        let record = Record::new("UID", Some(path));
        assert!(matches!(
            record.node(),
            Err(SecretsManagerError::BadConfig(_))
        ));
    }
}
