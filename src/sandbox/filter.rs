//! Filters: the grammar of RFC 7644, section 3.4.2.2, read by recursive descent.
//!
//! ```text
//! or    = and *("or" and)            and = term *("and" term)
//! term  = ["not"] "(" or ")" / attribute "[" or "]" / attribute "pr" / attribute operator literal
//! ```
//!
//! Names are resolved while reading, so that a filter on an attribute that the node does not have is refused instead
//! of matching nobody. What a filter matches is in `matching`; PATCH paths use the same reader in `path`.

use super::attribute::{Attr, Kind, Sub, Top, Type};
use super::lexer::{FilterError, Token, tokens};

/// How deep brackets may nest: enough for any sane filter, far from exhausting the stack.
const MAX_DEPTH: usize = 32;

/// A filter that has been read and resolved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// Some element of a list matches as a whole.
    Element(Top, Box<Filter>),
    Present(Attr),
    Compare(Attr, Op, Test),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What is compared with, made ready for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// Already lower-cased unless `exact`.
    Text {
        want: String,
        exact: bool,
    },
    Bool(bool),
    /// Milliseconds since 1970.
    Time(i64),
    Null,
}

impl Filter {
    /// Reads a filter on resources of `kind`.
    pub(super) fn read(kind: Kind, text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader::new(kind, text)?;
        let filter = reader.or()?;
        reader.end()?;
        Ok(filter)
    }

    /// The first hit of `index` among the equalities that every match must fulfil.
    pub(super) fn pinned<T>(&self, index: &mut dyn FnMut(Attr, &str) -> Option<T>) -> Option<T> {
        match self {
            Filter::Compare(attr, Op::Eq, Test::Text { want, .. }) => index(*attr, want),
            Filter::And(parts) => parts.iter().find_map(|part| part.pinned(index)),
            Filter::Element(_, inner) => inner.pinned(index),
            _ => None,
        }
    }

    /// The id, if this is the whole filter: `value eq "id"`.
    pub(super) fn only_value(&self) -> Option<&str> {
        match self {
            Filter::Compare(attr, Op::Eq, Test::Text { want, exact: true })
                if attr.sub == Some(Sub::Value) =>
            {
                Some(want)
            }
            _ => None,
        }
    }
}

/// Reads tokens into a filter; shared with `path`.
pub(super) struct Reader {
    kind: Kind,
    tokens: Vec<(Token, usize)>,
    next: usize,
    end: usize,
    depth: usize,
    /// The list whose sub-attributes names mean, inside `[…]`.
    scope: Option<Top>,
}

impl Reader {
    pub(super) fn new(kind: Kind, text: &str) -> Result<Self, FilterError> {
        Ok(Self {
            kind,
            tokens: tokens(text)?,
            next: 0,
            end: text.chars().count() + 1,
            depth: 0,
            scope: None,
        })
    }

    /// Makes an error about the token last taken.
    pub(super) fn error(&self, message: impl Into<String>) -> FilterError {
        let last = self.next.saturating_sub(1);
        FilterError {
            message: message.into(),
            at: self.tokens.get(last).map_or(self.end, |(_, at)| *at),
        }
    }

    pub(super) fn take(&mut self) -> Result<Token, FilterError> {
        let Some((token, _)) = self.tokens.get(self.next) else {
            return Err(FilterError {
                message: "unexpected end".into(),
                at: self.end,
            });
        };
        self.next += 1;
        Ok(token.clone())
    }

    pub(super) fn end(&mut self) -> Result<(), FilterError> {
        if self.next == self.tokens.len() {
            return Ok(());
        }
        let token = self.take()?;
        Err(self.error(format!("unexpected {token}")))
    }

    pub(super) fn next_is(&self, token: &Token) -> bool {
        self.tokens
            .get(self.next)
            .is_some_and(|(next, _)| next == token)
    }

    pub(super) fn at_end(&self) -> bool {
        self.next == self.tokens.len()
    }

