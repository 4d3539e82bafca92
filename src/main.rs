//! Starts the runtime and maps the end to an exit code.

fn main() {}
