//! The sandbox over HTTP: every operation on the provider's page with the page's own bodies, the refusals, the faults.

#[path = "sandbox/support.rs"]
mod support;

#[path = "sandbox/bulk.rs"]
mod bulk;
#[path = "sandbox/bulk_refusals.rs"]
mod bulk_refusals;
#[path = "sandbox/discovery.rs"]
mod discovery;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/groups.rs"]
mod groups;
#[path = "sandbox/listing.rs"]
mod listing;
#[path = "sandbox/protocol.rs"]
mod protocol;
#[path = "sandbox/users.rs"]
mod users;
