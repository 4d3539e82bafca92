//! Who decides when the calls of a client are sent.

use super::node::{Node, Reply};
use crate::transport::Class;
use crate::transport::limiter::CallPermit;

/// What a controller says about sending a call.
pub(super) enum Permit {
    /// Now. Only the limiter hands out tickets.
    Now(Option<CallPermit>),
    /// Ask again then, in seconds.
    At(f64),
    AfterAnswer,
}

/// Decides when calls are sent.
pub(super) trait Controller {
    /// Asks for a call of `class` to be sent at `now`. Only the ideal client may look at the node.
    fn ask(&mut self, class: Class, now: f64, node: &mut Node) -> Permit;

    /// A call has been answered.
    fn back(&mut self, permit: Option<CallPermit>, now: f64, reply: &Reply);
}
