//! Profiles: nodes under a name, in a file.
//!
//! ```toml
//! [profiles.sales]
//! region = "eu"
//! node = "1234567890"
//! token_file = "sales.token"
//! role_prefix = "ROLE_"
//! rate = "180/min"
//! protected = ["ceo@example.com", "admin@example.com"]
//!
//! [profiles.sales.map]
//! "Work E-mail" = "email"
//! ```
//!
//! A token itself never stands in it, only where to find it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::Document;

use super::document::{self, Lines, line_at, nearest};
use super::keyring::Account;
use super::secrets_manager::Record;
use super::{Node, NodeError, Profile, TokenSource};

/// What is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Nodes by name.
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    /// The file.
    #[serde(skip)]
    path: PathBuf,
    /// Where each key stands in it.
    #[serde(skip)]
    lines: Lines,
}

/// Where the address of a profile's node is.
#[derive(Debug, Clone)]
pub enum Address {
    /// In the profile.
    Known(Node),
    /// In a record of Keeper Secrets Manager, which has to be asked for.
    InRecord(Record),
}

/// Why profiles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the profiles cannot be read from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{}, line {line}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do instead.
        what: String,
    },
    /// There is no such profile.
    #[error("there is no profile {name:?}{}", in_file(path.as_deref(), name, known))]
    Unknown {
        /// The name.
        name: String,
        /// The file.
        path: Option<PathBuf>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A profile cannot be used.
    #[error("profile {name:?} in {}, line {line}: {what}", path.display())]
    Unusable {
        /// Its name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The line where it begins, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

fn in_file(path: Option<&Path>, name: &str, known: &[String]) -> String {
    let Some(path) = path.map(Path::display) else {
        return ": no file with profiles was found; make one with headcount config init, or name it with --config"
            .to_owned();
    };
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    match nearest(name, &names) {
        _ if known.is_empty() => format!(" in {path}, nor any other"),
        Some(likely) if known.len() == 1 => format!(" in {path}; did you mean {likely:?}?"),
        None if known.len() == 1 => format!(" in {path}; there is only {}", known.join(", ")),
        Some(likely) => format!(
            " in {path}; did you mean {likely:?}? There are {}",
            known.join(", ")
        ),
        None => format!(" in {path}; there are {}", known.join(", ")),
    }
}

impl Config {
    /// Where the file is if nobody says: `headcount/config.toml` in the platform's folder for
    /// configurations.
    #[must_use]
    pub fn usual_path() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "headcount")?;
        Some(folders.config_dir().join("config.toml"))
    }

    /// Reads the profiles: those of `path`, or else those at the usual place, where there may be none.
    ///
    /// # Errors
    /// [`ConfigError`], which shows nothing of what the file holds but names.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(at) = path.map(Path::to_owned).or_else(Self::usual_path) else {
            return Ok(Config::default());
        };
        match std::fs::read_to_string(&at) {
            Ok(text) => Self::parse(&text, at),
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Config::default())
            }
            Err(source) => Err(ConfigError::Unreadable { path: at, source }),
        }
    }

    /// Reads the profiles in the text of a file.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub(super) fn parse(text: &str, path: PathBuf) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let wrong = |line, what| ConfigError::Wrong {
            path: path.clone(),
            line,
            what,
        };
        // An error of the parser shows the line, and with it a token that stands there by mistake: only its
        // message is taken.
        let document = Document::parse(text);
        let document = document
            .map_err(|error| wrong(line_at(text, error.span()), error.message().to_owned()))?;
        let lines = document::lines(&document).map_err(|key| wrong(key.line, key.what))?;
        let config: Config = toml_edit::de::from_str(text)
            .map_err(|error| wrong(line_at(text, error.span()), error.message().to_owned()))?;
        Ok(Config {
            path,
            lines,
            ..config
        })
    }

    /// The file; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line on which a key of a profile stands, or else that on which the profile begins.
    #[must_use]
    pub fn line_of(&self, profile: &str, key: &str) -> usize {
        let at = |key: &str| self.lines.get(&(profile.to_owned(), key.to_owned()));
        at(key).or_else(|| at("")).copied().unwrap_or(1)
    }

    /// The names of all profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The profiles of this node, under whatever name it is used, and those of which nobody can tell without asking
    /// Keeper Secrets Manager: to protect one person too many does no harm.
    pub fn of_node(&self, node: &Node) -> impl Iterator<Item = (&str, &Profile)> {
        let base = node.base().clone();
        let same = self.profiles.iter().filter(move |(name, profile)| {
            match self.address_of(name, profile) {
                Ok(Address::Known(other)) => *other.base() == base,
                Ok(Address::InRecord(_)) => true,
                Err(_) => false,
            }
        });
        same.map(|(name, profile)| (name.as_str(), profile))
    }

    /// The profile of a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile, ConfigError> {
        self.profiles.get(name).ok_or_else(|| ConfigError::Unknown {
            name: name.to_owned(),
            path: (!self.path.as_os_str().is_empty()).then(|| self.path.clone()),
            known: self.names().map(str::to_owned).collect(),
        })
    }

    /// Where the token of a profile's node comes from, if it says so.
    #[must_use]
    pub fn token_of(&self, profile: &Profile, node: &Node) -> Option<TokenSource> {
        if let Some(file) = &profile.token_file {
            Some(TokenSource::File(self.beside(file)))
        } else if let Some(name) = &profile.token_env {
            Some(TokenSource::Variable(name.clone()))
        } else if profile.token_keyring == Some(true) {
            Some(TokenSource::Keyring(Account::of(node)))
        } else {
            let record = self.record_of(profile)?;
            let node = Some(Box::new(node.clone()));
            Some(TokenSource::SecretsManager(record, node))
        }
    }

    /// Whom a profile trusts beside the platform's certificate authorities, if it says so.
    #[must_use]
    pub fn ca_cert_of(&self, profile: &Profile) -> Option<PathBuf> {
        Some(self.beside(profile.ca_cert.as_ref()?))
    }

    fn record_of(&self, profile: &Profile) -> Option<Record> {
        let uid = profile.ksm.as_ref()?;
        let config = profile.ksm_config.as_ref();
        Some(Record::new(uid, config.map(|path| self.beside(path))))
    }

    /// A path that is relative to the folder of the file.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The address of a profile's node.
    ///
    /// # Errors
    /// When it names none, or more than one, or more than one place for the token.
    pub fn address_of(&self, name: &str, profile: &Profile) -> Result<Address, ConfigError> {
        let unusable = |what: String| ConfigError::Unusable {
            name: name.to_owned(),
            path: self.path.clone(),
            line: self.line_of(name, ""),
            what,
        };
        if let [one, other, ..] = profile.token_keys()[..] {
            return Err(unusable(format!("it has both {one} and {other}; keep one")));
        }
        if profile.ksm_config.is_some() && profile.ksm.is_none() {
            return Err(unusable(
                "it has ksm_config, and no ksm with the UID of a record".to_owned(),
            ));
        }
        let node = match (&profile.url, profile.region, &profile.node) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                return Err(unusable(
                    "it has url and region or node; keep one of the two".to_owned(),
                ));
            }
            (Some(url), None, None) => Node::at(url),
            (None, Some(region), Some(node)) => Node::in_region(region, node),
            (None, None, None) if let Some(record) = self.record_of(profile) => {
                return Ok(Address::InRecord(record));
            }
            (None, ..) => {
                return Err(unusable(
                    "it names no node; give region and node, or url".to_owned(),
                ));
            }
        };
        node.map(Address::Known)
            .map_err(|error: NodeError| unusable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{ActiveAs, Capabilities, ChangesBy, LeaversIn, MembershipsBy};

    fn config(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path))
    }

    #[test]
    fn a_profile_names_a_node_and_where_its_token_is() {
        let config = config(
            "[profiles.sales]\nregion = 'eu'\nnode = '12'\ntoken_file = 'sales.token'\nrate = '180/min'\n\
             [profiles.lab]\nurl = 'http://127.0.0.1:80/v2'\ntoken_env = 'LAB'\n",
        )
        .unwrap();
        assert_eq!(config.names().collect::<Vec<_>>(), ["lab", "sales"]);
        let sales = config.profile("sales").unwrap();
        let Ok(Address::Known(node)) = config.address_of("sales", sales) else {
            panic!("an address");
        };
        assert_eq!(
            node.base().as_str(),
            "https://keepersecurity.eu/api/rest/scim/v2/12"
        );
        let Some(TokenSource::File(path)) = config.token_of(sales, &node) else {
            panic!("a file");
        };
        assert!(path.is_absolute() && path.ends_with("sales.token"));
        let lab = config.profile("lab").unwrap();
        let token = config.token_of(lab, &node);
        assert!(matches!(token, Some(TokenSource::Variable(name)) if name == "LAB"));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_token() {
        let said = |text: &str| {
            let error = config(text).unwrap_err().to_string();
            error[error.find(", line").unwrap()..].to_owned()
        };
        let token = said("[profiles.a]\nnode = '1'\ntoken = 'secret'\n");
        assert!(
            token.starts_with(", line 3: unknown key \"token\""),
            "{token}"
        );
        assert!(token.contains("token_file") && !token.contains("secret"));
        assert!(said("[profiles.a]\nregion = 'de'\n").contains("\"de\" is no region"));
        let number = said("[profiles.a]\nnode = '1'\ntimeout = 0\n");
        assert_eq!(number, ", line 3: timeout is 0, and must be from 1 to 3600");
        assert!(!said("[profiles.a]\ntoken_file = secret\n").contains("secret"));
    }

    #[test]
    fn a_profile_may_say_how_its_node_wants_changes_put() {
        let said = config(
            "[profiles.lab]\nurl = 'http://127.0.0.1:80/v2'\n[profiles.lab.dialect]\nmemberships = 'group'\n\
             leavers = 'path'\nactive = 'string'\nchanges = 'put'\n",
        )
        .unwrap();
        let all = Capabilities {
            memberships: Some(MembershipsBy::Group),
            leavers: Some(LeaversIn::Path),
            active: Some(ActiveAs::String),
            changes: Some(ChangesBy::Put),
        };
        assert_eq!(said.profile("lab").unwrap().dialect, all);
        let wrong = config("[profiles.lab.dialect]\nactive = 'number'\n").unwrap_err();
        let words = wrong.to_string();
        assert!(words.contains("`boolean`, `string`, `object`"), "{words}");
    }

    #[test]
    fn a_profile_without_a_node_or_with_two_cannot_be_used() {
        let config =
            config("[profiles.none]\n[profiles.two]\nurl = 'https://x/y'\nnode = '1'\n").unwrap();
        for name in ["none", "two"] {
            let profile = config.profile(name).unwrap();
            assert!(config.address_of(name, profile).is_err(), "{name}");
        }
        let unknown = config.profile("nnoe").unwrap_err().to_string();
        assert!(
            unknown.ends_with("did you mean \"none\"? There are none, two"),
            "{unknown}"
        );
        let only = self::config("[profiles.sales]\n").unwrap();
        let unknown = only.profile("slaes").unwrap_err().to_string();
        assert!(unknown.ends_with("did you mean \"sales\"?"), "{unknown}");
    }

    #[test]
    fn a_token_has_one_place() {
        let keys = [
            "token_file = 'x'",
            "token_env = 'X'",
            "token_keyring = true",
            "ksm = 'UID'",
        ];
        for (at, one) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                let text = format!("\n[profiles.a]\nurl = 'https://x/y'\n{one}\n{other}\n");
                let config = config(&text).unwrap();
                let error = config
                    .address_of("a", config.profile("a").unwrap())
                    .unwrap_err();
                assert!(
                    error.to_string().contains(", line 2: it has both"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn whom_a_profile_protects_whose_node_is_in_a_record_is_protected_on_every_node() {
        let config = config(
            "[profiles.a]\nksm = 'UID'\nprotected = ['ceo@example.com']\n[profiles.b]\nurl = 'https://x/y'\n\
             protected = ['boss@example.com']\n",
        )
        .unwrap();
        let a = config.profile("a").unwrap();
        assert!(matches!(
            config.address_of("a", a),
            Ok(Address::InRecord(_))
        ));
        let on = |url: &str| {
            let node = Node::at(url).unwrap();
            config
                .of_node(&node)
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(on("https://x/y"), ["a", "b"]);
        assert_eq!(on("https://x/z"), ["a"]);
    }
}
