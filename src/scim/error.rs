//! What can go wrong with a call, for the one who asked for it.

use std::fmt;

use jiff::Timestamp;

use crate::transport;

/// A call that did not bring what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The node said no.
    #[error("{0}")]
    Refused(Refusal),
    /// There was no answer.
    #[error(transparent)]
    Fault(#[from] transport::Fault),
    /// An id that cannot stand in an address.
    #[error("{0:?} cannot be an id")]
    ImpossibleId(String),
    /// The node said yes to a new account, and then shows nobody, or more than one.
    #[error("the node said yes, but then the account could not be found on it")]
    Vanished,
    /// The node said yes to a new account, and shows one that was there long before.
    #[error(
        "the node says yes (HTTP {status}), but it has made nobody: the account was made on {made}"
    )]
    OlderAccount {
        /// The status code of its yes.
        status: u16,
        /// When the node made the account (RFC 7643, section 3.1: `meta.created`).
        made: Timestamp,
    },
    /// The node said yes to a new account, and shows one that it had before.
    #[error("the node answered HTTP {status} with an account that existed before: {sign}")]
    ListedAccount {
        /// The status code of its yes.
        status: u16,
        /// What shows that.
        sign: &'static str,
    },
    /// What the call needs is not there and could not be made.
    #[error("{0}")]
    Unmet(String),
    /// A list that would not hold still.
    #[error(
        "the node's list of {endpoint} kept changing or is incomplete: {read} were read {}; \
         try again when nobody is working on the node", of_how_many(*total)
    )]
    Unsettled {
        /// `Users` or `Groups`.
        endpoint: &'static str,
        /// How many different ones were read.
        read: u64,
        /// How many there should be, by the node's word.
        total: Option<u64>,
    },
    /// A list without an end.
    #[error("the node's list of {endpoint} does not come to an end: {read} were read{}", where_said(*said))]
    Endless {
        /// `Users` or `Groups`.
        endpoint: &'static str,
        /// How many different ones were read.
        read: u64,
        /// How many there were at first, by the node's word.
        said: Option<u64>,
    },
}

fn of_how_many(total: Option<u64>) -> String {
    total.map_or_else(
        || "and it does not say how many there are".to_owned(),
        |total| format!("where it says there are {total}"),
    )
}

fn where_said(said: Option<u64>) -> String {
    said.map_or_else(String::new, |said| {
        format!(" where it said that there are {said}")
    })
}

/// The node's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code, 3xx to 5xx.
    pub status: u16,
    /// The node's own words.
    pub detail: Option<String>,
    /// The kind of error in the protocol's words (RFC 7644, section 3.12).
    pub scim_type: Option<String>,
    /// How often the call was sent.
    pub attempts: u32,
    /// Whether an earlier attempt may have taken effect.
    pub doubtful: bool,
    /// Whether an earlier attempt was answered with "too many calls": some nodes carry it out all the same.
    pub put_off: bool,
}

