//! Which node, which token, which limits.
//!
//! Here belongs turning what a person gave (flags, environment, profiles) into an address and a token that
//! can be used, and refusing those that cannot. Flags themselves are declared in
//! [`cli`](crate::cli); calling the node is for [`scim`](crate::scim).

mod config;
mod node;
mod token;

pub use config::{Config, ConfigError, Profile};
pub use node::{Node, NodeError, Region};
pub use token::{TokenError, TokenSource};
