//! Yes and no in cells, in the languages that people write.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::heading;

/// Words for an account that may be used, in each language. The last one is what Excel makes of `TRUE`
/// there.
const YES: [&[&str]; 5] = [
    &["1", "y", "yes", "active", "enabled", "true"],
    &["j", "ja", "aktiv", "aktiviert", "wahr"],
    &["oui", "actif", "active", "activé", "activée", "vrai"],
    &["sí", "activo", "activa", "habilitado", "verdadero"],
    &["はい", "有効", "アクティブ"],
];

/// Words for an account that may not be used, in the same order.
#[rustfmt::skip]
const NO: [&[&str]; 5] = [
    &["0", "n", "no", "locked", "inactive", "disabled", "suspended", "false"],
    &["nein", "gesperrt", "inaktiv", "nicht aktiv", "deaktiviert", "falsch"],
    &["non", "inactif", "inactive", "bloqué", "verrouillé", "désactivé", "désactivée", "faux"],
    &["inactivo", "inactiva", "bloqueado", "bloqueada", "deshabilitado", "falso"],
    &["いいえ", "無効", "ロック"],
];

/// Whether a cell says yes or no.
pub(super) fn yes_or_no(cell: &str) -> Option<bool> {
    static WORDS: LazyLock<HashMap<String, bool>> = LazyLock::new(|| {
        let yes = YES
            .into_iter()
            .flatten()
            .map(|word| (heading::key(word), true));
        let no = NO
            .into_iter()
            .flatten()
            .map(|word| (heading::key(word), false));
        yes.chain(no).collect()
    });
    WORDS.get(&heading::key(cell)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_understood_in_five_languages() {
        for word in [
            "Yes",
            "JA",
            "oui",
            "sí",
            "Si",
            "はい",
            "ｙｅｓ",
            "WAHR",
            "VRAI",
            "VERDADERO",
        ] {
            assert_eq!(yes_or_no(word), Some(true), "{word}");
        }
        for word in [
            "No",
            "nein",
            "non",
            "いいえ",
            "Gesperrt",
            "inactif",
            "désactivé",
            "FAUX",
            "ﾛｯｸ",
        ] {
            assert_eq!(yes_or_no(word), Some(false), "{word}");
        }
        for word in [
            "",
            "maybe",
            "2",
            "on leave",
            "krank",
            "ye s no",
            "x",
            "ausgeschieden",
        ] {
            assert_eq!(yes_or_no(word), None, "{word}");
        }
    }

    #[test]
    fn no_word_says_yes_and_no() {
        for word in YES.into_iter().flatten() {
            assert_eq!(yes_or_no(word), Some(true), "{word}");
        }
    }
}
