//! The whole cycle of an account, through the real program, on servers that nobody here wrote.
//!
//! `cargo test --test interop servers -- --ignored` installs the servers (`set-up`), starts each on loopback,
//! goes through every step of `cycle`, and compares after each what the server holds, read with plain
//! HTTP, with what was asked for. What came of it is docs/compatibility.md: the test fails where that
//! page says something else, and writes it anew with `HEADCOUNT_WRITE_DOCS=1`.

mod cycle;
mod server;
mod table;
mod truth;

use std::process::Command;

use cycle::Cycle;
use server::Server;
use table::Column;

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");

#[test]
#[ignore = "needs Python, Node.js and packages; run with --ignored"]
fn the_whole_cycle_goes_well_on_every_server() {
    let set_up = Command::new(format!("{HERE}/set-up")).status().unwrap();
    assert!(set_up.success(), "the servers cannot be installed");
    let columns: Vec<Column> = server::every_one()
        .into_iter()
        .map(|kind| {
            let server = Server::start(kind);
            let column = Cycle::new(&server).go_through();
            server.stop();
            column
        })
        .collect();
    table::compare(&columns);
}
