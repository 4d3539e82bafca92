//! By which way the node gives its lists page by page: by index (RFC 7644, section 3.4.2.4) or by cursor (RFC 9865).
//!
//! A cursor says behind whom the next page begins, so that nobody is skipped when somebody before them is removed. It
//! is good for the list that it came with only.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::attribute::Kind;
use super::error::ScimError;
use super::params::{DEFAULT_COUNT, Params};

/// By which way a node gives lists page by page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Paging {
    /// By index
    #[default]
    Index,
    /// By cursor; with the first page, whatever index is asked for
    Cursor,
    /// By cursor; an index is refused (400)
    CursorOnly,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Behind so many.
    Skip(usize),
    /// Behind the one at this place.
    After(u32),
}

impl Start {
    /// How many are skipped; `up_to` counts those up to a place.
    pub(super) fn skipped(self, up_to: impl FnOnce(u32) -> usize) -> usize {
        match self {
            Start::Skip(skip) => skip,
            Start::After(last) => up_to(last),
        }
    }

    /// Whether the one at `place`, which has so many before it, is behind the beginning.
    pub(super) fn is_before(self, place: u32, before: usize) -> bool {
        match self {
            Start::Skip(skip) => before >= skip,
            Start::After(last) => place > last,
        }
    }
}

impl Paging {
    /// Where the page begins that is asked for.
    pub(super) fn start(self, kind: Kind, params: &Params) -> Result<Start, ScimError> {
        let index = Params::number("startIndex", params.start_index.as_deref())?;
        let cursor = params.cursor.as_deref().unwrap_or_default();
        match self {
            Paging::Index => Ok(Start::Skip(index.unwrap_or(1).max(1) - 1)),
            Paging::CursorOnly if index.is_some() => Err(ScimError::value(
                "startIndex is not known here: lists are given by cursor",
            )),
            Paging::Cursor | Paging::CursorOnly if cursor.is_empty() => Ok(Start::Skip(0)),
            Paging::Cursor | Paging::CursorOnly => {
                let place = cursor.split_once('.').and_then(|(place, list)| {
                    let is_same = list == self::list(kind, params);
                    u32::from_str_radix(place, 16).ok().filter(|_| is_same)
                });
                let wrong = "the cursor is none of this list";
                place
                    .map(Start::After)
                    .ok_or_else(|| ScimError::bad("invalidCursor", wrong))
            }
        }
    }

    pub(super) fn is_by_cursor(self) -> bool {
        self != Paging::Index
    }

    /// What `ServiceProviderConfig` says of it (RFC 9865, section 4); nothing by index, as nodes did before there was
    /// that.
    pub(super) fn described(self, page_max: usize) -> Option<Value> {
        self.is_by_cursor().then(|| {
            json!({
                "cursor": true,
                "index": false,
                "defaultPaginationMethod": "cursor",
                "defaultPageSize": DEFAULT_COUNT.min(page_max),
                "maxPageSize": page_max,
            })
        })
    }
}

/// The cursor of what comes behind the one at `place`.
pub(super) fn cursor(place: u32, kind: Kind, params: &Params) -> String {
    format!("{place:x}.{}", list(kind, params))
}

/// What tells one list from another.
fn list(kind: Kind, params: &Params) -> String {
    let mut hasher = DefaultHasher::new();
    (kind.name(), &params.filter).hash(&mut hasher);
    format!("{:x}", hasher.finish())
}
