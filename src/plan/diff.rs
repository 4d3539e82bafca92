//! What differs between an account and what a row asks of it.

use super::AccountPatch;
use crate::attribute::Attribute;
use crate::directory::Teams;
use crate::roster::{AccountUpdate, Edit};
use crate::scim::{Operation, Reference, User, same_id};

/// What gets the account to what the row asks of it.
///
/// An attribute is cleared by replacing it with the empty string, as the provider's page shows for
/// `externalId`; empty and absent count as the same.
pub(super) fn diff(
    account: &User,
    update: &AccountUpdate,
    join: &[&str],
    leave: &[&str],
    teams: &Teams,
) -> AccountPatch {
    let mut after = account.clone();
    let mut operations = Vec::new();
    let mut edits = update.attributes.clone();
    if let Some(email) = &update.new_email {
        edits[Attribute::UserName] = Edit::Set(email.as_str().to_owned());
    }
    for attribute in in_patch() {
        let wanted = match &edits[attribute] {
            Edit::Keep => continue,
            Edit::Clear => None,
            Edit::Set(text) => Some(text.as_str()),
        };
        if after.texts.get(attribute) != wanted {
            let value = wanted.unwrap_or_default();
            operations.push(Operation::replace(attribute.path(), value));
            after.texts[attribute] = wanted.map(str::to_owned);
        }
    }
    if let Some(active) = update.active
        && after.active != Some(active)
    {
        operations.push(Operation::replace("active", active));
        after.active = Some(active);
    }
    let is_in = |group: &&str| is_in(account, group, teams);
    let those = |groups: &[&str], wanted: bool| -> Vec<String> {
        let other = groups.iter().filter(|group| is_in(group) != Some(wanted));
        other.map(|group| (*group).to_owned()).collect()
    };
    let (to_join, to_leave) = (those(join, true), those(leave, false));
    if let Some(groups) = &mut after.groups {
        groups.retain(|group| !to_leave.iter().any(|id| same_id(id, &group.value)));
        groups.extend(to_join.iter().cloned().map(Reference::to));
    }
    AccountPatch {
        before: account.clone(),
        after,
        operations,
        memberships_seen: join.iter().chain(leave).all(|group| is_in(group).is_some()),
        join: to_join,
        leave: to_leave,
    }
}

/// The attributes in the order in which a PATCH has them: what stands in `name` last, and the last name first.
fn in_patch() -> impl Iterator<Item = Attribute> {
    let all = Attribute::simple().chain(Attribute::of_name().rev());
    all.map(|(_, attribute)| attribute)
}

/// Whether the account is in the group: as it shows itself, or else as the group does. Nothing where
/// the node does not say.
fn is_in(account: &User, group: &str, teams: &Teams) -> Option<bool> {
    match &account.groups {
        Some(groups) => Some(groups.iter().any(|shown| same_id(&shown.value, group))),
        None => teams.membership_cache().is_in(&account.id, group),
    }
}
