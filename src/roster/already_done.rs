//! Rows that are done with since an earlier run.

use std::fmt;
use std::sync::Arc;

use super::CheckedRow;

/// Tells which rows are done with: they count as rows of the file, and nothing else is asked of them.
#[derive(Clone, Default)]
pub struct AlreadyDone(Option<Arc<Test>>);

type Test = dyn Fn(&CheckedRow) -> bool + Send + Sync;

impl AlreadyDone {
    /// Those of which this is true.
    pub fn by(is_settled: impl Fn(&CheckedRow) -> bool + Send + Sync + 'static) -> Self {
        AlreadyDone(Some(Arc::new(is_settled)))
    }

    /// Whether a row is done with.
    #[must_use]
    pub fn has(&self, entry: &CheckedRow) -> bool {
        self.0.as_ref().is_some_and(|is_settled| is_settled(entry))
    }
}

impl fmt::Debug for AlreadyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.0.is_some() { "some" } else { "none" };
        write!(f, "Settled({what})")
    }
}
