//! Which of several voices counts: a flag before its variable, that before the profile, that before
//! what holds if nobody says anything. The token is the exception, see [`TokenSource`](super::TokenSource).
//!
//! One name stands for a setting everywhere: `role_prefix` is `--role-prefix`, `HEADCOUNT_ROLE_PREFIX` and
//! `role_prefix` in a profile.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Config, Profile};
use crate::transport::RateSetting;

/// How many calls are in flight at the most, unless somebody says otherwise.
const CONCURRENCY: u16 = 8;

/// How long a call may take, in seconds, unless somebody says otherwise.
const TIMEOUT: u64 = 60;

/// Who said what a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line.
    Flag(&'static str),
    /// The flag's variable in the environment.
    Variable(&'static str),
    /// A profile.
    Profile(Spot),
    /// Nobody.
    Default,
}

/// A line of the file with the profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The name of the profile.
    pub profile: String,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// The flag of a setting.
#[must_use]
pub fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// The variable of a setting.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("HEADCOUNT_{}", name.to_uppercase())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => f.write_str(&flag(name)),
            Origin::Variable(name) => f.write_str(&variable(name)),
            Origin::Profile(spot) => write!(
                f,
                "profile {} in {}, line {}",
                spot.profile,
                spot.file.display(),
                spot.line
            ),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// What counts.
    pub value: T,
    /// Who said so.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The same in other words.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: to(self.value),
            origin: self.origin,
        }
    }
}

/// A profile under its name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The file that it stands in.
    pub config: &'a Config,
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub profile: &'a Profile,
}

impl Named<'_> {
    /// The profile as the origin of one of its keys.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        Origin::Profile(Spot {
            profile: self.name.to_owned(),
            file: self.config.path().to_owned(),
            line: self.config.line_of(self.name, key),
        })
    }
}

/// Who may say something, but for the flags and variables themselves.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// The settings that stand on the command line; what else is said, the environment says.
    pub by_flag: &'a BTreeSet<&'static str>,
    /// The profile that is used.
    pub profile: Option<Named<'a>>,
}

impl Layers<'_> {
    /// Who said a setting that a flag or its variable gives.
    #[must_use]
    pub fn said(&self, name: &'static str) -> Origin {
        if self.by_flag.contains(name) {
            Origin::Flag(name)
        } else {
            Origin::Variable(name)
        }
    }

    /// What a setting is: `said` by a flag or its variable, else by the profile, if either says anything.
    #[must_use]
    pub fn settle<T>(
        &self,
        name: &'static str,
        said: Option<T>,
        in_profile: impl FnOnce(&Profile) -> Option<T>,
    ) -> Option<Setting<T>> {
        if let Some(value) = said {
            let origin = self.said(name);
            return Some(Setting { value, origin });
        }
        let named = self.profile?;
        let value = in_profile(named.profile)?;
        let origin = named.origin(name);
        Some(Setting { value, origin })
    }
}

/// What flags and variables say of how a node is used.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// The ceiling.
    pub rate: Option<RateSetting>,
    /// Calls in flight.
    pub concurrency: Option<u16>,
    /// How long a call may take, in seconds.
    pub timeout: Option<u64>,
}

/// How a node is used, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What names of roles begin with, if the node has a prefix.
    pub role_prefix: Setting<Option<String>>,
    /// The ceiling.
    pub rate: Setting<RateSetting>,
    /// How many calls may be in flight, one at least.
    pub concurrency: Setting<u16>,
    /// How long a call may take, a second at least.
    pub timeout: Setting<Duration>,
}

impl Usage {
    /// Settles what is `said` with what the other layers say.
    #[must_use]
    pub fn of(said: Said, layers: &Layers<'_>) -> Self {
        fn or<T>(setting: Option<Setting<T>>, default: T) -> Setting<T> {
            setting.unwrap_or(Setting {
                value: default,
                origin: Origin::Default,
            })
        }
        let role_prefix = layers.settle("role_prefix", said.role_prefix, |profile| {
            profile.role_prefix.clone()
        });
        let rate = layers.settle("rate", said.rate, |profile| profile.rate);
        let concurrency = layers.settle("concurrency", said.concurrency, |profile| {
            profile.concurrency
        });
        let timeout = layers.settle("timeout", said.timeout, |profile| profile.timeout);
        let role_prefix = role_prefix.map(|prefix| prefix.map(Some));
        Usage {
            role_prefix: or(role_prefix, None),
            rate: or(rate, RateSetting::Auto),
            concurrency: or(concurrency, CONCURRENCY),
            timeout: or(timeout, TIMEOUT).map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "[profiles.sales]\nurl = 'https://x/y'\nconcurrency = 3\ntimeout = 120\nrate = '5/s'\n";

    #[test]
    fn a_flag_goes_before_its_variable_that_before_the_profile_that_before_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, FILE).unwrap();
        let config = Config::load(Some(&path)).unwrap();
        let layers = Layers {
            by_flag: &BTreeSet::from(["rate"]),
            profile: Some(Named {
                config: &config,
                name: "sales",
                profile: config.profile("sales").unwrap(),
            }),
        };
        let said = Said {
            rate: Some("9/s".parse().unwrap()),
            concurrency: Some(7),
            ..Said::default()
        };
        let usage = Usage::of(said, &layers);
        assert_eq!(String::from(usage.rate.value), "9/s");
        assert_eq!(usage.rate.origin.to_string(), "--rate");
        assert_eq!(usage.concurrency.value, 7);
        assert_eq!(
            usage.concurrency.origin.to_string(),
            "HEADCOUNT_CONCURRENCY"
        );
        assert_eq!(usage.timeout.value, Duration::from_mins(2));
        let by_profile = format!("profile sales in {}, line 4", path.display());
        assert_eq!(usage.timeout.origin.to_string(), by_profile);
        assert_eq!(usage.role_prefix.value, None);
        assert_eq!(usage.role_prefix.origin.to_string(), "default");
    }
}
