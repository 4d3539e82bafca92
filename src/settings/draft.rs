//! A profile that is about to be written into the file: what stands there stays, comments and all.

use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use super::{Config, ConfigError, Region};
use crate::links::followed;
use crate::transport::RateSetting;

/// A profile to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Where its node is.
    pub location: NodeLocation,
    /// Where the token is, if not in `HEADCOUNT_TOKEN`.
    pub token: TokenAt,
    /// What names of roles begin with.
    pub role_prefix: Option<String>,
    /// The ceiling.
    pub rate: Option<RateSetting>,
}

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeLocation {
    /// In a region, under an id.
    Region(Region, String),
    /// At an address.
    Url(String),
    /// Where the record of Keeper Secrets Manager says.
    InRecord,
}

/// Where a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenAt {
    /// In the keyring.
    Keyring,
    /// In a file.
    File(PathBuf),
    /// In a variable.
    Variable(String),
    /// In a record of Keeper Secrets Manager.
    SecretsManager(String),
    /// In `HEADCOUNT_TOKEN`, or else in the keyring.
    Usual,
}

/// What becomes of a profile of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// What the draft says replaces what it says of the same things; the rest stays.
    Replace,
}

/// Why a profile is not written.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The file is not one that can be added to.
    #[error("{0}. Nothing was written")]
    Config(#[from] ConfigError),
    /// There is one of this name.
    #[error(
        "{}, line {line}: there is a profile {name:?} already; choose another name, or add --replace",
        path.display()
    )]
    Exists {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// The name cannot be used.
    #[error(
        "{0:?} cannot be the name of a profile: names have no commas, no line breaks and no blanks at their ends"
    )]
    BadName(String),
    /// The file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The keys that a draft decides about: one that it does not give is taken out.
const DECIDED: [&str; 10] = [
    "region",
    "node",
    "url",
    "token_file",
    "token_env",
    "token_keyring",
    "ksm",
    "ksm_config",
    "role_prefix",
    "rate",
];

impl Draft {
    /// Checks a name for a profile.
    ///
    /// # Errors
    /// [`DraftError::BadName`].
    pub fn check_name(name: &str) -> Result<(), DraftError> {
        let odd = |c: char| c == ',' || c.is_control();
        if name.is_empty() || name.trim() != name || name.contains(odd) {
            return Err(DraftError::BadName(name.to_owned()));
        }
        Ok(())
    }

    /// Checks that a name is free.
    ///
    /// # Errors
    /// [`DraftError::Exists`], or that the file is not understood.
    pub fn check_free(name: &str, path: &Path) -> Result<(), DraftError> {
        let text = read(path)?;
        Self::check_free_in(&Config::parse(&text, path.to_owned())?, name)
    }

    fn check_free_in(config: &Config, name: &str) -> Result<(), DraftError> {
        if config.profile(name).is_err() {
            return Ok(());
        }
        Err(DraftError::Exists {
            name: name.to_owned(),
            path: config.path().to_owned(),
            line: config.line_of(name, ""),
        })
    }

    /// Writes the profile into the file, which is made if it is not there, and which only its owner may read.
    ///
    /// # Errors
    /// [`DraftError`]; then the file is as it was.
    pub fn write(&self, path: &Path, existing: Existing) -> Result<(), DraftError> {
        Self::check_name(&self.name)?;
        let unwritable = |source| DraftError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let text = read(path)?;
        let config = Config::parse(&text, path.to_owned())?;
        if existing == Existing::Keep {
            Self::check_free_in(&config, &self.name)?;
        }
        let text = self.put_into(&text, path)?;
        // Whatever was put together is read once more before it takes the place of what was there.
        Config::parse(&text, path.to_owned())?;
        replace(path, &text).map_err(unwritable)
    }

