//! What POST, PUT, PATCH and DELETE do to users and groups, as calls of their own and in a bulk request alike.

use serde_json::Value;

use super::attribute::Kind;
use super::error::ScimError;
use super::json::{self, Fields};
use super::patch::{self, Patch};
use super::resources::{Group, User};
use super::store::Store;
use super::{email, groups, users};

/// Makes a resource; gives its place.
pub(super) fn create(store: &mut Store, kind: Kind, body: &Value) -> Result<u32, ScimError> {
    let document = json::object("the body", body)?;
    match kind {
        Kind::User => create_user(store, document, now()),
        Kind::Group => create_group(store, document, now()),
    }
}

/// Puts a document in the place of the one there is.
pub(super) fn replace(
    store: &mut Store,
    kind: Kind,
    id: &str,
    body: &Value,
) -> Result<u32, ScimError> {
    let document = json::object("the body", body)?;
    let place = store.place(kind, id)?;
    match kind {
        Kind::User => replace_user(store, place, document, now())?,
        Kind::Group => replace_group(store, place, document, now())?,
    }
    Ok(place)
}

/// Carries out a PATCH that was read for a resource of `kind`.
pub(super) fn patch(
    store: &mut Store,
    kind: Kind,
    id: &str,
    patch: &Patch,
) -> Result<u32, ScimError> {
    let place = store.place(kind, id)?;
    match kind {
        Kind::User => patch_user(store, place, patch, now())?,
        Kind::Group => patch_group(store, place, patch, now())?,
    }
    Ok(place)
}

/// Locks a user, removes a group.
pub(super) fn delete(store: &mut Store, kind: Kind, id: &str) -> Result<(), ScimError> {
    let place = store.place(kind, id)?;
    match kind {
        Kind::User => store.lock_user(place, now()),
        Kind::Group => store.delete_group(place),
    }
    Ok(())
}

pub(super) fn create_user(
    store: &mut Store,
    document: &Fields,
    now: i64,
) -> Result<u32, ScimError> {
    let mut draft = users::Draft::new(store, User::new(now));
    patch::fill(&mut draft, document)?;
    let user = draft.user;
    email::check(&user.user_name)?;
    store.add_user(user)
}

pub(super) fn replace_user(
    store: &mut Store,
    place: u32,
    document: &Fields,
    now: i64,
) -> Result<(), ScimError> {
    let mut draft = users::Draft::new(store, store.user(place).emptied());
    patch::fill(&mut draft, document)?;
    email::check(&draft.user.user_name)?;
    let user = draft.user;
    store.commit_user(place, user, now)
}

pub(super) fn patch_user(
    store: &mut Store,
    place: u32,
    patch: &Patch,
    now: i64,
) -> Result<(), ScimError> {
    let mut draft = users::Draft::new(store, store.user(place).clone());
    patch.apply(&mut draft)?;
    let user = draft.user;
    store.commit_user(place, user, now)
}

pub(super) fn create_group(
    store: &mut Store,
    document: &Fields,
    now: i64,
) -> Result<u32, ScimError> {
    let empty = Group::default();
    let mut draft = groups::Draft::new(store, &empty);
    patch::fill(&mut draft, document)?;
    let change = draft.finish()?;
    let place = store.push_group(Group {
        created: now,
        ..Group::default()
    });
    store.commit_group(place, change, now);
    Ok(place)
}

fn replace_group(
    store: &mut Store,
    place: u32,
    document: &Fields,
    now: i64,
) -> Result<(), ScimError> {
    change_group(store, place, now, |draft| {
        draft.empty();
        patch::fill(draft, document)
    })
}

pub(super) fn patch_group(
    store: &mut Store,
    place: u32,
    patch: &Patch,
    now: i64,
) -> Result<(), ScimError> {
    change_group(store, place, now, |draft| patch.apply(draft))
}

fn change_group(
    store: &mut Store,
    place: u32,
    now: i64,
    work: impl FnOnce(&mut groups::Draft<'_>) -> Result<(), ScimError>,
) -> Result<(), ScimError> {
    if let Some(group) = store.group(place) {
        let mut draft = groups::Draft::new(store, group);
        work(&mut draft)?;
        let change = draft.finish()?;
        store.commit_group(place, change, now);
    }
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
