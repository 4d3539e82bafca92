//! The ways in which nodes want changes put. Each is found out from what a node says and does, once a
//! run, or is set beforehand.

use serde::{Deserialize, Serialize};

/// With which resource memberships change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MembershipsBy {
    /// `groups` of the user, as the provider's clients do it: any number of them in one call.
    User,
    /// `members` of the group: RFC 7643, section 4.1.2, makes a user's `groups` read-only.
    Group,
}

/// How somebody who leaves a group is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaversIn {
    /// `"path": "members", "value": [{"value": "7"}]`, as on the provider's page: many in one operation.
    Value,
    /// `"path": "members[value eq \"7\"]"`, as in RFC 7644, section 3.5.2.2.
    Path,
}

/// How `active` is sent in a PATCH. The provider's page shows both of the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActiveAs {
    /// `"path": "active", "value": false`
    Boolean,
    /// `"path": "active", "value": "false"`
    String,
    /// `"value": {"active": false}`, without a path.
    Object,
}

impl ActiveAs {
    /// All of them, the likeliest first.
    pub const ALL: [ActiveAs; 3] = [ActiveAs::Boolean, ActiveAs::String, ActiveAs::Object];
}

/// How a resource is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangesBy {
    /// What changes is sent (RFC 7644, section 3.5.2).
    Patch,
    /// The whole resource is read, changed and put back (RFC 7644, section 3.5.1).
    Put,
}

/// How changes are put to one node. What is absent is found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// With which resource memberships change.
    pub memberships: Option<MembershipsBy>,
    /// How somebody who leaves a group is named.
    pub leavers: Option<LeaversIn>,
    /// How `active` is sent.
    pub active: Option<ActiveAs>,
    /// How resources are changed.
    pub changes: Option<ChangesBy>,
}
