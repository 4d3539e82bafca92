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

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

use super::{Node, NodeError, Region, TokenSource};
use crate::pace::{ProxyChoice, Tempo};
use crate::roster::{Person, Target};
use crate::scim::Dialect;

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
}

/// A node under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The region of the tenant.
    #[serde(default, deserialize_with = "region")]
    pub region: Option<Region>,
    /// The node's id.
    pub node: Option<String>,
    /// The node's whole address, instead of region and node.
    pub url: Option<String>,
    /// The file that holds the token; a relative one is beside the configuration.
    pub token_file: Option<PathBuf>,
    /// The variable that holds the token.
    pub token_env: Option<String>,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// Never more calls than this.
    #[serde(default, deserialize_with = "rate")]
    pub rate: Option<Tempo>,
    /// At most this many calls in flight.
    pub concurrency: Option<u16>,
    /// How long one call may take, in seconds.
    pub timeout: Option<u64>,
    /// How long a connection may take to be made, in seconds.
    pub connect_timeout: Option<u64>,
    /// The file with the certificate authorities to trust beside the platform's; a relative one is beside the
    /// configuration.
    pub ca_cert: Option<PathBuf>,
    /// The proxy to call through.
    pub proxy: Option<ProxyChoice>,
    /// Who is never locked or deleted, by email or id.
    #[serde(default, deserialize_with = "people")]
    pub protected: Vec<Person>,
    /// What headings of files for the node stand for.
    #[serde(default, deserialize_with = "map")]
    pub map: BTreeMap<String, Target>,
    /// How the node wants changes put; what is not said is found out.
    #[serde(default)]
    pub dialect: Dialect,
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
    #[error("{}, line {line}: {what}{advice}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// There is no such profile.
    #[error("there is no profile {name:?}{}", in_file(path.as_deref(), known))]
    Unknown {
        /// The name.
        name: String,
        /// The file.
        path: Option<PathBuf>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A profile cannot be used.
    #[error("profile {name:?} in {}: {what}", path.display())]
    Unusable {
        /// Its name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

fn in_file(path: Option<&Path>, known: &[String]) -> String {
    match (path, known) {
        (None, _) => ": no file with profiles was found; name it with --config".to_owned(),
        (Some(path), []) => format!(" in {}, nor any other", path.display()),
        (Some(path), known) => format!(" in {}; there are {}", path.display(), known.join(", ")),
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
        let text = match std::fs::read_to_string(&at) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Config::default());
            }
            Err(source) => return Err(ConfigError::Unreadable { path: at, source }),
        };
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        match toml::from_str::<Config>(text) {
            Ok(config) => Ok(Config { path: at, ..config }),
            // The error itself would show the line, and with it a token that stands there by mistake.
            Err(error) => {
                let before = error.span().and_then(|span| text.get(..span.start));
                let what = error.message().to_owned();
                let advice = if what.contains("`token`") {
                    ". A token does not belong in this file: put it into a file of its own, and name that with token_file"
                } else {
                    ""
                };
                Err(ConfigError::Wrong {
                    path: at,
                    line: before.map_or(1, |before| before.matches('\n').count() + 1),
                    what,
                    advice,
                })
            }
        }
    }

    /// The names of all profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Who is protected by any profile of this node, under whatever name it is used.
    pub fn protected_on(&self, node: &Node) -> impl Iterator<Item = &Person> {
        let base = node.base().clone();
        let same =
            self.profiles
                .iter()
                .filter(move |(name, profile)| match self.node_of(name, profile) {
                    Ok(other) => *other.base() == base,
                    Err(_) => false,
                });
        same.flat_map(|(_, profile)| &profile.protected)
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

    /// Where a profile's token comes from, if it says so.
    #[must_use]
    pub fn token_of(&self, profile: &Profile) -> Option<TokenSource> {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        let file = profile.token_file.as_ref();
        file.map(|file| TokenSource::File(beside.join(file)))
            .or_else(|| profile.token_env.clone().map(TokenSource::Variable))
    }

    /// Whom a profile trusts beside the platform's certificate authorities, if it says so.
    #[must_use]
    pub fn ca_cert_of(&self, profile: &Profile) -> Option<PathBuf> {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        profile.ca_cert.as_ref().map(|file| beside.join(file))
    }

    /// The address of a profile's node.
    ///
    /// # Errors
    /// When it names none, or more than one.
    pub fn node_of(&self, name: &str, profile: &Profile) -> Result<Node, ConfigError> {
        let unusable = |what: String| ConfigError::Unusable {
            name: name.to_owned(),
            path: self.path.clone(),
            what,
        };
        if profile.token_file.is_some() && profile.token_env.is_some() {
            return Err(unusable(
                "it has both token_file and token_env; keep one".to_owned(),
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
            (None, ..) => {
                return Err(unusable(
                    "it names no node; give region and node, or url".to_owned(),
                ));
            }
        };
        node.map_err(|error: NodeError| unusable(error.to_string()))
    }
}

fn region<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Region>, D::Error> {
    let text = String::deserialize(from)?;
    let region = Region::from_str(&text, true);
    region.map(Some).map_err(|_| {
        serde::de::Error::custom(format!(
            "{text:?} is no region; there are us, eu, au, jp, ca and gov"
        ))
    })
}

fn people<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Person>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let people = texts.iter().map(|text| text.parse());
    people
        .collect::<Result<_, _>>()
        .map_err(|error| serde::de::Error::custom(format!("protected: {error}")))
}

fn map<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Target>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(from)?;
    let map = texts
        .into_iter()
        .map(|(heading, column)| match column.parse() {
            Ok(to) => Ok((heading, to)),
            Err(error) => Err(serde::de::Error::custom(format!("map: {error}"))),
        });
    map.collect()
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Tempo>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{ActiveAs, ChangesBy, LeaversIn, MembershipsBy};

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
        let node = config.node_of("sales", sales).unwrap();
        assert_eq!(
            node.base().as_str(),
            "https://keepersecurity.eu/api/rest/scim/v2/12"
        );
        let Some(TokenSource::File(path)) = config.token_of(sales) else {
            panic!("a file");
        };
        assert!(path.is_absolute() && path.ends_with("sales.token"));
        let lab = config.profile("lab").unwrap();
        assert_eq!(
            config.token_of(lab),
            Some(TokenSource::Variable("LAB".into()))
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_a_token() {
        let said = |text: &str| {
            let error = config(text).unwrap_err().to_string();
            error[error.find(", line").unwrap()..].to_owned()
        };
        let token = said("[profiles.a]\nnode = '1'\ntoken = 'secret'\n");
        assert!(
            token.starts_with(", line 3: unknown field `token`"),
            "{token}"
        );
        assert!(token.contains("token_file") && !token.contains("secret"));
        assert!(said("[profiles.a]\nregion = 'de'\n").contains("\"de\" is no region"));
        assert!(said("[profile.a]\nregion = 'eu'\n").contains("expected `profiles`"));
        assert!(!said("[profiles.a]\ntoken_file = secret\n").contains("secret"));
    }

    #[test]
    fn a_profile_may_say_how_its_node_wants_changes_put() {
        let said = config(
            "[profiles.lab]\nurl = 'http://127.0.0.1:80/v2'\n[profiles.lab.dialect]\nmemberships = 'group'\n\
             leavers = 'path'\nactive = 'string'\nchanges = 'put'\n",
        )
        .unwrap();
        let all = Dialect {
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
            assert!(config.node_of(name, profile).is_err(), "{name}");
        }
        let unknown = config.profile("nnoe").unwrap_err().to_string();
        assert!(unknown.ends_with("there are none, two"), "{unknown}");
    }
}
