//! The protocol: SCIM 2.0 (RFC 7643, RFC 7644) as the provider's page describes it.
//!
//! Here belong typed resources and messages ([`User`], [`Group`], [`Patch`]), one method an
//! endpoint ([`Client`]), bulk requests ([`BulkRequest`]), what a node says of itself
//! ([`ServiceProviderConfig`] and its kin), filters, and reading a list to its end ([`Listing`]). How
//! nodes want changes put is a [`Capabilities`]. One
//! call as it stands is a [`Raw`] answer. It is strict in what it sends and lenient in what it takes.
//! It knows nothing of rows, spreadsheets or runs; when a call may leave and whether it is sent again
//! is for [`transport`](crate::transport).

mod ahead;
mod bulk;
mod bulk_response;
mod capabilities;
mod changes;
mod client;
mod creation;
mod discovery;
mod document;
mod error;
mod filter;
mod keys;
mod listing;
mod loose;
mod message;
mod page_start;
mod patching;
mod query;
mod raw;
mod reply;
mod resource;
mod version;
mod walk;

pub use bulk::{BulkId, BulkLimits, BulkMethod, BulkOperation, BulkRequest, NoRoom};
pub use bulk_response::{BulkResponse, BulkResult};
pub use capabilities::{ActiveAs, Capabilities, ChangesBy, LeaversIn, MembershipsBy};
pub use client::Client;
pub use creation::{NewGroup, NewUser};
pub use discovery::{
    Attribute, Bulk, Filtering, Pagination, ResourceType, Schema, ServiceProviderConfig,
};
pub use document::Document;
pub use error::{Error, Refusal};
pub use filter::equals;
pub use listing::{Listing, Overlap, PAGE};
pub use message::{Operation, Page, Patch};
pub use page_start::{Cursor, PageStart};
pub use query::Query;
pub use raw::{BadRequestTarget, Raw, RequestTarget};
pub use reply::Reply;
pub use resource::{Group, Members, Reference, Resource, Shown, User, same_id};
pub use version::OVERTAKEN;
