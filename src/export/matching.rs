//! Whom a filter matches, and how much of it a node is asked for.
//!
//! What a filter matches is always decided here, on what came back: a node that overlooks filters
//! answers with everyone. To spare pages the node is asked for a part of the filter that cannot be
//! misunderstood: `eq` on attributes whose values are the same or not, whatever a server thinks of
//! upper and lower case or of what is missing. Whom that leaves out, the whole filter leaves out as
//! well.

use super::filter::Filter;
use super::terms::{Operator, Sameness, Target, Term};
use crate::attribute::{Attribute, Attributes};
use crate::scim::{Group, User, equals};

/// What a filter is held against. An empty text counts as absent.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject<'s> {
    pub(super) id: &'s str,
    pub(super) texts: Attributes<Option<&'s str>>,
    pub(super) active: Option<bool>,
    /// Ids and names, as far as known.
    pub(super) groups: &'s [(&'s str, Option<&'s str>)],
}

impl<'s> Subject<'s> {
    pub(super) fn user(user: &'s User, groups: &'s [(&'s str, Option<&'s str>)]) -> Self {
        Subject {
            id: &user.id,
            texts: Attributes::of(|attribute| user.texts.get(attribute)),
            active: user.active,
            groups,
        }
    }

    pub(super) fn group(group: &'s Group) -> Self {
        Subject {
            id: &group.id,
            texts: Attributes::from([(Attribute::DisplayName, group.display_name.as_deref())]),
            ..Subject::default()
        }
    }

    /// The values of what holds texts.
    fn texts(&self, target: Target) -> Vec<&'s str> {
        match target {
            Target::Id => vec![self.id],
            Target::Text(attribute) => self.texts[attribute].into_iter().collect(),
            Target::GroupId => self.groups.iter().map(|(id, _)| *id).collect(),
            Target::GroupName => self.groups.iter().filter_map(|(_, name)| *name).collect(),
            Target::Active => Vec::new(),
        }
    }

    fn has(&self, target: Target) -> bool {
        match target {
            Target::Active => self.active.is_some(),
            target => !self.texts(target).is_empty(),
        }
    }
}

impl Filter {
    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.matches(subject)
    }

    /// Whether it looks at memberships.
    pub(super) fn is_about_groups(&self) -> bool {
        self.0.is_about_groups()
    }

    /// The part of it that a node is asked for, if there is one.
    pub(super) fn for_the_node(&self) -> Option<String> {
        match &self.0 {
            // Nobody is the only wrong answer to this, and that is not believed.
            Term::Compare(
                Target::Text(attribute @ Attribute::UserName),
                Operator::Same(Sameness::Equal),
                email,
            ) => Some(equals(attribute.path(), email)),
            term => term.for_the_node(),
        }
    }
}

impl Term {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Term::And(terms) => terms.iter().all(|term| term.matches(subject)),
            Term::Or(terms) => terms.iter().any(|term| term.matches(subject)),
            Term::Not(term) => !term.matches(subject),
            Term::Present(target) => subject.has(*target),
            Term::Null(target, sameness) => {
                subject.has(*target) == (*sameness == Sameness::Different)
            }
            Term::Active(sameness, wanted) => {
                (subject.active == *wanted) == (*sameness == Sameness::Equal)
            }
            Term::Compare(target, operator, wanted) => {
                let texts = subject.texts(*target);
                if *operator == Operator::Same(Sameness::Different) && texts.is_empty() {
                    return true;
                }
                let mut texts = texts.into_iter();
                if target.is_case_exact() {
                    texts.any(|text| operator.holds(text, wanted))
                } else {
                    let wanted = wanted.to_lowercase();
                    texts.any(|text| operator.holds(&text.to_lowercase(), &wanted))
                }
            }
        }
    }

    fn is_about_groups(&self) -> bool {
        match self {
            Term::And(terms) | Term::Or(terms) => terms.iter().any(Term::is_about_groups),
            Term::Not(term) => term.is_about_groups(),
            Term::Present(target) | Term::Null(target, _) | Term::Compare(target, ..) => {
                matches!(target, Target::GroupId | Target::GroupName)
            }
            Term::Active(..) => false,
        }
    }

    fn for_the_node(&self) -> Option<String> {
        match self {
            Term::Active(Sameness::Equal, Some(active)) => Some(format!("active eq {active}")),
            Term::Compare(Target::Id, Operator::Same(Sameness::Equal), id) => {
                Some(equals("id", id))
            }
            Term::Compare(Target::Text(attribute), Operator::Same(Sameness::Equal), text)
                if attribute.is_case_exact() =>
            {
                Some(equals(attribute.path(), text))
            }
            Term::And(terms) => {
                let parts: Vec<String> = terms.iter().filter_map(Term::for_the_node).collect();
                (!parts.is_empty()).then(|| parts.join(" and "))
            }
            Term::Or(terms) => {
                let parts: Option<Vec<String>> = terms.iter().map(Term::for_the_node).collect();
                parts.map(|parts| format!("({})", parts.join(" or ")))
            }
            _ => None,
        }
    }
}

