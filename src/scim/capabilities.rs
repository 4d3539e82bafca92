//! The ways in which nodes want changes put. Each is found out from what a node says and does, once a
//! run, or is set beforehand.

use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

use super::discovery::ServiceProviderConfig;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumCount, VariantArray)]
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
    pub const ALL: [ActiveAs; ActiveAs::COUNT] = *Self::VARIANTS.first_chunk().unwrap();
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
pub struct Capabilities {
    /// With which resource memberships change.
    pub memberships: Option<MembershipsBy>,
    /// How somebody who leaves a group is named.
    pub leavers: Option<LeaversIn>,
    /// How `active` is sent.
    pub active: Option<ActiveAs>,
    /// How resources are changed.
    pub changes: Option<ChangesBy>,
}

impl Capabilities {
    /// The same, with what a node that says this of itself takes where nothing was set.
    #[must_use]
    pub fn or_as_said(self, said: Option<&ServiceProviderConfig>) -> Self {
        let no_patch = said.is_some_and(|config| config.patch == Some(false));
        Capabilities {
            changes: self.changes.or(no_patch.then_some(ChangesBy::Put)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_goes_before_what_the_node_says() {
        let said = |patch| ServiceProviderConfig {
            patch,
            ..ServiceProviderConfig::default()
        };
        let changes =
            |capabilities: Capabilities, patch| capabilities.or_as_said(Some(&said(patch))).changes;
        let set = Capabilities {
            changes: Some(ChangesBy::Patch),
            ..Capabilities::default()
        };
        assert_eq!(
            changes(Capabilities::default(), Some(false)),
            Some(ChangesBy::Put)
        );
        assert_eq!(changes(Capabilities::default(), Some(true)), None);
        assert_eq!(changes(Capabilities::default(), None), None);
        assert_eq!(changes(set, Some(false)), Some(ChangesBy::Patch));
    }
}
