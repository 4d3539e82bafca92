//! Headings as they are compared, and the column that one stands for by its words.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::aliases::{Ambiguous, LANGUAGES, LOGINS, MARKS, WHOLE_OR_PART};
use super::column::Column;
use crate::sheet::trim;

/// A heading without what people write differently: case, accents, the width of letters, blanks and
/// signs, and marks such as `[Required]`.
pub(super) fn key(heading: &str) -> String {
    bare(without_marks(trim(heading)))
}

fn bare(text: &str) -> String {
    let lower = |c: char| c.to_lowercase();
    let is_accent = |c: &char| ('\u{300}'..='\u{36F}').contains(c);
    let mut key = String::with_capacity(text.len());
    // Compatibility first: full-width letters, half-width katakana, ligatures.
    let letters = text.nfkc().flat_map(lower).nfd().filter(|c| !is_accent(c));
    for c in letters.nfc() {
        match c {
            'ß' => key.push_str("ss"),
            'œ' => key.push_str("oe"),
            c if is_sign(c) => {}
            c => key.push(c),
        }
    }
    key
}

/// What stands between words, and is no part of any.
fn is_sign(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '_' | '-'
                | '.'
                | ','
                | ':'
                | ';'
                | '*'
                | '/'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '"'
                | '\''
                | '\u{2010}'
                ..='\u{2015}'
                    | '‘'
                    | '’'
                    | '“'
                    | '”'
                    | '«'
                    | '»'
                    | '°'
                    | '·'
                    | '・'
                    | '、'
                    | '。'
                    | '…'
                    | '「'
                    | '」'
                    | '【'
                    | '】'
        )
}

/// A heading without what a form says of it at its end.
fn without_marks(heading: &str) -> &str {
    static KEYS: LazyLock<Vec<String>> =
        LazyLock::new(|| MARKS.iter().map(|mark| bare(mark)).collect());
    let mut rest = heading;
    loop {
        rest = trim(rest.trim_end_matches(['*', ':', '＊', '：']));
        let inside = [('[', ']'), ('(', ')'), ('（', '）'), ('【', '】')]
            .into_iter()
            .find_map(|(open, close)| rest.strip_suffix(close)?.rsplit_once(open));
        match inside {
            Some((before, mark)) if KEYS.contains(&bare(mark)) => rest = before,
            _ => return rest,
        }
    }
}

/// How sure it is that a heading stands for a column; the smaller, the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// It has the column's name.
    Name,
    /// People and their systems call it so.
    Alias,
    /// It is the name of a login, which most often is an email.
    Login,
}

/// The column that the key of a heading stands for.
pub(super) fn meaning(key: &str) -> Option<(Column, Likeness)> {
    NAMES.get(key).copied()
}

/// The word that a heading is, if what it means depends on what stands beside it.
pub(super) fn ambiguous(key: &str) -> Option<&'static Ambiguous> {
    WHOLE_OR_PART.iter().find(|word| bare(word.name) == key)
}

/// Every name by its key.
static NAMES: LazyLock<HashMap<String, (Column, Likeness)>> = LazyLock::new(|| {
    let proper = Column::ALL.map(|column| (column.name(), (column, Likeness::Name)));
    let languages = LANGUAGES.into_iter().flatten();
    let aliases = languages
        .flat_map(|(column, names)| names.iter().map(|name| (*name, (*column, Likeness::Alias))));
    let logins = LOGINS
        .iter()
        .map(|name| (*name, (Column::Email, Likeness::Login)));
    let mut names = HashMap::new();
    for (name, meaning) in proper.into_iter().chain(aliases).chain(logins) {
        for name in [name.to_owned(), spelled_out(name)] {
            names.entry(bare(&name)).or_insert(meaning);
        }
    }
    names
});

/// A German name as those write it who have no umlauts.
fn spelled_out(name: &str) -> String {
    let mut spelled = String::new();
    for c in name.chars() {
        match c {
            'ä' => spelled.push_str("ae"),
            'ö' => spelled.push_str("oe"),
            'ü' => spelled.push_str("ue"),
            c => spelled.push(c),
        }
    }
    spelled
}

/// The column whose name somebody may have meant to write, if there is one only.
///
/// Slips of the pen, and nothing more: `Private E-Mail` is no slip for `Primary e-mail`, and `Email 2`
/// is another column than `Email`.
pub(super) fn near(key: &str) -> Option<Column> {
    let known = || {
        let words = WHOLE_OR_PART.iter();
        let words = words.map(|word| (bare(word.name), Column::DisplayName));
        let names = NAMES.iter();
        names
            .map(|(name, (column, _))| (name.clone(), *column))
            .chain(words)
    };
    if !key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let slips = match key.len() {
        ..5 => return None,
        5..8 => 1,
        _ => 2,
    };
    let mut found: Option<(usize, Column)> = None;
    let mut is_clear = true;
    for (name, column) in known() {
        let qualified = key.len() > name.len() + 1 && key.contains(&name);
        let distance = strsim::osa_distance(key, &name);
        if qualified || name.len() < 4 || distance > slips {
            continue;
        }
        match found {
            Some((best, _)) if best < distance => {}
            Some((best, other)) if best == distance => is_clear &= other == column,
            _ => (found, is_clear) = (Some((distance, column)), true),
        }
    }
    found.filter(|_| is_clear).map(|(_, column)| column)
}
