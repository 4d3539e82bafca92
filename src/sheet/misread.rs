//! Letters that a program has taken for others: text in UTF-8 that was opened as if it were in another encoding, and saved.

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

/// In what spreadsheet programs open a CSV file without a byte order mark: on Windows, and on a Mac.
const TAKEN_FOR: [&Encoding; 2] = [WINDOWS_1252, MACINTOSH];

/// What a text was before a program has read its UTF-8 in another encoding: `Zoë` for `ZoÃ«`. Nothing of most.
#[must_use]
pub fn before_misread(text: &str) -> Option<String> {
    // Each letter has become at least two that are not in ASCII.
    if text.bytes().filter(|byte| !byte.is_ascii()).count() < 4 {
        return None;
    }
    TAKEN_FOR
        .into_iter()
        .find_map(|encoding| restored(text, encoding))
}

fn restored(text: &str, encoding: &'static Encoding) -> Option<String> {
    let (mut before, mut is_misread) = (String::new(), false);
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(|c: char| !c.is_ascii()).unwrap_or(rest.len());
        before.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let wide = rest.find(|c: char| c.is_ascii()).unwrap_or(rest.len());
        match was(&rest[..wide], encoding) {
            Some(letters) => {
                is_misread = true;
                before.push_str(&letters);
            }
            None => before.push_str(&rest[..wide]),
        }
        rest = &rest[wide..];
    }
    is_misread.then_some(before)
}

/// The letters whose bytes in UTF-8 are these signs in another encoding; only letters of Latin, and signs that stand in names:
/// others come about by chance, as in `JÓŹWIAK`.
fn was(signs: &str, encoding: &'static Encoding) -> Option<String> {
    let (bytes, _, unknown) = encoding.encode(signs);
    let letters = std::str::from_utf8(&bytes).ok()?;
    let is_usual = |c: char| matches!(c, '\u{C0}'..='\u{17F}' | '\u{1E00}'..='\u{1EFF}' | '‘'..='‟' | '–' | '—');
    (!unknown && !letters.is_empty() && letters.chars().all(is_usual)).then(|| letters.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_in_another_encoding_is_restored() {
        for name in [
            "Zoë",
            "Müller-Lüdenscheidt",
            "José María Núñez",
            "Žižek",
            "Łukasz",
            "O’Neill",
            "Nguyễn",
        ] {
            for encoding in TAKEN_FOR {
                let (misread, _) = encoding.decode_without_bom_handling(name.as_bytes());
                assert_eq!(before_misread(&misread).as_deref(), Some(name), "{misread}");
            }
        }
        // Somebody has mended a part of it.
        assert_eq!(before_misread("MÃ¼ller-Bär").as_deref(), Some("Müller-Bär"));
    }

    #[test]
    fn names_are_what_they_are() {
        for name in [
            "Ann",
            "",
            "Zoë",
            "JOÃO",
            "CONCEIÇÃO",
            "JÓŹWIAK",
            "ŁÓDŹ",
            "Voß–Meyer",
            "CAFÉ’S",
            "Đặng",
            "NĂSTASE",
            "Ångström",
            "Đurić",
            "Þórður",
            "李小龍",
            "Ælfræd",
            "Çağlayan",
            "GENÇ’İN",
            "Łukasz Żółć",
            "Ö’Brien",
            "“Zoë”",
            "Weiß„",
        ] {
            assert_eq!(before_misread(name), None, "{name}");
        }
    }
}
