//! Filters as people write them (RFC 7644, section 3.4.2.2), read by recursive descent.
//!
//! ```text
//! or    = and *("or" and)            and = term *("and" term)
//! term  = ["not"] "(" or ")" / attribute "pr" / attribute operator value
//! ```
//!
//! Names are looked up while reading, so that a filter on something that is not there is refused
//! instead of matching nobody. The columns of the export may be named as well. Whom a filter matches
//! is in [`matching`](super::matching).

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::filter_words::{Token, Wrong, words};
use super::terms::{About, Operator, Sameness, Target, Term};

/// A filter that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(pub(super) Term);

/// A filter that cannot be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FilterError {
    filter: String,
    /// In bytes.
    at: usize,
    what: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.filter.get(..self.at).unwrap_or(&self.filter);
        write!(
            f,
            "the filter cannot be understood, at character {}: {}\n  {}\n  {}^",
            before.chars().count() + 1,
            self.what,
            self.filter,
            " ".repeat(before.width())
        )
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// When it makes no sense, with the place.
    pub fn read(text: &str, about: About) -> Result<Self, FilterError> {
        let wrong = |(at, what)| FilterError {
            filter: text.to_owned(),
            at,
            what,
        };
        let mut reader = Reader {
            tokens: words(text).map_err(wrong)?,
            next: 0,
            end: text.trim_end().len(),
            about,
            depth: 0,
        };
        let term = reader.or().map_err(wrong)?;
        match reader.peek() {
            None => Ok(Filter(term)),
            Some((at, Token::Close)) => Err(wrong((*at, "nothing opens this bracket".to_owned()))),
            Some((at, _)) => Err(wrong((*at, "and or or is missing here".to_owned()))),
        }
    }

    /// Who may use the account, or who may not.
    #[must_use]
    pub fn active(active: bool) -> Self {
        Filter(Term::Active(Sameness::Equal, Some(active)))
    }

    /// Who matches both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Filter(Term::And(vec![self.0, other.0]))
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
    about: About,
    depth: u8,
}

impl Reader {
    fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.next)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some((_, Token::Word(found))) if found.eq_ignore_ascii_case(word))
    }

    /// Takes the next token; at the end, says what is missing.
    fn take(&mut self, missing: &str) -> Result<(usize, Token), Wrong> {
        let token = self.peek().cloned();
        self.next += 1;
        token.ok_or_else(|| (self.end, format!("{missing} is missing here")))
    }

    fn or(&mut self) -> Result<Term, Wrong> {
        let mut terms = vec![self.and()?];
        while self.is_word("or") {
            self.next += 1;
            terms.push(self.and()?);
        }
        Ok(only_or(terms, Term::Or))
    }

    fn and(&mut self) -> Result<Term, Wrong> {
        let mut terms = vec![self.term()?];
        while self.is_word("and") {
            self.next += 1;
            terms.push(self.term()?);
        }
        Ok(only_or(terms, Term::And))
    }

    fn term(&mut self) -> Result<Term, Wrong> {
        let (at, token) = self.take("an attribute")?;
        match token {
            Token::Open => self.brackets(at),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => {
                match self.take("a bracket after not")? {
                    (at, Token::Open) => Ok(Term::Not(Box::new(self.brackets(at)?))),
                    (at, _) => Err((
                        at,
                        "after not there has to be a bracket: not (…)".to_owned(),
                    )),
                }
            }
            Token::Word(name) => {
                let target = Target::named(&name, self.about).map_err(|what| (at, what))?;
                self.comparison(target)
            }
            Token::Close => Err((at, "an attribute is missing before this bracket".to_owned())),
            Token::Text(_) => Err((
                at,
                "there has to be an attribute first, such as userName, without quotation marks"
                    .to_owned(),
            )),
        }
    }

    fn brackets(&mut self, opened: usize) -> Result<Term, Wrong> {
        /// Deep enough for people, far from exhausting the stack.
        const DEEPEST: u8 = 32;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err((
                opened,
                "there are too many brackets in each other".to_owned(),
            ));
        }
        let term = self.or()?;
        self.depth -= 1;
        match self.peek() {
            Some((_, Token::Close)) => {
                self.next += 1;
                Ok(term)
            }
            Some((at, _)) => Err((
                *at,
                "and, or or a closing bracket is missing here".to_owned(),
            )),
            None => Err((opened, "nothing closes this bracket".to_owned())),
        }
    }

    fn comparison(&mut self, target: Target) -> Result<Term, Wrong> {
        let names = || Operator::ALL.map(|(name, _)| name).join(", ") + ", pr";
        let (at, token) = self.take("an operator (eq, co, sw, …)")?;
        let Token::Word(word) = token else {
            return Err((at, format!("there has to be an operator here: {}", names())));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Term::Present(target));
        }
        let known = Operator::ALL;
        let known = known
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&word));
        let Some((name, operator)) = known else {
            return Err((
                at,
                format!("{word:?} is not an operator; there are {}", names()),
            ));
        };
        let (value_at, value) = self.take("a value")?;
        let value = Value::of(value).map_err(|what| (value_at, what))?;
        match (target, operator, value) {
            (Target::Active, Operator::Same(sameness), value) => {
                let flag = value.flag().map_err(|what| (value_at, what))?;
                Ok(Term::Active(*sameness, flag))
            }
            (Target::Active, ..) => Err((
                at,
                format!("active is compared with eq and ne, not with {name}"),
            )),
            (_, _, Value::Text(text)) => Ok(Term::Compare(target, *operator, text)),
            (_, Operator::Same(sameness), Value::Null) => Ok(Term::Null(target, *sameness)),
            (_, _, Value::Null | Value::Flag(_)) => Err((
                value_at,
                "there has to be a text in double quotation marks here".to_owned(),
            )),
        }
    }
}

