//! The words of a filter or PATCH path: names, operators, brackets and JSON texts.

use std::fmt;

/// Why a filter or path could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}")]
pub(super) struct FilterError {
    pub(super) message: String,
    /// Counted from 1.
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    OpenList,
    CloseList,
    /// A name, an operator, a number, `true`, `false` or `null`.
    Word(String),
    /// A text, its quotes and escapes taken away.
    Text(String),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Open => f.write_str("\"(\""),
            Token::Close => f.write_str("\")\""),
            Token::OpenList => f.write_str("\"[\""),
            Token::CloseList => f.write_str("\"]\""),
            Token::Word(text) | Token::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Cuts `text` into tokens, each with its place counted in characters from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut at = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | '\t' => {
                rest = &rest[1..];
                at += 1;
                continue;
            }
            '(' | ')' | '[' | ']' => 1,
            '"' => text_length(rest).ok_or_else(|| FilterError {
                message: "text without closing quote".into(),
                at,
            })?,
            _ => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        };
        let (written, after) = rest.split_at(length);
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenList,
            ']' => Token::CloseList,
            '"' => Token::Text(serde_json::from_str(written).map_err(|_| FilterError {
                message: "text with a bad escape".into(),
                at,
            })?),
            _ if length == 0 => {
                return Err(FilterError {
                    message: format!("unexpected \"{first}\""),
                    at,
                });
            }
            _ => Token::Word(written.to_owned()),
        };
        tokens.push((token, at));
        at += written.chars().count();
        rest = after;
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_' | '-' | '$' | '+')
}

/// The length of the JSON text that `rest` starts with, both quotes included.
fn text_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
