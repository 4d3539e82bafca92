//! Flags that several commands share, and what variables and profiles say in their place. What they come to is for those
//! who are told.

mod colour;
mod log;
mod network;
mod node;
mod quiet;
mod run;
mod spreadsheet;

pub(super) use colour::{ColourArgs, asked_for, of_help};
pub(super) use log::LogArgs;
pub(super) use node::{AddressArgs, CallArgs, GuardedNodeArgs, NodeArgs, ProfileArgs, TokenArgs};
pub(super) use quiet::QuietArgs;
pub(super) use run::{
    InputArgs, MaskArgs, OutputArgs, PreviewArgs, RunArgs, StateArgs, TeamArgs, UnfinishedArgs,
};
pub(super) use spreadsheet::{RowsArgs, SpreadsheetArgs};
