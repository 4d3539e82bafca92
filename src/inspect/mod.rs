//! Looking at a file without carrying it out: what was understood of it, what it asks for, what is wrong
//! with it.
//!
//! Here a [`Roster`](crate::roster::Roster) becomes something to read, for people or for programs. Which
//! node is asked for its teams, and where the words go, is for the command line to say.

mod check;
mod counts;
mod problems;
mod table;
mod teams;
mod understood;

pub use check::Check;
pub use teams::{TeamChecks, remark_line};
pub use understood::Understood;
