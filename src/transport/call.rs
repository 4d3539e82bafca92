//! A call and how it ended: with the node's word, or without.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use strum::{EnumCount, VariantArray};
use url::Url;

/// What a node may count calls by. Each class has a pace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumCount, VariantArray)]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes a user.
    UserWrite,
    /// Changes a group.
    GroupWrite,
    /// A bulk request, whatever is in it: it takes longer than any other call, and a node that counts
    /// calls for their work counts it differently.
    Bulk,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; Class::COUNT] = *Self::VARIANTS.first_chunk().unwrap();
}

/// Whether a call may simply be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Twice is the same as once (RFC 9110, section 9.2.2; and every PATCH this program sends).
    Safe,
    /// A second one may be refused, or make a second thing: find out first.
    LookFirst,
}

/// One HTTP request, to be sent as often as needed.
#[derive(Debug, Clone)]
pub struct Call {
    /// What the node may count it as.
    pub class: Class,
    /// The method.
    pub method: Method,
    /// The whole address, query included.
    pub url: Url,
    /// A JSON body.
    pub body: Option<Bytes>,
    /// The version that what it changes must have (`If-Match`).
    pub if_match: Option<HeaderValue>,
    /// Whether it may be sent twice.
    pub idempotency: Idempotency,
    /// How many bytes of an answer are read at the most, unpacked.
    pub longest_answer: usize,
    /// Whether the answer is so long that it pays to ask for it packed (RFC 9110, section 12.5.3). One that comes packed
    /// is unpacked in any case.
    pub gzip: bool,
    /// How many things it asks for: the more, the longer its answer may take.
    pub parts: usize,
    /// Becomes true when the caller wants it no more. It is looked at before the call is first sent.
    pub withdrawn: Option<Arc<AtomicBool>>,
}

impl Call {
    pub(super) fn is_withdrawn(&self) -> bool {
        let withdrawn = self.withdrawn.as_ref();
        withdrawn.is_some_and(|withdrawn| withdrawn.load(Ordering::Relaxed))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}

/// The node's word on a call.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// What was read from the body of a 2xx answer; the body itself of any other.
    pub content: Result<T, Bytes>,
    /// How often the call was sent.
    pub attempts: u32,
    /// Whether an earlier attempt may have taken effect although its answer never came.
    pub doubtful: bool,
    /// Whether an earlier attempt was answered with "too many calls": some nodes carry it out all the same.
    pub put_off: bool,
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", because(*kind, cause.as_ref()))]
pub struct Fault {
    /// What sort of fault.
    pub kind: FaultKind,
    /// What caused it.
    pub cause: Option<Cause>,
    /// The last status code that came back, if one did.
    pub status: Option<u16>,
    /// How often the call was sent.
    pub attempts: u32,
    /// Whether the node may have carried it out.
    pub may_have_worked: bool,
    /// How long the node was waited for, in all attempts.
    pub lasted: Duration,
    /// Whether the node answered, and refused it for now.
    pub refused: Refused,
    /// How long the node asked to wait, if it did.
    pub wait: Option<Duration>,
}

fn because(kind: FaultKind, cause: Option<&Cause>) -> String {
    match (kind, cause) {
        (_, None) => String::new(),
        (FaultKind::Unreachable, Some(cause)) => format!(": {cause}"),
        (_, Some(cause)) => format!(" ({cause})"),
    }
}

/// What caused a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", mend.as_ref().map(|mend| format!("; {mend}")).unwrap_or_default())]
pub struct Cause {
    /// What happened.
    pub what: String,
    /// What to do about it, where somebody can do something.
    pub mend: Option<String>,
}

impl From<String> for Cause {
    fn from(what: String) -> Self {
        Cause { what, mend: None }
    }
}

impl Fault {
    /// It was not sent, and will not be.
    #[must_use]
    pub fn stopped() -> Self {
        Fault {
            kind: FaultKind::Stopped,
            cause: None,
            status: None,
            attempts: 0,
            may_have_worked: false,
            lasted: Duration::ZERO,
            refused: Refused::No,
            wait: None,
        }
    }
}

/// Whether a node refused a call for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No.
    No,
    /// This one; it accepted others.
    Alone,
    /// Every call of its class.
    WithAll,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// No answer for so long, or none ever, that going on is pointless.
    #[error("the node cannot be reached")]
    Unreachable,
    /// The call was sent and may have taken effect.
    #[error("the node's answer was lost")]
    AnswerLost,
    /// It said yes, but nothing that can be read.
    #[error("the node's answer is not SCIM; is the address right?")]
    Unreadable,
    /// The answer was larger than any answer should be.
    #[error("the node's answer is too large")]
    TooLarge,
    /// The run is stopping, the call was not sent (again).
    #[error("the run was stopped")]
    Stopped,
    /// The caller wanted it no more before it was sent.
    #[error("it was no longer to be sent")]
    Withdrawn,
}

impl FaultKind {
    /// Whether the call was not sent, or not again, and is not going to be.
    #[must_use]
    pub fn is_of_the_unsent(self) -> bool {
        matches!(
            self,
            FaultKind::Stopped | FaultKind::Unreachable | FaultKind::Withdrawn
        )
    }
}
