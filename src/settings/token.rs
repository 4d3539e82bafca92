//! Where the bearer token comes from: never from an argument, which every user of the machine can
//! read.

use std::io::Read;
use std::path::PathBuf;

use secrecy::SecretString;

/// The variable that holds the token.
const VARIABLE: &str = "HEADCOUNT_TOKEN";

/// A token is some dozens of characters; more than this is another file.
const LONGEST: u64 = 16 << 10;

/// Where to take the token from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A variable of the environment.
    Variable(String),
    /// A file that holds nothing else.
    File(PathBuf),
    /// Standard input.
    StandardInput,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody gave one.
    #[error(
        "no token: set {0}, or name a file that holds it with --token-file (- for standard input)"
    )]
    Missing(String),
    /// It cannot be read.
    #[error("the token cannot be read from {from}: {source}")]
    Unreadable {
        /// The file.
        from: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{0} holds no token: it is empty")]
    Empty(String),
    /// It is not a token.
    #[error("{0} does not hold a token: it is too long, has several lines, or is not text")]
    NotAToken(String),
}

impl TokenSource {
    /// The variable that holds the token if nobody says otherwise.
    #[must_use]
    pub fn usual() -> Self {
        TokenSource::Variable(VARIABLE.to_owned())
    }

    /// Reads the token.
    ///
    /// # Errors
    /// [`TokenError`], which never shows what was read.
    pub fn read(&self) -> Result<SecretString, TokenError> {
        let (from, text) = match self {
            TokenSource::Variable(name) => {
                let text =
                    std::env::var_os(name).ok_or_else(|| TokenError::Missing(name.clone()))?;
                let text = text
                    .into_string()
                    .map_err(|_| TokenError::NotAToken(name.clone()))?;
                (name.clone(), text)
            }
            TokenSource::File(path) => {
                let from = path.display().to_string();
                let opened = std::fs::File::open(path);
                let text = opened.map_err(|source| TokenError::Unreadable {
                    from: from.clone(),
                    source,
                });
                (from.clone(), read_text(text?, &from)?)
            }
            TokenSource::StandardInput => {
                let from = "standard input".to_owned();
                (from.clone(), read_text(std::io::stdin().lock(), &from)?)
            }
        };
        let token = text.trim_start_matches('\u{FEFF}').trim();
        if token.is_empty() {
            return Err(TokenError::Empty(from));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotAToken(from));
        }
        Ok(SecretString::from(token))
    }
}

fn read_text(source: impl Read, from: &str) -> Result<String, TokenError> {
    let mut bytes = Vec::new();
    let unreadable = |source| TokenError::Unreadable {
        from: from.to_owned(),
        source,
    };
    source
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(TokenError::NotAToken(from.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| TokenError::NotAToken(from.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(content: &[u8]) -> Result<SecretString, TokenError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, content).unwrap();
        TokenSource::File(path).read()
    }

    #[test]
    fn a_file_may_have_a_line_break_at_its_end_and_a_mark_at_its_beginning() {
        assert_eq!(
            read(b"\xEF\xBB\xBFabc.def\r\n").unwrap().expose_secret(),
            "abc.def"
        );
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_shown() {
        for content in [
            &b""[..],
            b" \n",
            b"one two",
            b"one\ntwo",
            b"caf\xC3\xA9",
            b"\xFF\xFE",
            &vec![b'x'; 20_000],
        ] {
            let error = read(content).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(
                !said.contains("one") && !said.contains("caf") && !said.contains("xxx"),
                "{said}"
            );
        }
    }
}