impl Operator {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Operator::Same(Sameness::Equal) => text == wanted,
            Operator::Same(Sameness::Different) => text != wanted,
            Operator::Contains => text.contains(wanted),
            Operator::StartsWith => text.starts_with(wanted),
            Operator::EndsWith => text.ends_with(wanted),
            Operator::Greater => text > wanted,
            Operator::GreaterOrSame => text >= wanted,
            Operator::Less => text < wanted,
            Operator::LessOrSame => text <= wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::terms::About;
    use super::*;

    fn read(text: &str) -> Filter {
        Filter::read(text, About::Users).unwrap()
    }

    #[test]
    fn a_filter_matches_as_the_protocol_says() {
        let ann = Subject {
            id: "aB1",
            texts: Attributes::from([
                (Attribute::UserName, Some("Ann.Müller@Example.com")),
                (Attribute::ExternalId, Some("N01")),
                (Attribute::FamilyName, Some("Müller")),
            ]),
            active: Some(false),
            groups: &[("g1", Some("Sales")), ("g2", None)],
        };
        for (text, expected) in [
            ("active eq false", true),
            ("active ne false", false),
            ("active eq null", false),
            ("active pr", true),
            ("userName eq \"ann.MÜLLER@example.COM\"", true),
            ("email sw \"ANN\" and email ew \".com\"", true),
            ("emails.value co \"müller\"", true),
            ("id eq \"ab1\"", false),
            ("id eq \"aB1\"", true),
            ("externalId sw \"n\"", false),
            ("externalId sw \"N\"", true),
            ("name.givenName pr", false),
            ("name.givenName eq null", true),
            ("name.givenName ne \"Ben\"", true),
            ("name.givenName eq \"\"", false),
            ("last_name gt \"m\" and last_name lt \"n\"", true),
            ("last_name ge \"MÜLLER\" and last_name le \"müller\"", true),
            ("groups.display eq \"sales\"", true),
            ("not (groups.display eq \"Sales\")", false),
            ("groups.value eq \"g2\"", true),
            ("groups.value eq \"G2\"", false),
            ("groups.display ne \"Sales\"", false),
            ("groups.value ne \"g1\"", true),
            ("groups pr", true),
            (
                "active eq true or (id pr and not (external_id eq \"x\"))",
                true,
            ),
        ] {
            assert_eq!(read(text).matches(&ann), expected, "{text}");
        }
        let silent = Subject::default();
        assert!(
            !read("active eq false").matches(&silent),
            "not said is not locked"
        );
    }

    #[test]
    fn a_node_is_asked_for_what_it_cannot_misunderstand() {
        for (text, sent) in [
            ("active eq false", Some("active eq false")),
            ("userName eq \"a\\\"b\"", Some(r#"userName eq "a\"b""#)),
            (
                "active eq false and userName sw \"a\"",
                Some("active eq false"),
            ),
            (
                "active eq true and userName eq \"a\"",
                Some("active eq true"),
            ),
            ("active eq false or userName sw \"a\"", None),
            (
                "active eq false and (id eq \"1\" or externalId eq \"2\")",
                Some(r#"active eq false and (id eq "1" or externalId eq "2")"#),
            ),
            ("not (active eq false)", None),
            ("active ne true", None),
            ("externalId pr", None),
            ("groups.display eq \"Sales\"", None),
        ] {
            assert_eq!(read(text).for_the_node().as_deref(), sent, "{text}");
        }
    }
}
