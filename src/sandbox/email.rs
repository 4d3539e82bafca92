//! The `emails` of a user, and what an email address looks like.

use serde_json::Value;

use super::attribute::{Attr, Sub, Top};
use super::error::ScimError;
use super::filter::{Filter, Op, Test};
use super::json::{self, Fields};
use super::matching::{Resource, Scalar};
use super::patch::Verb;

/// One element of `emails`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Email {
    pub(super) value: Box<str>,
    pub(super) display: Option<Box<str>>,
    /// The `type`: work, home, …
    pub(super) label: Option<Box<str>>,
    pub(super) primary: Option<bool>,
}

impl Email {
    fn read(fields: &Fields) -> Result<Self, ScimError> {
        let mut email = Email::default();
        email.merge(fields)?;
        if email.value.is_empty() {
            return Err(ScimError::value("an element of emails has no \"value\""));
        }
        Ok(email)
    }

    fn merge(&mut self, fields: &Fields) -> Result<(), ScimError> {
        for (key, value) in fields {
            if let Some(sub) = Top::Emails.sub(key) {
                self.set(sub, value)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, sub: Sub, value: &Value) -> Result<(), ScimError> {
        let attr = Attr::part(Top::Emails, sub);
        match sub {
            Sub::Value => {
                self.value = json::text(attr, value)?
                    .filter(|text| !text.is_empty())
                    .ok_or_else(|| ScimError::value("emails.value cannot be empty"))?;
            }
            Sub::Display => self.display = json::text(attr, value)?,
            Sub::Primary => self.primary = json::boolean(attr, value)?,
            _ => self.label = json::text(attr, value)?,
        }
        Ok(())
    }

    /// The element that an `add` with the path `emails[type eq "…"].value` makes where there is none yet.
    fn described(filter: &Filter) -> Option<Self> {
        match filter {
            Filter::Compare(attr, Op::Eq, Test::Text { want, .. })
                if attr.sub == Some(Sub::Type) =>
            {
                Some(Self {
                    label: Some(want.as_str().into()),
                    ..Self::default()
                })
            }
            _ => None,
        }
    }
}

impl Resource for Email {
    fn any(&self, attr: Attr, visit: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        let text = match attr.sub {
            Some(Sub::Primary) => return self.primary.is_some_and(|is| visit(Scalar::Bool(is))),
            Some(Sub::Value) => Some(&*self.value),
            Some(Sub::Display) => self.display.as_deref(),
            Some(Sub::Type) => self.label.as_deref(),
            _ => None,
        };
        text.is_some_and(|text| visit(Scalar::Text(text)))
    }
}

/// Gives a user these emails, or adds them.
pub(super) fn set(emails: &mut Vec<Email>, value: &Value, verb: Verb) -> Result<(), ScimError> {
    let read = json::elements("emails", value)?
        .into_iter()
        .map(Email::read)
        .collect::<Result<Vec<_>, _>>()?;
    if verb == Verb::Replace {
        emails.clear();
    }
    for email in read {
        if !emails.contains(&email) {
            emails.push(email);
            let latest = emails.len() - 1;
            keep_one_primary(emails, latest);
        }
    }
    Ok(())
}

/// Takes away all emails, or those with the values given.
pub(super) fn remove(emails: &mut Vec<Email>, value: &Value) -> Result<(), ScimError> {
    if value.is_null() {
        emails.clear();
        return Ok(());
    }
    for gone in json::link_ids("emails", value)? {
        emails.retain(|email| !email.value.eq_ignore_ascii_case(gone));
    }
    Ok(())
}

/// Changes the emails that `filter` matches (all without one), or only one part of them.
pub(super) fn change(
    emails: &mut Vec<Email>,
    filter: Option<&Filter>,
    sub: Option<Sub>,
    value: &Value,
    verb: Verb,
) -> Result<(), ScimError> {
    let hit = |email: &Email| filter.is_none_or(|filter| filter.matches(email));
    if verb == Verb::Remove && sub.is_none() {
        emails.retain(|email| !hit(email));
        return Ok(());
    }
    let mut hits: Vec<usize> = (0..emails.len()).filter(|at| hit(&emails[*at])).collect();
    if hits.is_empty()
        && verb == Verb::Add
        && sub.is_some()
        && let Some(email) = filter.and_then(Email::described)
    {
        hits.push(emails.len());
        emails.push(email);
    }
    if hits.is_empty() && verb != Verb::Remove {
        return Err(ScimError::no_target("no element of emails matches"));
    }
    let value = if verb == Verb::Remove {
        &Value::Null
    } else {
        value
    };
    for at in hits {
        match sub {
            Some(sub) => emails[at].set(sub, value)?,
            None => emails[at].merge(json::object("an element of emails", value)?)?,
        }
        if emails[at].value.is_empty() {
            return Err(ScimError::value("an element of emails has no \"value\""));
        }
        keep_one_primary(emails, at);
    }
    Ok(())
}

/// At most one email is primary: the latest that says so (RFC 7644, section 3.5.2).
fn keep_one_primary(emails: &mut [Email], latest: usize) {
    if emails[latest].primary != Some(true) {
        return;
    }
    for (at, email) in emails.iter_mut().enumerate() {
        if at != latest && email.primary == Some(true) {
            email.primary = Some(false);
        }
    }
}

/// Refuses a `userName` that does not look like an email address.
pub(super) fn check(user_name: &str) -> Result<(), ScimError> {
    let looks = match user_name.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() > 1
                && domain.split('.').all(|label| !label.is_empty())
                && user_name.len() <= 254
                && !user_name
                    .chars()
                    .any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\\\"[]".contains(c))
        }
        None => false,
    };
    if looks {
        return Ok(());
    }
    Err(ScimError::value(format!(
        "userName must be an email address, not {user_name:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@b.c", "o'brien+x@mail.example.com", "jürgen@example.com"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in [
            "", "a", "@", "a@b", "a@", "@b.c", "a@b.", "a@.c", "a@b@c.d", "a b@c.d", "a@b.c\n",
            "<a@b.c>", &long,
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
