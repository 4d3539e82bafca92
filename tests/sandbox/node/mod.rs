//! The sandbox over HTTP: every operation on the provider's page with the page's own bodies, the refusals, the faults.

mod bulk;
mod bulk_refusals;
mod client;
mod discovery;
mod faults;
mod groups;
mod listing;
mod protocol;
mod users;
