//! Takes the token out of whatever a node sends back, before anybody else sees it.

use std::fmt;

use bytes::Bytes;
use memchr::memmem::Finder;
use reqwest::header::{HeaderMap, HeaderValue};

/// What stands there instead.
const INSTEAD: &str = "[the token]";

/// A token shorter than this may stand in a text by chance; real ones are several times as long.
const SHORTEST: usize = 12;

/// Knows the token, to find it in answers.
pub(super) struct TokenRedactor {
    /// The token as it is, and as some write it in JSON.
    forms: Vec<Finder<'static>>,
}

impl fmt::Debug for TokenRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil")
    }
}

impl TokenRedactor {
    pub(super) fn of(token: &str) -> Self {
        let mut forms = vec![token.to_owned()];
        if token.contains('/') {
            forms.push(token.replace('/', "\\/"));
        }
        let is_long = |form: &String| form.len() >= SHORTEST;
        let forms = forms.into_iter().filter(is_long);
        TokenRedactor {
            forms: forms.map(|form| Finder::new(&form).into_owned()).collect(),
        }
    }

    /// The bytes without the token; mostly the very same bytes.
    pub(super) fn over(&self, bytes: Bytes) -> Bytes {
        let mut bytes = bytes;
        for form in &self.forms {
            if form.find(&bytes).is_some() {
                bytes = without(&bytes, form).into();
            }
        }
        bytes
    }

    /// Takes the token out of header fields.
    pub(super) fn over_fields(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            for form in &self.forms {
                if form.find(value.as_bytes()).is_some() {
                    let rest = without(value.as_bytes(), form);
                    // What is left of a field is one, too.
                    *value = HeaderValue::from_bytes(&rest)
                        .unwrap_or_else(|_| HeaderValue::from_static(INSTEAD));
                }
            }
        }
    }
}

fn without(bytes: &[u8], form: &Finder<'_>) -> Vec<u8> {
    let mut rest = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in form.find_iter(bytes) {
        rest.extend_from_slice(&bytes[from..at]);
        rest.extend_from_slice(INSTEAD.as_bytes());
        from = at + form.needle().len();
    }
    rest.extend_from_slice(&bytes[from..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_taken_out_wherever_it_stands() {
        let redactor = TokenRedactor::of("abc/defghijklm");
        let over = |text: &'static str| redactor.over(Bytes::from_static(text.as_bytes()));
        assert_eq!(
            over(r#"{"a":"abc/defghijklm","b":"x abc\/defghijklm"}"#),
            r#"{"a":"[the token]","b":"x [the token]"}"#
        );
        assert_eq!(over("abc/defghijkl"), "abc/defghijkl");
        let mut headers = HeaderMap::new();
        headers.insert(
            "location",
            HeaderValue::from_static("/x?t=abc/defghijklm&y"),
        );
        redactor.over_fields(&mut headers);
        assert_eq!(headers["location"], "/x?t=[the token]&y");
        assert!(!format!("{redactor:?}").contains("abc"));
    }

    #[test]
    fn a_short_word_is_left_where_it_stands() {
        let redactor = TokenRedactor::of("secret");
        assert_eq!(redactor.over(Bytes::from_static(b"secretary")), "secretary");
    }
}
