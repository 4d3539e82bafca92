//! A group, and what documents and PATCH operations do to one (RFC 7643, section 4.2).
//!
//! A group may have tens of thousands of members, and a PATCH touches a few: so a draft keeps the difference to the
//! members there are, never a copy of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::attribute::{Attr, Kind, Top};
use super::error::ScimError;
use super::filter::Filter;
use super::held;
use super::json;
use super::patch::{Target, Verb};
use super::resources::{Change, Group};
use super::store::Store;

/// A group being changed; the store stays as it is until the draft is committed.
pub(super) struct Draft<'a> {
    store: &'a Store,
    members: &'a BTreeSet<u32>,
    change: Change,
}

impl<'a> Draft<'a> {
    pub(super) fn new(store: &'a Store, group: &'a Group) -> Self {
        Self {
            store,
            members: &group.members,
            change: Change {
                display_name: group.display_name.clone(),
                external_id: group.external_id.clone(),
                joining: BTreeSet::new(),
                leaving: BTreeSet::new(),
            },
        }
    }

    /// Forgets what a PUT takes away when its document says nothing; members stay.
    pub(super) fn empty(&mut self) {
        self.change.display_name = Box::default();
        self.change.external_id = None;
    }

    pub(super) fn finish(self) -> Result<Change, ScimError> {
        if self.change.display_name.trim().is_empty() {
            return Err(ScimError::value("displayName is required"));
        }
        Ok(self.change)
    }

    fn join(&mut self, place: u32) {
        self.change.leaving.remove(&place);
        if !self.members.contains(&place) {
            self.change.joining.insert(place);
        }
    }

    fn leave(&mut self, place: u32) {
        self.change.joining.remove(&place);
        if self.members.contains(&place) {
            self.change.leaving.insert(place);
        }
    }

    fn all_leave(&mut self) {
        self.change.joining.clear();
        self.change.leaving.clone_from(self.members);
    }

    fn is_member(&self, place: u32) -> bool {
        self.change.joining.contains(&place)
            || (self.members.contains(&place) && !self.change.leaving.contains(&place))
    }

    fn links(&self, value: &Value) -> Result<Vec<u32>, ScimError> {
        let place = |id| {
            self.store
                .user_place(id)
                .ok_or_else(|| ScimError::value(format!("members: there is no user {id:?}")))
        };
        json::link_ids("members", value)?
            .into_iter()
            .map(place)
            .collect()
    }

    fn matching(&self, filter: &Filter) -> Vec<u32> {
        if let Some(id) = filter.only_value() {
            let place = self.store.user_place(id);
            return place
                .into_iter()
                .filter(|place| self.is_member(*place))
                .collect();
        }
        let members = self.members.union(&self.change.joining).copied();
        members
            .filter(|place| self.is_member(*place))
            .filter(|place| filter.matches(&held::user_link(self.store, *place)))
            .collect()
    }
}

impl Target for Draft<'_> {
    const KIND: Kind = Kind::Group;

    fn set(&mut self, attr: Attr, value: &Value, verb: Verb) -> Result<(), ScimError> {
        match (attr.top, attr.sub) {
            (Top::DisplayName, _) => {
                self.change.display_name = json::text(attr, value)?.unwrap_or_default();
            }
            (Top::ExternalId, _) => self.change.external_id = json::text(attr, value)?,
            (Top::Members, None) => {
                let places = self.links(value)?;
                if verb == Verb::Replace {
                    self.all_leave();
                }
                for place in places {
                    self.join(place);
                }
            }
            _ => return Err(ScimError::cannot_change(attr)),
        }
        Ok(())
    }

    fn remove(&mut self, attr: Attr, value: &Value) -> Result<(), ScimError> {
        match (attr.top, attr.sub) {
            (Top::DisplayName, _) => {
                return Err(ScimError::required(attr));
            }
            (Top::ExternalId, _) => self.change.external_id = None,
            (Top::Members, None) if value.is_null() => self.all_leave(),
            (Top::Members, None) => {
                for place in self.links(value)? {
                    self.leave(place);
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
        if attr.sub.is_some() || attr.top != Top::Members {
            return Err(ScimError::cannot_change(attr));
        }
        let hits = self.matching(filter);
        let joining = match verb {
            Verb::Remove => Vec::new(),
            Verb::Replace if hits.is_empty() => {
                return Err(ScimError::no_target("no element of members matches"));
            }
            Verb::Replace => self.links(value)?,
            Verb::Add => return Err(ScimError::path("add to members takes no filter")),
        };
        for place in hits {
            self.leave(place);
        }
        for place in joining {
            self.join(place);
        }
        Ok(())
    }
}
