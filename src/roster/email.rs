//! Email addresses, and what people write instead of them.
//!
//! An address may have letters of any language on both sides of the `@` (RFC 6531). It is sent to the
//! node as it was typed, with its letters composed (NFC), since a `userName` is a name and not a route
//! for mail: the domain is not turned into its ASCII form (`xn--…`), which nobody would recognise in a list of
//! users. Compared are addresses without regard to case; the two forms of a domain are two names, as they
//! are to the node.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use email_address::{EmailAddress, Options};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::sheet::is_blank;

/// An email address as it was written. Two that differ in case only are the same.
#[derive(Debug, Clone, Eq)]
pub struct Email(String);

/// Not an email address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an email address ({why}); write {}", suggestion.as_deref().map_or(
    "it like name@example.com".to_owned(), |suggestion| format!("only {suggestion}")))]
pub struct EmailError {
    why: String,
    /// The address that seems to be meant.
    suggestion: Option<String>,
}

/// The longest address that mail can be sent to, in bytes (RFC 5321, section 4.5.3.1.3).
const LONGEST: usize = 254;

impl Email {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case, for comparing.
    #[must_use]
    pub fn folded(&self) -> Cow<'_, str> {
        if self.0.chars().any(char::is_uppercase) {
            self.0.to_lowercase().into()
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

impl TryFrom<&str> for Email {
    type Error = EmailError;

    fn try_from(text: &str) -> Result<Self, EmailError> {
        let text = if is_nfc(text) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(text.nfc().collect())
        };
        match flaw(&text) {
            None => Ok(Email(text.into_owned())),
            Some(why) => Err(EmailError {
                why,
                suggestion: meant(&text),
            }),
        }
    }
}

impl EmailError {
    /// The address that seems to be meant, if one does.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

/// Why a text is no address, if it is none.
fn flaw(text: &str) -> Option<String> {
    let why = |why: &str| Some(why.to_owned());
    if text.len() > LONGEST {
        return Some(format!("longer than {LONGEST} characters"));
    }
    if text.contains(['<', '>']) {
        return why("there is more in the cell than the address");
    }
    if text.matches('@').count() > 1 && text.contains([';', ',', ' ', '/']) {
        return why("there is more than one address in the cell, and a row is about one person");
    }
    if text.contains(is_blank) {
        return why("there is a blank or an invisible character in it");
    }
    if !text.is_ascii() && text.nfkc().ne(text.chars()) {
        return why("there are letters of another width or form in it");
    }
    if has_scheme(text) {
        return why("it is a link");
    }
    if text.ends_with([';', ',', '.', ':']) {
        return why("there is a sign after it");
    }
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    if let Err(error) = EmailAddress::parse_with_options(text, options) {
        return Some(in_passing(&error.to_string()));
    }
    let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !domain.is_ascii() && idna::domain_to_ascii_strict(domain).is_err() {
        return why("there can be no domain of this name");
    }
    None
}

fn has_scheme(text: &str) -> bool {
    let scheme = "mailto:";
    text.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// The address that a text holds besides what does not belong there. Letters are never guessed.
fn meant(text: &str) -> Option<String> {
    let signs =
        |c: char| is_blank(c) || matches!(c, ';' | ',' | '.' | ':' | '\'' | '"' | '(' | ')');
    let plain: String = text.nfkc().collect();
    let mut rest = plain.as_str();
    if let Some((_, inside)) = rest.split_once('<') {
        rest = inside.split_once('>').map_or(inside, |(inside, _)| inside);
    }
    rest = rest.trim_matches(signs);
    if has_scheme(rest) {
        rest = rest["mailto:".len()..].trim_matches(signs);
    }
    // Blanks between words may hide a letter; those that nobody sees, or beside the @, do not.
    let (name, domain) = rest.split_once('@')?;
    let name = name.trim_end_matches(is_blank);
    let domain = domain.trim_start_matches(is_blank);
    let is_invisible = |c: &char| is_blank(*c) && !c.is_whitespace();
    let meant: String = format!("{name}@{domain}")
        .chars()
        .filter(|c| !is_invisible(c))
        .collect();
    (meant != text && flaw(&meant).is_none()).then_some(meant)
}

/// A sentence as it stands between brackets.
fn in_passing(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Email {
        Email::try_from(text).unwrap_or_else(|error| panic!("{text:?} {error}"))
    }

    #[test]
    fn emails_are_compared_without_regard_to_case() {
        assert_eq!(email("Ann.Lee@Example.com"), email("ann.lee@example.COM"));
        assert_eq!(email("Ann@Example.com").to_string(), "Ann@Example.com");
        assert_ne!(email("ann@example.com"), email("ann@example.org"));
        assert_eq!(
            email("JÜRGEN@müller.example").folded(),
            "jürgen@müller.example"
        );
    }

    #[test]
    fn letters_of_any_language_stay_as_they_were_typed() {
        for text in [
            "zoë@müller.example",
            "用户@例子.中国",
            "иван@пример.рф",
            "info@xn--mller-kva.example",
            "o'hara+tag@sub.example.co.uk",
        ] {
            assert_eq!(email(text).as_str(), text);
        }
        // Composed or not, they are the same letters.
        let decomposed = email("zoe\u{308}@mu\u{308}ller.example");
        assert_eq!(decomposed.as_str(), "zoë@müller.example");
        assert_eq!(decomposed, email("ZOË@Müller.example"));
        assert_ne!(email("a@müller.example"), email("a@xn--mller-kva.example"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@localhost",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@@example.com",
            "ann@mü_ller.example",
            "ann@-müller.example",
            "ann@mül\u{2028}ler.example",
        ] {
            let error = Email::try_from(text).unwrap_err();
            assert_eq!(error.suggestion(), None, "{text:?}");
        }
        assert!(Email::try_from(format!("ann@{}.com", "x".repeat(300)).as_str()).is_err());
    }

    #[test]
    fn what_stands_around_an_address_is_said_and_not_taken_away_in_silence() {
        for text in [
            "Ann Lee <ann@example.com>",
            "<ann@example.com>",
            "\"Lee, Ann\" <ann@example.com>;",
            "ann@example.com;",
            "ann@example.com,",
            "ann@example.com.",
            "mailto:ann@example.com",
            "MAILTO:ann@example.com",
            "'ann@example.com'",
            "(ann@example.com)",
            "ann＠example.com",
            "ａｎｎ@example.com",
            "ann@ example.com",
            "an\u{200b}n@example.com",
            "ann@exam\u{ad}ple.com",
        ] {
            match Email::try_from(text) {
                // RFC 5322 allows quotation marks and apostrophes in a name.
                Ok(email) => panic!("{text:?} is {email}"),
                Err(error) => assert_eq!(error.suggestion(), Some("ann@example.com"), "{text:?}"),
            }
        }
    }

    #[test]
    fn two_addresses_are_not_one() {
        for text in [
            "ann@example.com, bob@example.com",
            "a@example.com;b@example.com",
        ] {
            let error = Email::try_from(text).unwrap_err();
            assert!(
                error.to_string().contains("more than one address"),
                "{error}"
            );
            assert_eq!(error.suggestion(), None);
        }
    }
}
