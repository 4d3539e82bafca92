//! Settings laid out for people and for programs: what each is, and who said so.

use std::fmt;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{Origin, Presence, Setting, TokenSource};

/// What holds for one node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The profile, if one is used.
    pub profile: Option<String>,
    /// The settings.
    pub settings: Vec<ExplainedSetting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSetting {
    /// Its name.
    pub name: &'static str,
    /// What it is; nothing if it is not set.
    pub value: Option<String>,
    /// Who said so.
    pub from: String,
}

impl Explained {
    /// Adds a setting.
    pub fn say(&mut self, name: &'static str, value: impl Into<Option<String>>, origin: &Origin) {
        self.settings.push(ExplainedSetting {
            name,
            value: value.into(),
            from: origin.to_string(),
        });
    }

    /// Adds a setting that may have been said.
    pub fn say_if<T: ToString>(&mut self, name: &'static str, setting: Option<Setting<T>>) {
        match setting {
            Some(setting) => self.say(name, setting.value.to_string(), &setting.origin),
            None => self.say(name, None, &Origin::Default),
        }
    }

    /// Adds the address that follows from the settings.
    pub fn say_address(&mut self, address: String) {
        self.settings.push(ExplainedSetting {
            name: "address",
            value: Some(address),
            from: "from these".to_owned(),
        });
    }

    /// Adds where the token comes from, and whether it is there; never the token.
    pub fn say_token(&mut self, token: &Setting<TokenSource>) {
        let source = &token.value;
        self.say("token", source.to_string(), &token.origin);
        let (words, from) = match source.presence() {
            Presence::There => ("yes".to_owned(), "looked at"),
            Presence::Missing(why) => (format!("no: {why}"), "looked at"),
            Presence::NotLookedAt(why) => (why, "not looked at"),
        };
        self.settings.push(ExplainedSetting {
            name: "token_there",
            value: Some(words),
            from: from.to_owned(),
        });
    }
}

/// The widest value that moves what stands behind it.
const WIDEST: usize = 40;

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &str| text.width();
        let values = self.settings.iter().filter_map(|row| row.value.as_deref());
        let widest = values.map(width).filter(|width| *width <= WIDEST).max();
        let widest = widest.unwrap_or(1);
        let names = self.settings.iter().map(|row| width(row.name)).max();
        let names = names.unwrap_or(1);
        for row in &self.settings {
            let value = row.value.as_deref().unwrap_or("-");
            let room = " ".repeat(widest.saturating_sub(width(value)));
            writeln!(f, "  {:<names$}  {value}{room}  {}", row.name, row.from)?;
        }
        Ok(())
    }
}
