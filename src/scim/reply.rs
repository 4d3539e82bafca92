//! What came of a call that the node carried out.

/// The node did what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// The status code, 2xx.
    pub status: u16,
    /// How often the call was sent.
    pub attempts: u32,
    /// Whether an earlier attempt may have taken effect already.
    pub doubtful: bool,
    /// Whether an earlier attempt was answered with "too many calls".
    pub put_off: bool,
    /// When the node says it answered (`Date`), seconds since 1970.
    pub date: Option<i64>,
    /// What came back.
    pub value: T,
}

impl<T> Reply<T> {
    /// The same reply with something else made of what came back.
    #[must_use]
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Reply<U> {
        Reply {
            status: self.status,
            attempts: self.attempts,
            doubtful: self.doubtful,
            put_off: self.put_off,
            date: self.date,
            value: make(self.value),
        }
    }

    /// The reply, and what came back, apart.
    pub(crate) fn split(self) -> (Reply<()>, T) {
        let whole = Reply {
            value: (),
            status: self.status,
            attempts: self.attempts,
            doubtful: self.doubtful,
            put_off: self.put_off,
            date: self.date,
        };
        (whole, self.value)
    }
}
