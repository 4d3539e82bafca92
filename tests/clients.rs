//! The sandbox against SCIM clients that nobody here wrote: a misunderstanding of the protocol that the program and
//! the sandbox share would pass every other test.
//!
//! `cargo test --test clients -- --ignored` installs the clients (`tests/interop/set-up-clients`) and runs them on a
//! sandbox on loopback. What they are and which versions is in `tests/interop/clients.txt`.

mod support;

#[path = "clients/commander.rs"]
mod commander;
#[path = "clients/python.rs"]
mod python;
#[path = "clients/source.rs"]
mod source;
#[path = "clients/tester.rs"]
mod tester;
