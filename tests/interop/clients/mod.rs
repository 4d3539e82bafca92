//! The sandbox against SCIM clients that nobody here wrote: a misunderstanding of the protocol that the program and
//! the sandbox share would pass every other test.
//!
//! `cargo test --test interop clients -- --ignored` installs the clients (`tests/interop/set-up-clients`) and runs them on a
//! sandbox on loopback. What they are and which versions is in `tests/interop/clients.txt`.

mod commander;
mod python;
mod source;
mod tester;
