//! The words, texts and brackets of a filter, each with its place.

/// Where it goes wrong, in bytes, and how.
pub(super) type Wrong = (usize, String);

/// What a filter is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    /// A name, an operator, or a value without quotation marks.
    Word(String),
    /// A text, as it is meant.
    Text(String),
}

/// Takes a filter apart.
pub(super) fn words(filter: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = filter[at..].chars().next() {
        let (token, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' => text(filter, at)?,
            '\'' | '\u{2018}'..='\u{201F}' | '\u{AB}' | '\u{BB}' => {
                let what = "text has to be in double quotation marks: \"…\"";
                return Err((at, what.to_owned()));
            }
            '[' | ']' => {
                let what = "square brackets are not understood here; write groups.display eq \"…\"";
                return Err((at, what.to_owned()));
            }
            _ => {
                let rest = &filter[at..];
                let end = rest.find(|c: char| c.is_whitespace() || "()\"'[]".contains(c));
                let word = &rest[..end.unwrap_or(rest.len())];
                (Token::Word(word.to_owned()), word.len())
            }
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

/// A text that begins at `at`, written as JSON writes it, and how long it is with its marks.
fn text(filter: &str, at: usize) -> Result<(Token, usize), Wrong> {
    let rest = &filter[at..];
    let mut escaped = false;
    for (end, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let literal = &rest[..=end];
                let text = serde_json::from_str(literal).map_err(|_| {
                    let what =
                        "a backslash in a text stands before \", \\, n or t; write two for one";
                    (at, what.to_owned())
                })?;
                return Ok((Token::Text(text), literal.len()));
            }
            _ => {}
        }
    }
    Err((at, "nothing closes this quotation mark".to_owned()))
}
