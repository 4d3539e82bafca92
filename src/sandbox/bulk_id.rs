//! References from one operation of a bulk request to what another one creates (RFC 7644, section 3.7.2).
//!
//! `bulkId:NAME` may stand where an id does: as the id in an operation's path, and as the `value` of a link in its data
//! (`members` of a group, `groups` of a user), in documents and PATCH operations alike. Anywhere else it is a text like
//! any other, but for the filter in a PATCH path, where it could only match nobody: that is refused.

use serde_json::Value;

use super::attribute::{Attr, Kind, Top};
use super::error::ScimError;
use super::json::{self, Fields};
use super::path::Path;

const PREFIX: &str = "bulkId:";

/// The name in a reference; `None` if `id` is an id.
pub(super) fn referred(id: &str) -> Option<&str> {
    id.strip_prefix(PREFIX)
}

/// What is done to the ids that are met, one after the other.
type Visit<'a> = dyn FnMut(&mut String) -> Result<(), ScimError> + 'a;

/// Visits the ids of all links in the body of a POST or PUT.
pub(super) fn in_document(
    kind: Kind,
    data: &mut Value,
    visit: &mut Visit<'_>,
) -> Result<(), ScimError> {
    match data {
        Value::Object(fields) => in_fields(kind, fields, visit),
        _ => Ok(()),
    }
}

/// Visits the ids of all links in the body of a PATCH.
pub(super) fn in_patch(
    kind: Kind,
    data: &mut Value,
    visit: &mut Visit<'_>,
) -> Result<(), ScimError> {
    let Value::Object(fields) = data else {
        return Ok(());
    };
    let Some(Value::Array(operations)) = json::field_mut(fields, "Operations") else {
        return Ok(());
    };
    for operation in operations.iter_mut().filter_map(Value::as_object_mut) {
        match json::field(operation, "path").cloned() {
            Some(Value::String(path)) => {
                if holds_links(kind, &path)?
                    && let Some(value) = json::field_mut(operation, "value")
                {
                    in_links(value, visit)?;
                }
            }
            _ => {
                if let Some(Value::Object(fields)) = json::field_mut(operation, "value") {
                    in_fields(kind, fields, visit)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether what stands at `path` are links. A path that makes no sense is for the one who carries the PATCH out.
fn holds_links(kind: Kind, path: &str) -> Result<bool, ScimError> {
    if path.contains(&format!("\"{PREFIX}")) {
        return Err(ScimError::path(format!(
            "path {path:?}: a bulkId cannot stand in a filter"
        )));
    }
    Ok(Path::read(kind, path).is_ok_and(|path| is_link_list(path.attr)))
}

fn is_link_list(attr: Attr) -> bool {
    matches!(attr.top, Top::Groups | Top::Members) && attr.sub.is_none()
}

fn in_fields(kind: Kind, fields: &mut Fields, visit: &mut Visit<'_>) -> Result<(), ScimError> {
    for (name, value) in fields.iter_mut() {
        if Attr::read(kind, name).is_some_and(is_link_list) {
            in_links(value, visit)?;
        }
    }
    Ok(())
}

fn in_links(value: &mut Value, visit: &mut Visit<'_>) -> Result<(), ScimError> {
    let links = match value {
        Value::Array(links) => links.as_mut_slice(),
        lone => std::slice::from_mut(lone),
    };
    for link in links.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(Value::String(id)) = json::field_mut(link, "value") {
            visit(id)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn met(
        walk: fn(Kind, &mut Value, &mut Visit<'_>) -> Result<(), ScimError>,
        kind: Kind,
        mut data: Value,
    ) -> Result<Vec<String>, ScimError> {
        let mut ids = Vec::new();
        walk(kind, &mut data, &mut |id| {
            ids.push(id.clone());
            Ok(())
        })?;
        Ok(ids)
    }

    #[test]
    fn links_are_found_in_documents_and_nothing_else() {
        let user = json!({
            "userName": "bulkId:x", "groups": [{"value": "bulkId:a"}, {"Value": "7"}, {"display": "bulkId:y"}, 5],
            "emails": [{"value": "bulkId:z"}], "members": [{"value": "1"}]
        });
        assert_eq!(
            met(in_document, Kind::User, user).unwrap(),
            ["bulkId:a", "7"]
        );
        let group = json!({"MEMBERS": {"value": "bulkId:u"}, "groups": [{"value": "1"}]});
        assert_eq!(met(in_document, Kind::Group, group).unwrap(), ["bulkId:u"]);
        assert!(met(in_document, Kind::Group, json!([])).unwrap().is_empty());
    }

    #[test]
    fn links_are_found_in_patches_with_and_without_path() {
        let patch = json!({"operations": [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]},
            {"op": "add", "value": {"members": [{"value": "bulkId:b"}], "displayName": "bulkId:c"}},
            {"op": "replace", "path": "members[value eq \"7\"]", "value": {"value": "bulkId:d"}},
            {"op": "replace", "path": "displayName", "value": {"value": "bulkId:e"}},
            {"op": "replace", "path": "][", "value": {"value": "bulkId:f"}},
            "nonsense"
        ]});
        let ids = met(in_patch, Kind::Group, patch).unwrap();
        assert_eq!(ids, ["bulkId:a", "bulkId:b", "bulkId:d"]);
        let filtered =
            json!({"Operations": [{"op": "remove", "path": "members[value eq \"bulkId:a\"]"}]});
        let error = met(in_patch, Kind::Group, filtered).unwrap_err();
        assert_eq!(error.scim_type, Some("invalidPath"));
    }
}
