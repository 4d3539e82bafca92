//! Headings as they are compared, and the column that one stands for by its words.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::aliases::{Ambiguous, LANGUAGES, LOGINS, MARKS, OF_OTHERS, WHOLE_OR_PART};
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
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    let slips = match key.len() {
        5..9 if is_plain(key) => 1,
        9.. if is_plain(key) => 2,
        _ => return None,
    };
    let mut found: Option<(usize, Column)> = None;
    let mut is_clear = true;
    for (name, (column, _)) in NAMES.iter() {
        // A word more or less is another heading: "Employee" is no "Employee ID".
        let qualified = key.len() > name.len() + 1 && key.contains(name)
            || name.len() > key.len() + 1 && name.contains(key);
        if qualified || !is_plain(name) || name.len() < 4 {
            continue;
        }
        let distance = strsim::osa_distance(key, name);
        match found {
            _ if distance > slips => {}
            Some((best, _)) if best < distance => {}
            Some((best, other)) if best == distance => is_clear &= other == *column,
            _ => (found, is_clear) = (Some((distance, *column)), true),
        }
    }
    let is_of_others = OF_OTHERS.iter().any(|word| key.contains(word));
    found
        .map(|(_, column)| column)
        .filter(|column| is_clear && !(is_of_others && *column == Column::Email))
}

#[cfg(test)]
mod tests {
    use super::super::aliases;
    use super::*;

    fn column(heading: &str) -> Option<Column> {
        meaning(&key(heading)).map(|(column, _)| column)
    }

    #[test]
    fn case_accents_width_blanks_and_signs_make_no_difference() {
        for (one, other) in [
            ("Prénom", "PRENOM"),
            ("Pre\u{301}nom", "Prénom"),
            ("E-Mail-Adresse", "e mail adresse"),
            ("Ｅ－Ｍａｉｌ", "email"),
            ("ﾒｰﾙｱﾄﾞﾚｽ", "メールアドレス"),
            ("メール　アドレス", "メール・アドレス"),
            ("First Name [Required]", "first_name"),
            ("Email *", "Email:"),
            ("姓（必須）", "姓"),
            ("Nom d’affichage", "Nom d'affichage"),
            ("E\u{2011}Mail", "EMail"),
            ("Straße", "STRASSE"),
        ] {
            assert_eq!(key(one), key(other), "{one}");
        }
        // Dots above kana are letters, not accents; and what tells columns apart is kept.
        for (one, other) in [
            ("バ", "ハ"),
            ("Email 2", "Email"),
            ("Employee #", "Employee"),
        ] {
            assert_ne!(key(one), key(other), "{one}");
        }
    }

    #[test]
    fn no_name_stands_for_two_columns() {
        let mut seen: HashMap<String, Column> = HashMap::new();
        let languages = aliases::LANGUAGES.into_iter().flatten();
        let named =
            languages.flat_map(|(column, names)| names.iter().map(move |name| (*column, *name)));
        let logins = LOGINS.iter().map(|name| (Column::Email, *name));
        let proper = Column::ALL.map(|column| (column, column.name()));
        for (column, name) in named.chain(logins).chain(proper) {
            let other = *seen.entry(key(name)).or_insert(column);
            assert_eq!(other, column, "{name}");
            assert!(ambiguous(&key(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn german_without_umlauts_is_understood() {
        for heading in [
            "Geschäftliche E-Mail",
            "Geschaeftliche E-Mail",
            "Geschaftliche E-Mail",
            "PRIMAERE E-MAIL-ADRESSE",
        ] {
            assert_eq!(column(heading), Some(Column::Email), "{heading}");
        }
    }

    /// What must never be taken for a column: a wrong guess makes accounts with wrong names.
    const OTHERS: &[&str] = &[
        "sAMAccountName",
        "User ID",
        "UserID",
        "Object Id",
        "objectGUID",
        "SID",
        "DistinguishedName",
        "Manager email",
        "Manager Email Address",
        "Supervisor Email",
        "Personal email",
        "Email (Personal)",
        "Private E-Mail",
        "E-Mail privat",
        "E-Mail (privat)",
        "Private E-Mail-Adresse",
        "Home Email",
        "Email - Home",
        "Email - Primary Home",
        "Recovery Email",
        "Home Secondary Email",
        "Work Secondary Email",
        "Alternate email address",
        "Secondary email",
        "Other Email",
        "Email 2",
        "E-mail 2 Address",
        "Personal Contact: Personal Email",
        "E-mail personnel",
        "Adresse e-mail personnelle",
        "Courriel personnel",
        "Correo personal",
        "Correo electrónico personal",
        "Correo del jefe",
        "個人メールアドレス",
        "上司メールアドレス",
        "緊急連絡先メールアドレス",
        "自宅メールアドレス",
        "Middle Name",
        "Preferred Name",
        "Preferred First Name",
        "Rufname",
        "Geburtsname",
        "Nom de naissance",
        "Segundo apellido",
        "Segundo nombre",
        "Apellido materno",
        "フリガナ",
        "セイ",
        "メイ",
        "姓（カナ）",
        "名（カナ）",
        "ミドルネーム",
        "Status",
        "Employment Status",
        "Status [READ ONLY]",
        "New Status [UPLOAD ONLY]",
        "在籍",
        "Block sign in (Yes/No) [accountEnabled] Required",
        "Block credential",
        "Department",
        "Abteilung",
        "Service",
        "Departamento",
        "部署",
        "部門",
        "Job Title",
        "Business Title",
        "Position",
        "Location",
        "Office",
        "Division",
        "Manager",
        "Vorgesetzter",
        "Hire Date",
        "Start Date",
        "Eintrittsdatum",
        "入社日",
        "Country",
        "Phone",
        "Mobile",
        "Work Phone",
        "Cost Center",
        "Gender",
        "Salary",
        "Notes",
        "Password [Required]",
        "Org Unit Path [Required]",
        "Employee Type",
        "Worker",
        "Employee",
        "Company",
        "Username Hint",
        "Title",
        "Anrede",
        "Street address",
        "City",
        "Postal code",
        "Licenses",
    ];

    #[test]
    fn other_peoples_addresses_and_parts_of_names_are_left_alone() {
        for heading in OTHERS {
            assert_eq!(column(heading), None, "{heading}");
            assert!(ambiguous(&key(heading)).is_none(), "{heading}");
        }
    }

    #[test]
    fn slips_of_the_pen_get_a_suggestion_and_other_columns_do_not() {
        for (heading, column) in [
            ("Emial", Column::Email),
            ("Emails", Column::Email),
            ("E-Mail Adress", Column::Email),
            ("Frist Name", Column::FirstName),
            ("Frist Nmae", Column::FirstName),
            ("Vornahme", Column::FirstName),
            ("Nachnahme", Column::LastName),
            ("Surename", Column::LastName),
            ("Apelidos", Column::LastName),
            ("Employe Number", Column::ExternalId),
            ("Personalnumer", Column::ExternalId),
        ] {
            assert_eq!(near(&key(heading)), Some(column), "{heading}");
        }
        for heading in OTHERS {
            assert_eq!(near(&key(heading)), None, "{heading}");
        }
    }
}
