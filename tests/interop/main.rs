//! The program against servers, and the sandbox against clients, that nobody here wrote.
//!
//! `cargo test --test interop -- --ignored` installs them below `target/interop`, and starts each on loopback.

mod clients;
mod servers;
