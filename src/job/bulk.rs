//! Whether the changes of a job go together in bulk requests, and how large these are.

use std::time::Duration;

use tracing::info;

use crate::scim::{BulkLimits, Client, ServiceProviderConfig};
use crate::spec::BulkUse;

/// So many rows or fewer are not worth the question whether the node takes bulk requests.
const FEW: u64 = 2;

/// How long the question may take: the answer is a help, not a need.
const PATIENCE: Duration = Duration::from_secs(5);

impl BulkUse {
    /// Asks the node what it can do, where it is worth it for so many rows.
    pub(super) async fn ask(self, client: &Client, rows: u64) -> Option<ServiceProviderConfig> {
        if self == BulkUse::Off || rows <= FEW {
            return None;
        }
        let config = tokio::time::timeout(PATIENCE, client.config()).await;
        config.ok().flatten()
    }

    /// How large bulk requests for so many rows may be on a node that says this of itself; nothing
    /// where each change is a call of its own.
    pub(super) fn limits(
        self,
        said: Option<&ServiceProviderConfig>,
        rows: u64,
    ) -> Option<BulkLimits> {
        if self == BulkUse::Off || rows <= FEW {
            return None;
        }
        let offered = said.and_then(|config| config.bulk.as_ref());
        let limits = offered.and_then(BulkLimits::of);
        info!(?offered, ?limits, "bulk requests");
        match self {
            BulkUse::On => limits.or(Some(BulkLimits::MODEST)),
            _ => limits,
        }
    }
}