    fn next_is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.next), Some((Token::Word(next), _)) if next.eq_ignore_ascii_case(word))
    }

    fn expect(&mut self, token: &Token) -> Result<(), FilterError> {
        let found = self.take()?;
        if found == *token {
            return Ok(());
        }
        Err(self.error(format!("expected {token}, found {found}")))
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.and()?];
        while self.next_is_word("or") {
            self.next += 1;
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut parts = vec![self.term()?];
        while self.next_is_word("and") {
            self.next += 1;
            parts.push(self.term()?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn term(&mut self) -> Result<Filter, FilterError> {
        if self.next_is_word("not") {
            self.next += 1;
            self.expect(&Token::Open)?;
            return Ok(Filter::Not(Box::new(self.nested(&Token::Close)?)));
        }
        if self.next_is(&Token::Open) {
            self.next += 1;
            return self.nested(&Token::Close);
        }
        let attr = self.attribute()?;
        if self.next_is(&Token::OpenList) {
            return self.element(attr);
        }
        self.comparison(attr)
    }

    fn nested(&mut self, close: &Token) -> Result<Filter, FilterError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("brackets nest deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let filter = self.or()?;
        self.expect(close)?;
        self.depth -= 1;
        Ok(filter)
    }

    /// Reads an attribute's name; inside `[…]` it names a sub-attribute of the list.
    pub(super) fn attribute(&mut self) -> Result<Attr, FilterError> {
        let name = match self.take()? {
            Token::Word(name) => name,
            other => return Err(self.error(format!("expected an attribute, found {other}"))),
        };
        let attr = match self.scope {
            Some(top) => top.sub(&name).map(|sub| Attr::part(top, sub)),
            None => Attr::read(self.kind, &name),
        };
        attr.ok_or_else(|| self.error(format!("unknown attribute {name:?}")))
    }

    /// Reads `[filter]` behind a list's name.
    pub(super) fn list_filter(&mut self, attr: Attr) -> Result<Filter, FilterError> {
        self.expect(&Token::OpenList)?;
        if self.scope.is_some() || attr.sub.is_some() || !attr.top.is_list() {
            return Err(self.error(format!("{attr} is not a list of complex values")));
        }
        self.scope = Some(attr.top);
        let filter = self.nested(&Token::CloseList)?;
        self.scope = None;
        Ok(filter)
    }

    fn element(&mut self, attr: Attr) -> Result<Filter, FilterError> {
        Ok(match self.list_filter(attr)? {
            // Asking for one element with one property is asking for the property; only `ne` differs.
            simple @ Filter::Compare(_, op, _) if op != Op::Ne => simple,
            filter => Filter::Element(attr.top, Box::new(filter)),
        })
    }

    fn comparison(&mut self, attr: Attr) -> Result<Filter, FilterError> {
        let word = match self.take()? {
            Token::Word(word) => word.to_ascii_lowercase(),
            other => return Err(self.error(format!("expected an operator, found {other}"))),
        };
        if word == "pr" {
            return Ok(Filter::Present(attr));
        }
        let op = match word.as_str() {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "co" => Op::Co,
            "sw" => Op::Sw,
            "ew" => Op::Ew,
            "gt" => Op::Gt,
            "ge" => Op::Ge,
            "lt" => Op::Lt,
            "le" => Op::Le,
            _ => return Err(self.error(format!("unknown operator {word:?}"))),
        };
        let attr = attr.compared();
        let literal = self.take()?;
        let test = self.test(attr, op, literal)?;
        Ok(Filter::Compare(attr, op, test))
    }

    fn test(&self, attr: Attr, op: Op, literal: Token) -> Result<Test, FilterError> {
        let equality = matches!(op, Op::Eq | Op::Ne);
        let wrong = |what: &str| Err(self.error(format!("{attr} cannot be compared with {what}")));
        let text = match literal {
            Token::Text(text) => text,
            Token::Word(word) if word.eq_ignore_ascii_case("null") => {
                return if equality {
                    Ok(Test::Null)
                } else {
                    wrong("null in this way")
                };
            }
            Token::Word(word) if attr.data_type() == Type::Bool => word,
            other => return wrong(&other.to_string()),
        };
        match attr.data_type() {
            Type::Text { exact: true } => Ok(Test::Text {
                want: text,
                exact: true,
            }),
            Type::Text { exact: false } => Ok(Test::Text {
                want: text.to_lowercase(),
                exact: false,
            }),
            Type::Bool if !equality => wrong("anything but eq and ne"),
            Type::Bool if text.eq_ignore_ascii_case("true") => Ok(Test::Bool(true)),
            Type::Bool if text.eq_ignore_ascii_case("false") => Ok(Test::Bool(false)),
            Type::Bool => wrong(&format!("{text:?}: it is true or false")),
            Type::Time if matches!(op, Op::Co | Op::Sw | Op::Ew) => wrong("co, sw or ew"),
            Type::Time => match text.parse::<jiff::Timestamp>() {
                Ok(time) => Ok(Test::Time(time.as_millisecond())),
                Err(_) => wrong(&format!("{text:?}: it is a date and time")),
            },
            Type::Complex => wrong("a value: name one of its sub-attributes"),
        }
    }
}

fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        join(parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Filter, FilterError> {
        Filter::read(Kind::User, text)
    }

    #[test]
    fn and_binds_closer_than_or_and_brackets_closer_than_both() {
        let same = [
            (
                "active eq true or id pr and displayName pr".to_owned(),
                "active eq true or (id pr and displayName pr)",
            ),
            (
                "not (id pr) and active eq FALSE or active eq true".to_owned(),
                "((not (id pr)) and active eq false) OR (active eq true)",
            ),
            (
                r#"emails[value eq "a@b.c"]"#.to_owned(),
                r#"emails.value EQ "A@B.C""#,
            ),
            (r#"emails co "x""#.to_owned(), r#"emails.value co "X""#),
        ];
        for (left, right) in same {
            assert_eq!(read(&left).unwrap(), read(right).unwrap(), "{left}");
        }
        assert_ne!(
            read("(active eq true or id pr) and displayName pr").unwrap(),
            read("active eq true or id pr and displayName pr").unwrap()
        );
    }

    #[test]
    fn what_is_not_a_filter_is_refused_with_its_place() {
        for (text, message) in [
            ("", "unexpected end at character 1"),
            ("userName", "unexpected end at character 9"),
            ("userName eq", "unexpected end at character 12"),
            (
                "userName eq bob",
                "userName cannot be compared with \"bob\" at character 13",
            ),
            (
                "userName is \"x\"",
                "unknown operator \"is\" at character 10",
            ),
            (
                "nickName eq \"x\"",
                "unknown attribute \"nickName\" at character 1",
            ),
            (
                "userName eq \"x",
                "text without closing quote at character 13",
            ),
            ("(userName pr", "unexpected end at character 13"),
            ("userName pr)", "unexpected \")\" at character 12"),
            (
                "not userName pr",
                "expected \"(\", found \"userName\" at character 5",
            ),
            (
                "active gt true",
                "active cannot be compared with anything but eq and ne at character 11",
            ),
            (
                "name eq \"x\"",
                "name cannot be compared with a value: name one of its sub-attributes at character 9",
            ),
            (
                "userName[value eq \"x\"]",
                "userName is not a list of complex values at character 9",
            ),
            (
                "emails[emails[value pr]]",
                "unknown attribute \"emails\" at character 8",
            ),
            ("é eq \"x\"", "unexpected \"é\" at character 1"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
        }
        assert!(read("meta.created gt \"yesterday\"").is_err());
        assert!(read("meta.created gt \"2025-01-01T00:00:00Z\"").is_ok());
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |n: usize| format!("{}id pr{}", "(".repeat(n), ")".repeat(n));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert!(read(&nested(MAX_DEPTH + 1)).is_err());
        assert!(read(&"not (".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = read(&text);
        }

        #[test]
        fn no_heap_of_tokens_makes_the_reader_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "userName", "eq", "\"x\"", "and", "or", "not", "(", ")", "[", "]", "emails", "pr", "true", "null",
                    ".value", "meta.created", "1", "\"", "\\",
                ]),
                0..20,
            )
        ) {
            let _ = read(&words.join(" "));
        }
    }
}
