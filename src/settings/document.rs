//! The file with the profiles as text: which keys there are, and on which line each stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Document, Key, Table, TableLike, Value};

use crate::wording::nearest_as;

/// What a profile may say. `tests/cli/config.rs` holds the reference against it.
pub const KEYS: [&str; 18] = [
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
    "concurrency",
    "timeout",
    "connect_timeout",
    "ca_cert",
    "proxy",
    "protected",
    "map",
    "dialect",
];

/// What `[profiles.NAME.dialect]` may say.
const DIALECT: [&str; 4] = ["memberships", "leavers", "active", "changes"];

/// On which line, from 1, each key of each profile stands; the empty key is the profile itself.
pub(super) type Lines = BTreeMap<(String, String), usize>;

/// A key that means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownKey {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong, and which key may be meant.
    pub(super) what: String,
}

/// The line on which something stands.
pub(super) fn line_at(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.map_or(1, |before| before.matches('\n').count() + 1)
}

/// Where the keys of all profiles stand.
///
/// # Errors
/// When one of them is none that there is. What it is set to is not shown: it may be a token.
pub(super) fn lines(document: &Document<&str>) -> Result<Lines, UnknownKey> {
    let text = document.raw();
    let mut lines = Lines::new();
    known(text, document.as_table(), &["profiles"])?;
    let profiles = document
        .get("profiles")
        .and_then(|item| item.as_table_like());
    for (name, profile, at) in entries(profiles) {
        lines.insert((name.clone(), String::new()), line_at(text, at));
        let profile = profile.as_table_like();
        if let Some(profile) = profile {
            known(text, profile, &KEYS)?;
        }
        for (key, value, at) in entries(profile) {
            if key == "dialect"
                && let Some(dialect) = value.as_table_like()
            {
                known(text, dialect, &DIALECT)?;
            }
            lines.insert((name.clone(), key), line_at(text, at));
        }
    }
    Ok(lines)
}

/// The keys of a table, what they are set to, and where they stand.
fn entries(
    table: Option<&dyn TableLike>,
) -> impl Iterator<Item = (String, &toml_edit::Item, Option<Range<usize>>)> {
    table.into_iter().flat_map(|table| {
        table.iter().map(|(name, item)| {
            let header = item.as_table().and_then(Table::span);
            let at = table.key(name).and_then(Key::span);
            let value = item.as_value().and_then(Value::span);
            (name.to_owned(), item, at.or(header).or(value))
        })
    })
}

fn known(text: &str, table: &dyn TableLike, names: &[&str]) -> Result<(), UnknownKey> {
    for (key, _, at) in entries(Some(table)) {
        if names.contains(&key.as_str()) {
            continue;
        }
        let advice = match nearest(&key, names) {
            _ if key == "token" => {
                ". A token does not belong in this file: store it with \"headcount login\", or \
                put it into a file of its own, and name that with token_file"
                    .to_owned()
            }
            Some(name) => format!("; did you mean {name:?}?"),
            None => format!("; there are {}", names.join(", ")),
        };
        return Err(UnknownKey {
            line: line_at(text, at),
            what: format!("unknown key {key:?}{advice}"),
        });
    }
    Ok(())
}

/// The name that somebody may have meant.
#[must_use]
pub fn nearest<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    let fold = |name: &str| name.to_lowercase().replace('-', "_");
    nearest_as(fold, word, names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (usize, String) {
        let error = lines(&Document::parse(text).unwrap()).unwrap_err();
        (error.line, error.what)
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        for (text, line, words) in [
            (
                "[profile.a]\n",
                1,
                "unknown key \"profile\"; did you mean \"profiles\"?",
            ),
            (
                "# x\n[profiles.a]\nregoin = 'eu'\n",
                3,
                "did you mean \"region\"?",
            ),
            (
                "[profiles.a]\ntoken-file = 'x'\n",
                2,
                "did you mean \"token_file\"?",
            ),
            (
                "[profiles]\na = { nodes = '1' }\n",
                2,
                "did you mean \"node\"?",
            ),
            (
                "[profiles.a.dialect]\n\nactiv = 'x'\n",
                3,
                "did you mean \"active\"?",
            ),
            (
                "[profiles.a]\nshoe_size = 3\n",
                2,
                "there are region, node, url",
            ),
        ] {
            let (at, what) = said(text);
            assert_eq!(at, line, "{text}");
            assert!(what.contains(words), "{what}");
        }
    }

    #[test]
    fn the_value_of_an_unknown_key_is_not_shown() {
        let (_, what) = said("[profiles.a]\ntoken = 'secret'\n");
        assert!(
            what.contains("headcount login") && !what.contains("secret"),
            "{what}"
        );
    }

    #[test]
    fn every_key_of_every_profile_has_its_line() {
        let text = "[profiles.a]\nregion = 'eu'\n\n[profiles.a.map]\nRole = 'ignore'\n[profiles]\nb = { url = 'x' }\n";
        let lines = lines(&Document::parse(text).unwrap()).unwrap();
        let at = |profile: &str, key: &str| lines[&(profile.to_owned(), key.to_owned())];
        assert_eq!(at("a", ""), 1);
        assert_eq!(at("a", "region"), 2);
        assert_eq!(at("a", "map"), 4);
        assert_eq!(at("b", "url"), 7);
    }
}
