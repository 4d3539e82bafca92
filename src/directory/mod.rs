//! What the node holds now: people and teams, looked up or listed, whichever costs fewer calls.
//!
//! Here belongs every question to the node about who and what is there. What follows from the
//! answers is for [`plan`](crate::plan); changing anything is for [`run`](crate::run).

mod filter;
mod holder;
mod index;
mod known;
mod members;
mod missing;
mod people;
mod taken;
mod teams;

pub(crate) use filter::other_case;
pub use holder::Holder;
pub use missing::{BadName, Expected, GroupRemark, NewName};
pub use people::People;
pub use teams::{TeamProblem, Teams};

/// What the node holds, as far as a run needs to know.
#[derive(Debug)]
pub struct Directory {
    /// The people.
    pub people: People,
    /// Teams and roles; none where no row names any.
    pub teams: Teams,
}
