//! Cases of one test that have nothing to do with each other.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread;

/// How many cases run at a time.
const AT_ONCE: usize = 4;

/// Runs the test for each case, several at once: most of the time they wait for a back-off.
///
/// # Panics
///
/// If one of them does, or there are none.
pub fn at_once<T: Send, R>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) -> R + Sync) {
    let cases: Vec<T> = cases.into_iter().collect();
    assert!(!cases.is_empty(), "there is nothing to test");
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().expect("no test runs under the lock").next();
    thread::scope(|scope| {
        let run = || {
            while let Some(case) = next() {
                test(case);
            }
        };
        let running: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(run)).collect();
        for thread in running {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}
