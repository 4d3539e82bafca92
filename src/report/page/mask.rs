//! Names and emails made unreadable, and text made harmless to look at.

use std::collections::HashMap;

/// Whether names and emails are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// As they are.
    #[default]
    Off,
    /// As `a***@e***.com`: enough to know somebody again within one report, and no more.
    On,
}

/// Shows the same person in the same way throughout one report.
#[derive(Debug)]
pub(super) struct Masker {
    mask: Mask,
    given: HashMap<String, String>,
    /// How many different texts look like this.
    alike: HashMap<String, u32>,
}

impl Masker {
    pub(super) fn new(mask: Mask) -> Self {
        Masker {
            mask,
            given: HashMap::new(),
            alike: HashMap::new(),
        }
    }

    /// An email, a name, or whatever stands in its place.
    pub(super) fn person(&mut self, text: &str) -> String {
        match self.mask {
            Mask::Off => visible(text),
            Mask::On => visible(&self.masked(text)),
        }
    }

    /// A sentence that may name somebody: by an email, or by one of the texts in `personal`.
    pub(super) fn sentence(&mut self, text: &str, personal: &[String]) -> String {
        if self.mask == Mask::Off {
            return visible(text);
        }
        let mut personal: Vec<&str> = personal.iter().map(String::as_str).collect();
        // What holds another one comes first.
        personal.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let begins = !masked.ends_with(|last: char| last.is_alphanumeric());
            let named = personal.iter().find(|name| begins && starts(rest, name));
            if let Some(name) = named {
                let (found, behind) = rest.split_at(name.len());
                masked.push_str(&self.masked(found));
                rest = behind;
                continue;
            }
            let word = rest.find(|c| !is_of_email(c)).unwrap_or(rest.len());
            let word = rest[..word].trim_end_matches('.');
            if begins && word.contains('@') {
                masked.push_str(&self.masked(word));
                rest = &rest[word.len()..];
                continue;
            }
            let first = rest.chars().next().map_or(1, char::len_utf8);
            masked.push_str(&rest[..first]);
            rest = &rest[first..];
        }
        visible(&masked)
    }

    /// The mask of a text; another one for each, whatever they are made of.
    fn masked(&mut self, text: &str) -> String {
        // Upper and lower case are the same person.
        let key = text.to_lowercase();
        if let Some(given) = self.given.get(&key) {
            return given.clone();
        }
        let mask = mask_of(&key, text);
        let alike = self.alike.entry(mask.to_lowercase()).or_default();
        *alike += 1;
        let mask = match *alike {
            1 => mask,
            alike => format!("{mask} ({alike})"),
        };
        self.given.insert(key, mask.clone());
        mask
    }
}

/// Whether `text` begins with the word `name`, and not with a longer one.
fn starts(text: &str, name: &str) -> bool {
    let behind = text.strip_prefix(name);
    behind.is_some_and(|behind| !behind.starts_with(char::is_alphanumeric))
}

fn is_of_email(c: char) -> bool {
    c.is_alphanumeric() || ".@_%+-&".contains(c)
}

fn mask_of(folded: &str, text: &str) -> String {
    let first = |text: &str| {
        format!(
            "{}***",
            text.chars().next().map(String::from).unwrap_or_default()
        )
    };
    match folded.split_once('@') {
        Some((local, domain)) => {
            let last = domain.rsplit_once('.').map_or("", |(_, last)| last);
            format!("{}@{}.{last}", first(local), first(domain))
        }
        None => {
            let words: Vec<String> = text.split_whitespace().map(first).collect();
            words.join(" ")
        }
    }
}

/// The text with everything in sight: characters that turn the order of others around, so that a name can
/// look like another one, and those that no page may hold.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => " ".to_owned(),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => format!("[U+{:04X}]", c as u32),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => "\u{fffd}".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_are_known_again_and_told_apart() {
        let mut masker = Masker::new(Mask::On);
        assert_eq!(masker.person("jane@example.com"), "j***@e***.com");
        assert_eq!(masker.person("john@example.com"), "j***@e***.com (2)");
        assert_eq!(masker.person("Jane@Example.com"), "j***@e***.com");
        assert_eq!(masker.person("Ann Lee"), "A*** L***");
        assert_eq!(masker.person("zoë@müller.example"), "z***@m***.example");
        assert_eq!(masker.person("no-email@"), "n***@***.");
        assert_eq!(
            Masker::new(Mask::Off).person("jane@example.com"),
            "jane@example.com"
        );
    }

    #[test]
    fn a_sentence_tells_nobody() {
        let mut masker = Masker::new(Mask::On);
        let personal = ["Ann", "Lee", "Ann Lee", "ann@example.com"].map(str::to_owned);
        let told = masker.sentence(
            "Ann Lee <ann@example.com>: taken by bob@example.com. Annual Leeway stays, Lee's not.",
            &personal,
        );
        assert_eq!(
            told,
            "A*** L*** <a***@e***.com>: taken by b***@e***.com. Annual Leeway stays, L***'s not."
        );
    }

    #[test]
    fn nothing_hides() {
        assert_eq!(visible("a\u{202e}moc\u{0}\nb"), "a[U+202E]moc\u{fffd} b");
        // What belongs to a script stays.
        assert_eq!(visible("עברית\u{200f}!"), "עברית\u{200f}!");
    }

    proptest! {
        #[test]
        fn no_email_is_left(local in "[a-z]{2,9}", domain in "[a-z]{2,9}", before in "[^@]{0,9}", after in "[ ,;:!\"<>]") {
            let email = format!("{local}@{domain}.example");
            let text = format!("{before} {email}{after}");
            let told = Masker::new(Mask::On).sentence(&text, &[]);
            prop_assert!(!told.contains(&email), "{}", told);
        }
    }
}
