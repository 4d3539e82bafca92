//! What the operations of a node share.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::options::Offer;
use super::paging::Paging;
use super::store::Store;

/// The node, whoever calls.
#[derive(Debug)]
pub(super) struct Node {
    store: RwLock<Store>,
    pub(super) page_max: usize,
    pub(super) paging: Paging,
    pub(super) bulk: Offer,
}

pub(super) type Shared = Arc<Node>;

impl Node {
    pub(super) fn new(store: Store, page_max: usize, paging: Paging, bulk: Offer) -> Self {
        Self {
            store: RwLock::new(store),
            page_max,
            paging,
            bulk,
        }
    }

    // No operation panics half-way through a change, so a poisoned lock still guards a sound store.

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }
}
