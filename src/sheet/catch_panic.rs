//! A wall around libraries that panic: over a damaged file, or where a disk is full.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread is behind the wall.
    static BEHIND: Cell<bool> = const { Cell::new(false) };
}

static QUIET: Once = Once::new();

/// What `work` gives; if it panics, what it says then, which nobody else hears.
///
/// `work` must leave nothing behind that is used afterwards and could be half done.
///
/// # Errors
/// What the panic carried.
pub(super) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
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
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_everything_else_comes_through() {
        assert_eq!(catch_panic(|| 7).ok(), Some(7));
        let none: &[u8] = &[];
        let panicked = catch_panic(|| none[std::hint::black_box(3)]);
        let words = *panicked.unwrap_err().downcast::<String>().unwrap();
        assert!(words.contains("out of bounds"), "{words}");
        assert_eq!(catch_panic(|| 8).ok(), Some(8));
    }
}
