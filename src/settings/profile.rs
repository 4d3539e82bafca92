//! What a profile says, read and checked key by key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

use super::Region;
use crate::roster::{MappingTarget, Person};
use crate::scim::Capabilities;
use crate::transport::{ProxyChoice, RateSetting};

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
    /// Whether the keyring holds the token.
    pub token_keyring: Option<bool>,
    /// The UID of the record of Keeper Secrets Manager that holds the token, and the address if nothing else
    /// here names it.
    pub ksm: Option<String>,
    /// The file with what lets this program ask for the record; a relative one is beside the configuration.
    pub ksm_config: Option<PathBuf>,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// Never more calls than this.
    #[serde(default, deserialize_with = "rate")]
    pub rate: Option<RateSetting>,
    /// At most this many calls in flight.
    #[serde(default, deserialize_with = "concurrency")]
    pub concurrency: Option<u16>,
    /// How long one call may take, in seconds.
    #[serde(default, deserialize_with = "timeout")]
    pub timeout: Option<u64>,
    /// How long a connection may take to be made, in seconds.
    #[serde(default, deserialize_with = "connect_timeout")]
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
    pub map: BTreeMap<String, MappingTarget>,
    /// How the node wants changes put; what is not said is found out.
    #[serde(default)]
    pub dialect: Capabilities,
}

impl Profile {
    /// The most calls in flight that may be asked for.
    pub const CONCURRENCY: u16 = 1024;

    /// The longest that a call may be let take, in seconds.
    pub const TIMEOUT: u64 = 3600;

    /// The longest that a connection may be let take, in seconds.
    pub const CONNECT_TIMEOUT: u64 = 600;

    /// The keys that say where the token is.
    #[must_use]
    pub fn token_keys(&self) -> Vec<&'static str> {
        let said = [
            ("token_file", self.token_file.is_some()),
            ("token_env", self.token_env.is_some()),
            ("token_keyring", self.token_keyring == Some(true)),
            ("ksm", self.ksm.is_some()),
        ];
        let said = said.into_iter().filter(|(_, said)| *said);
        said.map(|(key, _)| key).collect()
    }
}

fn within<'de, D: Deserializer<'de>>(from: D, most: u64, of: &str) -> Result<u64, D::Error> {
    let number = i64::deserialize(from)?;
    let fits = u64::try_from(number)
        .ok()
        .filter(|number| (1..=most).contains(number));
    fits.ok_or_else(|| {
        serde::de::Error::custom(format!("{of} is {number}, and must be from 1 to {most}"))
    })
}

fn concurrency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let number = within(from, u64::from(Profile::CONCURRENCY), "concurrency")?;
    Ok(u16::try_from(number).ok())
}

fn timeout<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    within(from, Profile::TIMEOUT, "timeout").map(Some)
}

fn connect_timeout<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    within(from, Profile::CONNECT_TIMEOUT, "connect_timeout").map(Some)
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

fn map<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, MappingTarget>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(from)?;
    let map = texts
        .into_iter()
        .map(|(heading, column)| match column.parse() {
            Ok(to) => Ok((heading, to)),
            Err(error) => Err(serde::de::Error::custom(format!("map: {error}"))),
        });
    map.collect()
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RateSetting>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
