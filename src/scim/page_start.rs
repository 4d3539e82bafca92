//! By which way a page of a list is asked for: by index (RFC 7644, section 3.4.2.4) or by cursor (RFC 9865).

use std::borrow::Cow;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// At the one of this number; the first is 1.
    Index(u64),
    /// Where the node says.
    Cursor(Cursor),
}

/// What a node calls the place where its next page begins. It means nothing to anybody else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// The beginning of a list (RFC 9865, section 2).
    pub const FIRST: Cursor = Cursor(String::new());

    /// A cursor as a node gave it.
    #[must_use]
    pub fn new(value: String) -> Self {
        Cursor(value)
    }
}

impl PageStart {
    /// The beginning of a list, by index.
    pub const FIRST: PageStart = PageStart::Index(1);

    /// The parameter that asks for it, not percent-encoded.
    pub(super) fn parameter(&self) -> (&'static str, Cow<'_, str>) {
        match self {
            PageStart::Index(start) => ("startIndex", start.to_string().into()),
            PageStart::Cursor(Cursor(cursor)) => ("cursor", cursor.into()),
        }
    }
}

/// By which way a node gives lists, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct PagingCapability(AtomicU8);

impl PagingCapability {
    const UNKNOWN: u8 = 0;
    const INDEX: u8 = 1;
    const CURSOR: u8 = 2;
    /// The node says that it gives them by cursor only, which has not been tried.
    const CURSOR_BY_ITS_WORD: u8 = 3;

    /// Where a list begins.
    pub(super) fn first(&self) -> PageStart {
        match self.0.load(Ordering::Relaxed) {
            Self::CURSOR | Self::CURSOR_BY_ITS_WORD => PageStart::Cursor(Cursor::FIRST),
            _ => PageStart::FIRST,
        }
    }

    /// Where it begins by the other way, if the node may have refused this one: no list has come yet.
    pub(super) fn other(&self) -> Option<PageStart> {
        match self.0.load(Ordering::Relaxed) {
            Self::UNKNOWN => Some(PageStart::Cursor(Cursor::FIRST)),
            Self::CURSOR_BY_ITS_WORD => Some(PageStart::FIRST),
            _ => None,
        }
    }

    /// A page that began there has come.
    pub(super) fn came(&self, page_start: &PageStart) {
        match page_start {
            PageStart::Index(_) => self.0.store(Self::INDEX, Ordering::Relaxed),
            PageStart::Cursor(cursor) if *cursor == Cursor::FIRST => {
                self.0.store(Self::CURSOR, Ordering::Relaxed);
            }
            // A cursor of the node's leads on from a list that began by either way.
            PageStart::Cursor(_) => {}
        }
    }

    /// The node says that it gives lists by cursor only.
    pub(super) fn are_said_to_be_by_cursor(&self) {
        let unknown = Self::UNKNOWN;
        let told = Self::CURSOR_BY_ITS_WORD;
        // What was seen counts for more.
        let _ = self
            .0
            .compare_exchange(unknown, told, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_of_a_node_counts_for_more_than_its_word() {
        let (index, cursor) = (PageStart::FIRST, PageStart::Cursor(Cursor::FIRST));
        let paging = PagingCapability::default();
        assert_eq!(
            (paging.first(), paging.other()),
            (index.clone(), Some(cursor.clone()))
        );
        paging.are_said_to_be_by_cursor();
        assert_eq!(
            (paging.first(), paging.other()),
            (cursor.clone(), Some(index.clone()))
        );
        paging.came(&index);
        paging.came(&PageStart::Cursor(Cursor::new("x".to_owned())));
        paging.are_said_to_be_by_cursor();
        assert_eq!((paging.first(), paging.other()), (index, None));
        let paging = PagingCapability::default();
        paging.came(&cursor);
        assert_eq!((paging.first(), paging.other()), (cursor, None));
    }
}
