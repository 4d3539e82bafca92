//! Which node, which token, which limits.
//!
//! Here belongs turning what a person gave (flags, environment, profiles) into an address and a token that
//! can be used, refusing those that cannot, saying who said what, and writing profiles. Flags themselves are
//! declared in [`cli`](crate::cli); calling the node is for [`scim`](crate::scim).

mod config;
mod document;
mod draft;
mod explain;
mod keyring;
mod layers;
mod node;
mod profile;
mod secrets_manager;
mod token;

pub use config::{Address, Config, ConfigError};
pub use document::{KEYS, nearest};
pub use draft::{Draft, DraftError, Existing, NodeLocation, TokenAt};
pub use explain::{Explained, ExplainedSetting};
pub use keyring::{Account, KeyringError};
pub use layers::{Layers, Named, Origin, Said, Setting, Spot, Usage, flag, variable};
pub use node::{Node, NodeError, Region};
pub use profile::Profile;
pub use secrets_manager::{Record, SecretsManagerError};
pub use token::{Presence, TokenError, TokenSource, typed_token};