fn only_or(mut terms: Vec<Term>, many: fn(Vec<Term>) -> Term) -> Term {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            many(terms)
        }
    }
}

/// What something is compared with.
enum Value {
    Text(String),
    Flag(bool),
    Null,
}

impl Value {
    fn of(token: Token) -> Result<Self, String> {
        match token {
            Token::Text(text) => Ok(Value::Text(text)),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Value::Flag(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Value::Flag(false)),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            Token::Word(word) => Err(format!(
                "text has to be in double quotation marks: \"{word}\""
            )),
            Token::Open | Token::Close => Err("a value is missing before this bracket".to_owned()),
        }
    }

    /// True, false, or nothing; some write it as a text.
    fn flag(&self) -> Result<Option<bool>, String> {
        let wrong = |_| "active is true or false".to_owned();
        match self {
            Value::Flag(flag) => Ok(Some(*flag)),
            Value::Null => Ok(None),
            Value::Text(text) => text.to_ascii_lowercase().parse().map(Some).map_err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        Filter::read(text, About::Users).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_understood_is_shown_with_its_place() {
        insta::assert_snapshot!(said("actve eq false"), @r#"
        the filter cannot be understood, at character 1: there is no attribute "actve"; did you mean active?
          actve eq false
          ^
        "#);
        insta::assert_snapshot!(said("userName eq ann@example.com"), @r#"
        the filter cannot be understood, at character 13: text has to be in double quotation marks: "ann@example.com"
          userName eq ann@example.com
                      ^
        "#);
        insta::assert_snapshot!(said("active eq false and userName is \"a\""), @r#"
        the filter cannot be understood, at character 30: "is" is not an operator; there are eq, ne, co, sw, ew, gt, ge, lt, le, pr
          active eq false and userName is "a"
                                       ^
        "#);
        insta::assert_snapshot!(said("(active eq true"), @r"
        the filter cannot be understood, at character 1: nothing closes this bracket
          (active eq true
          ^
        ");
        insta::assert_snapshot!(said("displayName co \"日本\" active pr"), @r#"
        the filter cannot be understood, at character 21: and or or is missing here
          displayName co "日本" active pr
                                ^
        "#);
        insta::assert_snapshot!(said("userName co 'ann'"), @r#"
        the filter cannot be understood, at character 13: text has to be in double quotation marks: "…"
          userName co 'ann'
                      ^
        "#);
        insta::assert_snapshot!(said("userName co \"ann"), @r#"
        the filter cannot be understood, at character 13: nothing closes this quotation mark
          userName co "ann
                      ^
        "#);
    }

    #[test]
    fn everything_else_that_is_wrong_is_refused_as_well() {
        for text in [
            "",
            "   ",
            "active",
            "active eq",
            "active gt true",
            "active eq \"perhaps\"",
            "userName eq true",
            "userName sw null",
            "not active eq true",
            "not",
            "()",
            ")",
            "active eq true)",
            "and",
            "active eq true and",
            "active eq true or or active eq false",
            "\"a\" eq userName",
            "emails[type eq \"work\"]",
            "userName eq \"a\\q\"",
            "userName eq 5",
            &"(".repeat(10_000),
            &"not (".repeat(10_000),
        ] {
            assert!(Filter::read(text, About::Users).is_err(), "{text:?}");
        }
        assert!(Filter::read("userName pr", About::Groups).is_err());
        assert!(Filter::read("name sw \"S\"", About::Groups).is_ok());
    }

    #[test]
    fn and_binds_more_closely_than_or() {
        let read = |text| Filter::read(text, About::Users).unwrap();
        assert_eq!(
            read("id pr or active pr AND not (userName pr)"),
            read(
                "(id pr) OR ((urn:ietf:params:scim:schemas:core:2.0:User:active pr) and Not(email pr))"
            )
        );
        assert_eq!(read("active eq \"False\""), Filter::active(false));
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_makes_it_fail_otherwise(text in "[a-z()\"\\\\ .\u{e9}]{0,30}") {
            if let Err(error) = Filter::read(&text, About::Users) {
                prop_assert!(error.at <= text.len());
                prop_assert!(error.to_string().ends_with('^'));
            }
        }
    }
}
