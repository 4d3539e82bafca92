//! `attributes` and `excludedAttributes`: which part of a resource is shown (RFC 7644, section 3.9).

use super::attribute::{Attr, Kind, Sub, Top};
use super::error::ScimError;

/// Which attributes an answer shows. `id` and `schemas` are always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Projection {
    All,
    Only(Vec<Attr>),
    Except(Vec<Attr>),
}

impl Projection {
    /// Reads the two parameters. Attributes that the node does not have are ignored: leaving them out is no error.
    pub(super) fn read(
        kind: Kind,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let list = |names: &str| {
            let names = names.split(',').map(str::trim);
            names.filter_map(|name| Attr::read(kind, name)).collect()
        };
        match (attributes, excluded) {
            (None, None) => Ok(Self::All),
            (Some(only), None) => Ok(Self::Only(list(only))),
            (None, Some(except)) => Ok(Self::Except(list(except))),
            (Some(_), Some(_)) => Err(ScimError::value(
                "\"attributes\" and \"excludedAttributes\" exclude each other",
            )),
        }
    }

    /// Whether anything of `top` is shown.
    pub(super) fn shows(&self, top: Top) -> bool {
        match self {
            _ if matches!(top, Top::Id | Top::Schemas) => true,
            Projection::All => true,
            Projection::Only(only) => only.iter().any(|attr| attr.top == top),
            Projection::Except(except) => !except.contains(&Attr::whole(top)),
        }
    }

    /// Whether `sub` is shown, given that something of `top` is.
    pub(super) fn shows_part(&self, top: Top, sub: Sub) -> bool {
        let part = Attr::part(top, sub);
        match self {
            Projection::All => true,
            Projection::Only(only) => only.contains(&Attr::whole(top)) || only.contains(&part),
            Projection::Except(except) => !except.contains(&part),
        }
    }
}
