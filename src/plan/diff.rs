//! What differs between an account and what a row asks of it.

use super::Correction;
use crate::roster::{Edit, Revision};
use crate::scim::{Operation, Reference, User};

/// What gets the account to what the row asks of it.
///
/// An attribute is cleared by replacing it with the empty string, as the provider's page shows for
/// `externalId`; empty and absent count as the same.
pub(super) fn diff(
    account: &User,
    revision: &Revision,
    join: &[&str],
    leave: &[&str],
) -> Correction {
    let mut after = account.clone();
    let mut operations = Vec::new();
    if let Some(email) = &revision.new_email {
        let email = Edit::Set(email.as_str().to_owned());
        edit(&mut operations, "userName", &mut after.user_name, &email);
    }
    let attributes = &revision.attributes;
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
    if let Some(active) = revision.active
        && after.active != Some(active)
    {
        operations.push(Operation::replace("active", active));
        after.active = Some(active);
    }
    let (to_join, to_leave) = memberships(account, join, leave);
    if let Some(groups) = &mut after.groups {
        groups.retain(|group| !to_leave.contains(&&*group.value));
        groups.extend(to_join.iter().map(|id| Reference {
            value: (*id).to_owned(),
            display: None,
        }));
    }
    let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect();
    Correction {
        before: account.clone(),
        after,
        operations,
        join: owned(to_join),
        leave: owned(to_leave),
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

/// Those to join and to leave that are not so yet; all of them where the node does not say.
fn memberships<'i>(
    account: &User,
    join: &[&'i str],
    leave: &[&'i str],
) -> (Vec<&'i str>, Vec<&'i str>) {
    let Some(groups) = &account.groups else {
        return (join.to_vec(), leave.to_vec());
    };
    let is_in = |id: &str| groups.iter().any(|group| group.value == id);
    let join = join.iter().copied().filter(|id| !is_in(id)).collect();
    let leave = leave.iter().copied().filter(|id| is_in(id)).collect();
    (join, leave)
}
