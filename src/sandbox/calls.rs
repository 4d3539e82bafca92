//! What the node has been asked: counters for tests and benchmarks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{Method, StatusCode, Version};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "other"];

/// Path templates below the node's base address.
const PLACES: [&str; 11] = [
    "/Users",
    "/Users/{id}",
    "/Groups",
    "/Groups/{id}",
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/ResourceTypes/{id}",
    "/Schemas",
    "/Schemas/{id}",
    "/Bulk",
    "other",
];

const STATUSES: usize = 600;

/// The calls a node has taken so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// By method and path template: `GET /Users`, `PATCH /Groups/{id}`, …; unknown paths as `GET other`.
    ///
    /// A bulk request is one call, `POST /Bulk`, whatever it holds.
    pub by_kind: BTreeMap<String, u64>,
    /// By the status answered, also where the answer was delayed or cut.
    pub by_status: BTreeMap<u16, u64>,
    /// Calls that got no answer: their connection was reset or closed.
    pub unanswered: u64,
    /// Calls that came over HTTP/2.
    pub over_http_2: u64,
}

impl Calls {
    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_kind.values().sum()
    }

    /// Calls of one kind, written as in [`Calls::by_kind`].
    #[must_use]
    pub fn of(&self, kind: &str) -> u64 {
        self.by_kind.get(kind).copied().unwrap_or(0)
    }

    /// Calls that were answered with this status.
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }
}

/// The counters themselves: atomics, so that counting costs a call next to nothing.
#[derive(Debug)]
pub(super) struct Counters {
    kinds: Vec<AtomicU64>,
    statuses: Vec<AtomicU64>,
    unanswered: AtomicU64,
    over_http_2: AtomicU64,
}

impl Counters {
    pub(super) fn new() -> Self {
        let zeros = |n| std::iter::repeat_with(AtomicU64::default).take(n).collect();
        Self {
            kinds: zeros(METHODS.len() * PLACES.len()),
            statuses: zeros(STATUSES),
            unanswered: AtomicU64::new(0),
            over_http_2: AtomicU64::new(0),
        }
    }

    /// Counts a call; `path` is what follows the node's base address, `None` if it is below another.
    pub(super) fn asked(&self, method: &Method, path: Option<&str>, version: Version) {
        if version == Version::HTTP_2 {
            self.over_http_2.fetch_add(1, Ordering::Relaxed);
        }
        let method = METHODS
            .iter()
            .position(|known| method == known)
            .unwrap_or(METHODS.len() - 1);
        let place = path.and_then(place).unwrap_or(PLACES.len() - 1);
        self.kinds[method * PLACES.len() + place].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: StatusCode) {
        if let Some(counter) = self.statuses.get(usize::from(status.as_u16())) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Calls {
        let mut calls = Calls {
            unanswered: self.unanswered.load(Ordering::Relaxed),
            over_http_2: self.over_http_2.load(Ordering::Relaxed),
            ..Calls::default()
        };
        for (at, counter) in self.kinds.iter().enumerate() {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                let kind = format!(
                    "{} {}",
                    METHODS[at / PLACES.len()],
                    PLACES[at % PLACES.len()]
                );
                calls.by_kind.insert(kind, count);
            }
        }
        for (status, counter) in (0u16..).zip(&self.statuses) {
            let count = counter.load(Ordering::Relaxed);
            if count > 0 {
                calls.by_status.insert(status, count);
            }
        }
        calls
    }
}

/// The place in [`PLACES`] of a path such as `/Users/7`.
fn place(path: &str) -> Option<usize> {
    let mut segments = path.strip_prefix('/')?.splitn(2, '/');
    let first = segments.next()?;
    let item = segments
        .next()
        .filter(|rest| !rest.is_empty() && !rest.contains('/'));
    let whole = PLACES
        .iter()
        .position(|known| known[..].strip_prefix('/') == Some(first))?;
    match (item, path.len() == first.len() + 1) {
        (None, true) => Some(whole),
        (Some(_), _) if PLACES[whole + 1].ends_with("/{id}") => Some(whole + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_path_template() {
        let counters = Counters::new();
        for (method, path) in [
            (Method::GET, Some("/Users")),
            (Method::GET, Some("/Users/7")),
            (Method::GET, Some("/Users/8")),
            (Method::PATCH, Some("/Groups/7")),
            (Method::GET, Some("/Users/7/x")),
            (Method::GET, Some("/ServiceProviderConfig/1")),
            (Method::GET, Some("/Users/")),
            (Method::GET, None),
            (Method::HEAD, Some("/Schemas")),
            (Method::POST, Some("/Bulk")),
            (Method::POST, Some("/Bulk/7")),
        ] {
            counters.asked(&method, path, Version::HTTP_11);
        }
        counters.answered(StatusCode::OK);
        let calls = counters.read();
        assert_eq!(calls.of("GET /Users"), 1);
        assert_eq!(calls.of("GET /Users/{id}"), 2);
        assert_eq!(calls.of("PATCH /Groups/{id}"), 1);
        assert_eq!(calls.of("GET other"), 4);
        assert_eq!(calls.of("other /Schemas"), 1);
        assert_eq!(calls.of("POST /Bulk"), 1);
        assert_eq!(calls.of("POST other"), 1);
        assert_eq!(calls.total(), 11);
        assert_eq!(calls.answered(200), 1);
    }
}
