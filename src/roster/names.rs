//! Names of people, as they are shown.

/// First and last name in the order in which people are called by them: the family's first where both are
/// written in Chinese, Japanese or Korean letters.
pub(super) fn full_name(given: Option<&str>, family: Option<&str>) -> Option<String> {
    let parts = [given, family].into_iter().flatten();
    let family_first = parts.clone().all(|name| name.chars().all(is_east_asian));
    let mut names: Vec<&str> = parts.collect();
    if family_first {
        names.reverse();
    }
    (!names.is_empty()).then(|| names.join(" "))
}

fn is_east_asian(c: char) -> bool {
    matches!(c,
        // Signs that repeat or close a word, kana, and ideographs in three blocks; Korean syllables.
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3134F}' | '\u{AC00}'..='\u{D7AF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_called_as_their_letters_have_it() {
        for (given, family, whole) in [
            (Some("Ann"), Some("Lee"), Some("Ann Lee")),
            (Some("太郎"), Some("佐々木"), Some("佐々木 太郎")),
            (Some("민준"), Some("김"), Some("김 민준")),
            (Some("Taro"), Some("山田"), Some("Taro 山田")),
            (None, Some("Lee"), Some("Lee")),
            (None, None, None),
        ] {
            assert_eq!(full_name(given, family).as_deref(), whole);
        }
    }
}
