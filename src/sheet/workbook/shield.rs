//! A wall around code that may panic over a damaged file.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread is behind the wall.
    static BEHIND: Cell<bool> = const { Cell::new(false) };
}

static QUIET: Once = Once::new();

/// What `work` gives; nothing if it panics, of which nobody hears.
///
/// `work` must leave nothing behind that is used afterwards and could be half done.
pub(super) fn against_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !BEHIND.get() {
                usual(info);
            }
        }));
    });
    BEHIND.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    BEHIND.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_everything_else_comes_through() {
        assert_eq!(against_panics(|| 7), Some(7));
        let none: &[u8] = &[];
        assert_eq!(against_panics(|| none[std::hint::black_box(3)]), None);
        assert_eq!(against_panics(|| 8), Some(8));
    }
}
