//! What takes long, is about real time, or needs what may not be installed. `cargo test` runs the part that needs nothing
//! and takes no longer than others; `cargo test --test slow -- --ignored` runs the rest.

mod browser;
mod faults;
mod fleet;
mod killed;
mod large_node;
mod licences;
mod pace_http;
mod schedules;
