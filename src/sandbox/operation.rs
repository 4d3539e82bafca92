//! What POST, PUT, PATCH and DELETE do to users and groups, as calls of their own and in a bulk request alike.

use serde_json::Value;

use super::attribute::Kind;
use super::error::ScimError;
use super::json;
use super::patch::Patch;
use super::store::Store;

/// Makes a resource; gives its place.
pub(super) fn create(store: &mut Store, kind: Kind, body: &Value) -> Result<u32, ScimError> {
    let document = json::object("the body", body)?;
    match kind {
        Kind::User => store.create_user(document, now()),
        Kind::Group => store.create_group(document, now()),
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
        Kind::User => store.replace_user(place, document, now())?,
        Kind::Group => store.replace_group(place, document, now())?,
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
        Kind::User => store.patch_user(place, patch, now())?,
        Kind::Group => store.patch_group(place, patch, now())?,
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

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
