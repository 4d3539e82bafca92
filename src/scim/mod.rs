//! The protocol: SCIM 2.0 (RFC 7643, RFC 7644) as the provider's page describes it.
//!
//! Here belong typed resources and messages ([`User`], [`Group`], [`Patch`]), one method an
//! endpoint ([`Client`]), filters, and reading a list to its end ([`Listing`]). It is strict in
//! what it sends and lenient in what it takes. It knows nothing of rows, spreadsheets or runs;
//! when a call may leave and whether it is sent again is for [`pace`](crate::pace).

mod client;
mod error;
mod filter;
mod lenient;
mod listing;
mod message;
mod resource;

pub use client::{Client, Query, Reply};
pub use error::{Error, Refusal};
pub use filter::equals;
pub use listing::{Listing, Overlap, PAGE};
pub use message::{Operation, Page, Patch};
pub use resource::{Group, NewGroup, NewUser, Reference, Resource, User};
