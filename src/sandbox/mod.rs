//! A Keeper-like node on loopback over real HTTP: for trying out, for tests, for benchmarks.