    fn put_into(&self, text: &str, path: &Path) -> Result<String, ConfigError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut document: DocumentMut = text.parse().map_err(|_| ConfigError::Wrong {
            path: path.to_owned(),
            line: 1,
            what: "it is not TOML".to_owned(),
        })?;
        // A comment at the end of the file stays in front of what is added behind it.
        let end = document.trailing().as_str().unwrap_or_default().to_owned();
        let profiles = document.entry("profiles").or_insert_with(|| {
            let mut profiles = Table::new();
            // Without a line of its own: [profiles.NAME] says it.
            profiles.set_implicit(true);
            Item::Table(profiles)
        });
        let is_table = profiles.is_table();
        let mut moved = false;
        // It is one, or the file would not have been understood.
        if let Some(profiles) = profiles.as_table_like_mut() {
            if profiles.get(&self.name).is_none() {
                let mut profile = Table::new();
                if is_table && !end.is_empty() {
                    let gap = if end.ends_with("\n\n") { "" } else { "\n" };
                    profile.decor_mut().set_prefix(format!("{end}{gap}"));
                    moved = true;
                }
                profiles.insert(&self.name, Item::Table(profile));
            }
            if let Some(profile) = profiles
                .get_mut(&self.name)
                .and_then(Item::as_table_like_mut)
            {
                self.fill(profile);
            }
        }
        if moved {
            document.set_trailing("");
        }
        Ok(document.to_string())
    }

    fn fill(&self, profile: &mut dyn TableLike) {
        let entries = self.entries();
        for key in DECIDED {
            match entries.iter().find(|(name, _)| *name == key) {
                // In place, so that its comment stays.
                Some((_, to)) => match profile.get_mut(key).and_then(Item::as_value_mut) {
                    Some(old) => {
                        let decor = old.decor().clone();
                        *old = to.clone();
                        *old.decor_mut() = decor;
                    }
                    None => {
                        profile.insert(key, value(to.clone()));
                    }
                },
                None => {
                    profile.remove(key);
                }
            }
        }
    }

    fn entries(&self) -> Vec<(&'static str, Value)> {
        let mut entries: Vec<(&'static str, Value)> = Vec::new();
        match &self.location {
            NodeLocation::Region(region, node) => {
                entries.push(("region", region.name().into()));
                entries.push(("node", node.into()));
            }
            NodeLocation::Url(url) => entries.push(("url", url.into())),
            NodeLocation::InRecord => {}
        }
        match &self.token {
            TokenAt::Keyring => entries.push(("token_keyring", true.into())),
            TokenAt::File(file) => {
                entries.push(("token_file", file.to_string_lossy().into_owned().into()));
            }
            TokenAt::Variable(name) => entries.push(("token_env", name.into())),
            TokenAt::SecretsManager(uid) => entries.push(("ksm", uid.into())),
            TokenAt::Usual => {}
        }
        if let Some(prefix) = &self.role_prefix {
            entries.push(("role_prefix", prefix.into()));
        }
        if let Some(rate) = self.rate {
            entries.push(("rate", String::from(rate).into()));
        }
        entries
    }
}

