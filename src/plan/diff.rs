//! What differs between an account and what a row asks of it.

use super::AccountPatch;
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
    if let Some(email) = &update.new_email {
        let email = Edit::Set(email.as_str().to_owned());
        edit(&mut operations, "userName", &mut after.user_name, &email);
    }
    let attributes = &update.attributes;
    edit(
        &mut operations,
        "displayName",
        &mut after.display_name,
        &attributes.display_name,
    );
    edit(
        &mut operations,
        "externalId",
        &mut after.external_id,
        &attributes.external_id,
    );
    edit(
        &mut operations,
        "name.familyName",
        &mut after.family_name,
        &attributes.family_name,
    );
    edit(
        &mut operations,
        "name.givenName",
        &mut after.given_name,
        &attributes.given_name,
    );
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

fn edit(
    operations: &mut Vec<Operation>,
    path: &'static str,
    current: &mut Option<String>,
    edit: &Edit<String>,
) {
    let wanted = match edit {
        Edit::Keep => return,
        Edit::Clear => None,
        Edit::Set(text) => Some(text),
    };
    if current.as_ref() != wanted {
        operations.push(Operation::replace(
            path,
            wanted.cloned().unwrap_or_default(),
        ));
        *current = wanted.cloned();
    }
}

/// Whether the account is in the group: as it shows itself, or else as the group does. Nothing where
/// the node does not say.
fn is_in(account: &User, group: &str, teams: &Teams) -> Option<bool> {
    match &account.groups {
        Some(groups) => Some(groups.iter().any(|shown| same_id(&shown.value, group))),
        None => teams.membership_cache().is_in(&account.id, group),
    }
}
