//! Where the program is that is tested.

use std::env;
use std::path::PathBuf;

/// The program that was built together with the test.
///
/// Cargo tells each test program its place when that is compiled, and this is no test program; so it is asked for when
/// the test runs. Versions of cargo before 1.94 do not say it then, nor does whoever starts a test program by hand: it is
/// in the folder above that of the test program.
///
/// # Panics
///
/// If there is none: better than testing another one.
pub fn program() -> PathBuf {
    let told = env::var_os("CARGO_BIN_EXE_headcount").map(PathBuf::from);
    let program = told.unwrap_or_else(|| {
        let test = env::current_exe().expect("the test knows where it is");
        let built = test.ancestors().nth(2).expect("a folder above `deps`");
        built.join(format!("headcount{}", env::consts::EXE_SUFFIX))
    });
    assert!(
        program.is_file(),
        "there is no program to test at {}; `cargo test` builds it with the tests",
        program.display()
    );
    program
}
