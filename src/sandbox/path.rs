//! PATCH paths (RFC 7644, section 3.5.2): `displayName`, `name.givenName`, `emails[type eq "work"].value`,
//! `members[value eq "7"]`.

use super::attribute::{Attr, Kind, Top};
use super::filter::{Filter, Reader};
use super::lexer::FilterError;
use super::lexer::Token;

/// Where a PATCH operation works.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) attr: Attr,
    /// Which elements of the list `attr.top`; `None` for no brackets.
    pub(super) filter: Option<Filter>,
}

impl Path {
    pub(super) fn read(kind: Kind, text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader::new(kind, text)?;
        let attr = reader.attribute()?;
        if !reader.next_is(&Token::OpenList) {
            reader.end()?;
            return Ok(Self { attr, filter: None });
        }
        let filter = reader.list_filter(attr)?;
        let attr = if reader.at_end() {
            attr
        } else {
            part_after(&mut reader, attr.top)?
        };
        reader.end()?;
        Ok(Self {
            attr,
            filter: Some(filter),
        })
    }
}

/// Reads `.sub` behind `list[…]`.
fn part_after(reader: &mut Reader, top: Top) -> Result<Attr, FilterError> {
    let token = reader.take()?;
    let sub = match &token {
        Token::Word(word) => word.strip_prefix('.').and_then(|name| top.sub(name)),
        _ => None,
    };
    match sub {
        Some(sub) => Ok(Attr::part(top, sub)),
        None => Err(reader.error(format!("expected a sub-attribute, found {token}"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_name_an_attribute_a_part_or_elements() {
        for (text, attr, filtered) in [
            ("displayName", "displayName", false),
            ("NAME.GIVENNAME", "name.givenName", false),
            ("emails", "emails", false),
            ("emails.value", "emails.value", false),
            ("emails[type eq \"work\"]", "emails", true),
            (
                "emails[type eq \"work\" and primary eq true].value",
                "emails.value",
                true,
            ),
            ("groups[value eq \"7\"]", "groups", true),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName",
                "name.familyName",
                false,
            ),
        ] {
            let path = Path::read(Kind::User, text).expect(text);
            assert_eq!(path.attr.to_string(), attr, "{text}");
            assert_eq!(path.filter.is_some(), filtered, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for text in [
            "",
            " ",
            "title",
            "name.nick",
            "active eq true",
            "emails[",
            "emails[]",
            "emails[type eq \"work\"",
            "emails[type eq \"work\"].x",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].value x",
            "name[givenName eq \"x\"]",
            "emails[name.givenName eq \"x\"]",
        ] {
            assert!(Path::read(Kind::User, text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = Path::read(Kind::User, &text);
            let _ = Path::read(Kind::Group, &format!("members[{text}]"));
        }
    }
}