impl Refusal {
    /// Whether something is taken already: 409, or 400 or 422 with the protocol's word for it, or with a sentence.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        const SENTENCES: [&str; 5] = [
            "already exist",
            "already taken",
            "already been taken",
            "already in use",
            "already registered",
        ];
        let says_so = || {
            let words = self.words();
            SENTENCES.iter().any(|sentence| words.contains(sentence))
        };
        let is_word = || self.scim_type.as_deref() == Some("uniqueness");
        self.status == 409 || (matches!(self.status, 400 | 422) && (is_word() || says_so()))
    }

    /// Whether the token is not valid, or may not do this.
    #[must_use]
    pub fn is_about_token(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Whether the node does not know the method, for this or for anything.
    #[must_use]
    pub fn is_about_method(&self) -> bool {
        matches!(self.status, 405 | 501)
    }

    /// Whether the node dislikes how many were asked for at once (RFC 9865, section 2).
    #[must_use]
    pub fn is_about_count(&self) -> bool {
        self.status == 400 && self.scim_type.as_deref() == Some("invalidCount")
    }

    /// Whether the node may dislike that a list is asked for by index. A filter is something else.
    #[must_use]
    pub fn may_be_about_index(&self) -> bool {
        let about_filter = matches!(self.scim_type.as_deref(), Some("invalidFilter" | "tooMany"));
        self.status == 400 && !about_filter
    }

    /// Whether the node speaks of cursors, or of the index that a list was asked for by, and not of how many were.
    #[must_use]
    pub fn speaks_of_index(&self) -> bool {
        let words = self.words();
        let is_named = words.contains("cursor") || words.contains("startindex");
        self.may_be_about_index() && is_named && !words.contains("count")
    }

    /// Whether the node speaks of versions of resources, which a change is to name.
    #[must_use]
    pub fn speaks_of_versions(&self) -> bool {
        let words = self.words();
        let is_named = words.contains("if-match") || words.contains("etag");
        self.status == 428 || (matches!(self.status, 400 | 409) && is_named)
    }

    /// Whether the node speaks of the operations of a PATCH: how they are written, or how many there are.
    #[must_use]
    pub fn speaks_of_operations(&self) -> bool {
        self.is_about_form() && self.has_word(&["op", "ops", "operation", "operations"])
    }

    /// Whether the node may take fewer operations at once.
    #[must_use]
    pub fn speaks_of_many_operations(&self) -> bool {
        const MANY: [&str; 8] = [
            "one", "1", "single", "only", "multiple", "several", "many", "more",
        ];
        self.speaks_of_operations() && self.has_word(&MANY)
    }

    /// The node's own words in small letters.
    fn words(&self) -> String {
        self.detail.as_deref().unwrap_or_default().to_lowercase()
    }

    /// Whether one of these is among the node's words, as a whole.
    fn has_word(&self, any: &[&str]) -> bool {
        let words = self.words();
        let mut words = words.split(|c: char| !c.is_alphanumeric());
        words.any(|word| any.contains(&word))
    }

    /// Whether the node dislikes what was sent, and might like it put in another way.
    #[must_use]
    pub fn is_about_form(&self) -> bool {
        matches!(self.status, 400 | 422 | 501) && !self.is_conflict()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.status {
            300..=399 => {
                "the node sends callers to another address; check the region and the node id"
            }
            400 => "the node does not accept this",
            401 => "the token is not valid for this node",
            403 => "the token may not do this",
            404 => "the node has nothing of this id or at this address",
            409 => "already taken",
            413 => "too large for the node",
            428 => "the number of licensed seats was exceeded",
            429 => "the node kept answering that there are too many calls",
            501 => "the node does not offer this",
            500..=599 => "the node failed",
            _ => "the node refused",
        };
        write!(f, "{meaning} (HTTP {}", self.status)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        f.write_str(")")
    }
}

impl Error {
    /// The status code that decided, if one came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Refused(refusal) => Some(refusal.status),
            Error::Fault(fault) => fault.status,
            Error::OlderAccount { status, .. } | Error::ListedAccount { status, .. } => {
                Some(*status)
            }
            _ => None,
        }
    }

    /// Whether the node may have failed or refused because of a filter. If that is not why, it does the same without
    /// one.
    #[must_use]
    pub fn may_be_about_filter(&self) -> bool {
        match self {
            Error::Refused(refusal) => {
                matches!(refusal.status, 400 | 403 | 404 | 405 | 422 | 500 | 501)
            }
            Error::Fault(fault) => fault.status == Some(500),
            _ => false,
        }
    }

    /// How often the call was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Error::Refused(refusal) => refusal.attempts,
            Error::Fault(fault) => fault.attempts,
            _ => 0,
        }
    }

    /// Whether the call may have taken effect, then or at an earlier attempt.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        match self {
            Error::Refused(refusal) => refusal.doubtful,
            Error::Fault(fault) => fault.may_have_worked,
            _ => false,
        }
    }

    /// Whether this, or an earlier attempt, was answered with "too many calls".
    #[must_use]
    pub fn is_put_off(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.put_off || refusal.status == 429)
    }

    /// The same after another attempt that was answered with "too many calls".
    #[must_use]
    pub(crate) fn after_put_off(mut self) -> Self {
        if let Error::Refused(refusal) = &mut self {
            refusal.put_off = true;
        }
        self
    }

    /// The same after other attempts, which may have taken effect if `doubtful`.
    #[must_use]
    pub fn after(mut self, attempts: u32, doubtful: bool) -> Self {
        match &mut self {
            Error::Refused(refusal) => {
                refusal.attempts += attempts;
                refusal.doubtful |= doubtful;
            }
            Error::Fault(fault) => {
                fault.attempts += attempts;
                fault.may_have_worked |= doubtful;
            }
            _ => {}
        }
        self
    }

    /// The same after some of the operations of a PATCH were carried out.
    #[must_use]
    pub(super) fn after_some(mut self, done: usize, all: usize) -> Self {
        if let (Error::Refused(refusal), 1..) = (&mut self, done) {
            let words = refusal.detail.take().map(|words| format!("; {words}"));
            let words = words.unwrap_or_default();
            refusal.detail = Some(format!(
                "{done} of {all} operations of the change were carried out{words}"
            ));
        }
        self
    }

    /// Whether the token, the address or the network is at fault, and so every other call is
    /// bound to fail as well.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        match self {
            Error::Refused(refusal) => refusal.is_about_token(),
            Error::Fault(fault) => fault.kind == transport::FaultKind::Unreachable,
            _ => false,
        }
    }
}
