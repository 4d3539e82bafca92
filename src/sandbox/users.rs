//! A user, and what documents and PATCH operations do to one (RFC 7643, section 4.1, as far as the provider goes).

use serde_json::Value;

use super::attribute::{Attr, Kind, Sub, Top};
use super::email;
use super::error::ScimError;
use super::filter::Filter;
use super::held;
use super::json;
use super::patch::{Target, Verb};
use super::resources::User;
use super::store::Store;

/// A user being changed; the store stays as it is until the draft is committed.
pub(super) struct Draft<'a> {
    store: &'a Store,
    pub(super) user: User,
}

impl<'a> Draft<'a> {
    pub(super) fn new(store: &'a Store, user: User) -> Self {
        Self { store, user }
    }

    fn links(&self, value: &Value) -> Result<Vec<u32>, ScimError> {
        let place = |id| {
            self.store
                .group_place(id)
                .ok_or_else(|| ScimError::value(format!("groups: there is no group {id:?}")))
        };
        json::link_ids("groups", value)?
            .into_iter()
            .map(place)
            .collect()
    }

    fn name_part(&mut self, sub: Sub) -> &mut Option<Box<str>> {
        match sub {
            Sub::GivenName => &mut self.user.given_name,
            Sub::FamilyName => &mut self.user.family_name,
            _ => &mut self.user.formatted,
        }
    }

    fn set_name(&mut self, value: &Value) -> Result<(), ScimError> {
        if value.is_null() {
            return self.remove(Attr::whole(Top::Name), value);
        }
        for (key, value) in json::object("name", value)? {
            // The other parts of a name in RFC 7643 are not held here.
            if let Some(sub) = Top::Name.sub(key) {
                *self.name_part(sub) = json::text(Attr::part(Top::Name, sub), value)?;
            }
        }
        Ok(())
    }

    fn set_groups(&mut self, value: &Value, verb: Verb) -> Result<(), ScimError> {
        let places = self.links(value)?;
        if verb == Verb::Replace {
            self.user.groups.clear();
        }
        for place in places {
            self.user.join(place);
        }
        Ok(())
    }

    fn change_groups(
        &mut self,
        filter: &Filter,
        value: &Value,
        verb: Verb,
    ) -> Result<(), ScimError> {
        let (hits, rest): (Vec<u32>, Vec<u32>) = self
            .user
            .groups
            .iter()
            .partition(|place| filter.matches(&held::group_link(self.store, **place)));
        match verb {
            Verb::Remove => self.user.groups = rest,
            Verb::Replace if !hits.is_empty() => {
                let places = self.links(value)?;
                self.user.groups = rest;
                for place in places {
                    self.user.join(place);
                }
            }
            Verb::Replace => return Err(ScimError::no_target("no element of groups matches")),
            Verb::Add => return Err(ScimError::path("add to groups takes no filter")),
        }
        Ok(())
    }
}

impl Target for Draft<'_> {
    const KIND: Kind = Kind::User;

    fn set(&mut self, attr: Attr, value: &Value, verb: Verb) -> Result<(), ScimError> {
        match (attr.top, attr.sub) {
            (Top::UserName, _) => {
                let name = json::text(attr, value)?.unwrap_or_default();
                email::check(&name)?;
                self.user.user_name = name;
            }
            (Top::DisplayName, _) => self.user.display_name = json::text(attr, value)?,
            (Top::ExternalId, _) => self.user.external_id = json::text(attr, value)?,
            (Top::Name, None) => self.set_name(value)?,
            (Top::Name, Some(sub)) => *self.name_part(sub) = json::text(attr, value)?,
            (Top::Emails, None) => email::set(&mut self.user.emails, value, verb)?,
            (Top::Emails, Some(sub)) => {
                email::change(&mut self.user.emails, None, Some(sub), value, verb)?;
            }
            (Top::Active, _) => {
                if let Some(active) = json::boolean(attr, value)? {
                    self.user.active = active;
                }
            }
            (Top::Groups, None) => self.set_groups(value, verb)?,
            _ => return Err(ScimError::cannot_change(attr)),
        }
        Ok(())
    }

    fn remove(&mut self, attr: Attr, value: &Value) -> Result<(), ScimError> {
        match (attr.top, attr.sub) {
            (Top::UserName | Top::Active, _) => {
                return Err(ScimError::required(attr));
            }
            (Top::DisplayName, _) => self.user.display_name = None,
            (Top::ExternalId, _) => self.user.external_id = None,
            (Top::Name, None) => {
                for sub in Top::Name.subs() {
                    *self.name_part(*sub) = None;
                }
            }
            (Top::Name, Some(sub)) => *self.name_part(sub) = None,
            (Top::Emails, None) => email::remove(&mut self.user.emails, value)?,
            (Top::Emails, Some(sub)) => {
                email::change(&mut self.user.emails, None, Some(sub), value, Verb::Remove)?;
            }
            (Top::Groups, None) if value.is_null() => self.user.groups.clear(),
            (Top::Groups, None) => {
                for place in self.links(value)? {
                    self.user.leave(place);
                }
            }
            _ => return Err(ScimError::cannot_change(attr)),
        }
        Ok(())
    }

    fn change_elements(
        &mut self,
        attr: Attr,
        filter: &Filter,
        value: &Value,
        verb: Verb,
    ) -> Result<(), ScimError> {
        match (attr.top, attr.sub) {
            (Top::Emails, sub) => {
                email::change(&mut self.user.emails, Some(filter), sub, value, verb)
            }
            (Top::Groups, None) => self.change_groups(filter, value, verb),
            _ => Err(ScimError::cannot_change(attr)),
        }
    }
}