/// What is in the file; nothing if it is not there.
fn read(path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Puts a text in the place of a file at once, so that there is never half of one. A link stays one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = followed(path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    // That only its owner may read, as it stays.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            name: "sales".to_owned(),
            location: NodeLocation::Region(Region::Eu, "12".to_owned()),
            token: TokenAt::Keyring,
            role_prefix: Some("ROLE_".to_owned()),
            rate: Some("180/min".parse().unwrap()),
        }
    }

    fn written(before: &str, draft: &Draft, existing: Existing) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/config.toml");
        if !before.is_empty() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, before).unwrap();
        }
        match draft.write(&path, existing) {
            Ok(()) => Ok(std::fs::read_to_string(&path).unwrap()),
            Err(error) => {
                let after = std::fs::read_to_string(&path).unwrap_or_default();
                assert_eq!(after, before, "the file is as it was");
                Err(error.to_string())
            }
        }
    }

    #[test]
    fn a_new_file_holds_the_profile_and_nothing_else() {
        let text = written("", &draft(), Existing::Keep).unwrap();
        insta::assert_snapshot!(text, @r#"
        [profiles.sales]
        region = "eu"
        node = "12"
        token_keyring = true
        role_prefix = "ROLE_"
        rate = "180/min"
        "#);
    }

    #[test]
    fn what_stands_in_the_file_stays() {
        let before = "# ours\n[profiles.lab] # the lab\nurl = 'https://x/y'\n\n[profiles.lab.map]\nRole = 'ignore'\n";
        let text = written(before, &draft(), Existing::Keep).unwrap();
        assert!(text.starts_with(before), "{text}");
        assert!(text.contains("[profiles.sales]\nregion = \"eu\""), "{text}");
        let before = "[profiles.lab]\nurl = 'https://x/y'\n# concurrency = 2\n";
        let text = written(before, &draft(), Existing::Keep).unwrap();
        assert!(
            text.starts_with(&format!("{before}\n[profiles.sales]")),
            "{text}"
        );
        // A profile on one line is a profile as well.
        let before = "profiles = { lab = { url = 'https://x/y' } }\n# ours\n";
        let text = written(before, &draft(), Existing::Keep).unwrap();
        assert!(text.contains("# ours"), "{text}");
        assert!(
            Config::parse(&text, PathBuf::new())
                .unwrap()
                .names()
                .eq(["lab", "sales"])
        );
    }

    #[test]
    fn a_profile_is_replaced_only_when_told_and_keeps_what_the_draft_does_not_decide() {
        let before = "[profiles.sales]\n# where they sit\nregion = 'us' # for now\nnode = '9'\ntoken_file = 'x'\n\
                      protected = ['ceo@example.com']\n\n[profiles.sales.map]\nRole = 'ignore'\n";
        let refused = written(before, &draft(), Existing::Keep).unwrap_err();
        assert!(
            refused.contains(", line 1: there is a profile \"sales\" already"),
            "{refused}"
        );
        let text = written(before, &draft(), Existing::Replace).unwrap();
        insta::assert_snapshot!(text, @r#"
        [profiles.sales]
        # where they sit
        region = "eu" # for now
        node = "12"
        protected = ['ceo@example.com']
        token_keyring = true
        role_prefix = "ROLE_"
        rate = "180/min"

        [profiles.sales.map]
        Role = 'ignore'
        "#);
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_touched() {
        let refused = written("[profiles.a]\nnode = \n", &draft(), Existing::Replace).unwrap_err();
        assert!(
            refused.contains(", line 2: ") && refused.ends_with("Nothing was written"),
            "{refused}"
        );
        let refused = written("[profiles.a]\nnoed = '1'\n", &draft(), Existing::Keep).unwrap_err();
        assert!(refused.contains("did you mean \"node\"?"), "{refused}");
    }

    #[test]
    fn odd_names_are_written_so_that_they_are_read_back() {
        for name in ["Köln Süd", "a.b", "\"x\""] {
            let draft = Draft {
                name: name.to_owned(),
                ..draft()
            };
            let text = written("", &draft, Existing::Keep).unwrap();
            assert!(
                Config::parse(&text, PathBuf::new())
                    .unwrap()
                    .profile(name)
                    .is_ok(),
                "{text}"
            );
        }
        for name in ["", " a", "a,b", "a\nb"] {
            assert!(Draft::check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn only_its_owner_may_read_it_and_a_link_stays_one() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.toml"), dir.path().join("config.toml"));
        std::fs::write(&file, "# ours\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        draft().write(&link, Existing::Keep).unwrap();
        assert!(link.is_symlink());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .starts_with("# ours\n")
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_a_file_that_is_not_there_yet_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("config.toml");
        std::os::unix::fs::symlink("real.toml", &link).unwrap();
        draft().write(&link, Existing::Keep).unwrap();
        assert!(link.is_symlink());
        let written = std::fs::read_to_string(dir.path().join("real.toml")).unwrap();
        assert!(written.contains("[profiles.sales]"), "{written}");
    }
}
