//! A simulation of HTTP nodes that limit calls, to test the limiter against.
//!
//! ```text
//! scenarios ──▶ world ──▶ report
//!  named, drawn  │ virtual time, events
//!                ├── node     limits, refusals, header fields;  latency
//!                └── client   job, rows under way ──▶ Controller: Limiter (adapter), Plain, Ideal
//! ```
//!
//! Each scenario runs with three kinds of client: the limiter under test; the plain client, which only retries; and an
//! ideal client that knows the node. Nothing here sleeps, and a run depends on nothing but its seed.
//!
//! `cargo test --release --lib -- --nocapture` with one of:
//!
//! - `the_table`: every named scenario. `PACE_ONLY=text` selects names that contain it, `PACE_RUNS=5` is the number of
//!   seeds for each.
//! - `the_search`: the worst of `PACE_SEEDS=300` drawn scenarios, from seed `PACE_FROM=1` on.
//! - `the_trace`: one run, second by second, of `PACE_ONLY=name` or `PACE_DRAWN=seed`, with `PACE_SEED=1` and
//!   `PACE_KIND=limiter`, `plain` or `ideal`.

mod adapter;
mod client;
mod controller;
mod latency;
mod node;
mod report;
mod scenarios;
mod world;

/// A length as a number to calculate with.
fn count(length: usize) -> f64 {
    f64::from(u32::try_from(length).expect("nothing here has four billion elements"))
}
